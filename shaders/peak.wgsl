// peak: as many multiply-adds as an adapter can do: no memory but registers, CHAINS independent chains an invocation.
//   a = fma(a, scale, shift), rounds · 4 times on each of CHAINS numbers; the sum is stored, so that nothing is left out.
// Each invocation does rounds · 4 · CHAINS multiply-adds. Which number of chains is best depends on an adapter's latency
// and registers, so several are timed; the best is the peak. The scale differs between invocations and the shift is a
// constant, since a software adapter spreads a uniform over its lanes again and again.
struct Params { rounds: u32, scale: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

// From the header: CHAINS.

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let scale = p.scale + f32(id.x) * 1e-9;
  var a: array<f32, CHAINS>;
  for (var k = 0u; k < CHAINS; k++) { a[k] = f32(id.x + k); }
  for (var round = 0u; round < p.rounds; round++) {
    for (var k = 0u; k < CHAINS; k++) { a[k] = fma(a[k], scale, 0.5); }
    for (var k = 0u; k < CHAINS; k++) { a[k] = fma(a[k], scale, 0.5); }
    for (var k = 0u; k < CHAINS; k++) { a[k] = fma(a[k], scale, 0.5); }
    for (var k = 0u; k < CHAINS; k++) { a[k] = fma(a[k], scale, 0.5); }
  }
  var sum = 0.0;
  for (var k = 0u; k < CHAINS; k++) { sum += a[k]; }
  y[id.x] = sum;
}
