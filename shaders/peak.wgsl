// peak: as many multiply-adds as an adapter can do: no memory but registers, CHAINS independent chains an invocation.
//   a = fma(a, scale, shift), rounds · 16 times on each of CHAINS vectors of four; the sum is stored, so that nothing is
// left out. Each invocation does rounds · 16 · CHAINS · 4 multiply-adds. Which number of chains is best depends on an
// adapter's latency and registers, so several are timed; the best is the peak.
struct Params { rounds: u32, scale: f32, shift: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

// From the header: CHAINS.

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let s = vec4f(p.scale);
  let t = vec4f(p.shift);
  var a: array<vec4f, CHAINS>;
  for (var k = 0u; k < CHAINS; k++) { a[k] = vec4f(f32(id.x + k), f32(k), 1.0, 2.0); }
  for (var round = 0u; round < p.rounds; round++) {
    for (var i = 0u; i < 16u; i++) {
      for (var k = 0u; k < CHAINS; k++) { a[k] = fma(a[k], s, t); }
    }
  }
  var sum = vec4f(0.0);
  for (var k = 0u; k < CHAINS; k++) { sum += a[k]; }
  y[id.x] = sum.x + sum.y + sum.z + sum.w;
}
