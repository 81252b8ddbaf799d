// poolGlobal: y[n, c] = mean of x[n, c, :, :]; dx = dy / pixels.
// A layout is planes x pixels x lanes: channel-major has C planes and N lanes, row-major N C planes and one lane. Either
// way y, row-major [N, C], lies at lane * planes + plane. An invocation makes one mean, from four interleaved sums, or
// hands on its gradient.
struct Params { planes: u32, pixels: u32, lanes: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

// Adds to dx. Not a branch: llvmpipe walks both sides of one.
override ADD: bool = false;

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  let plane = i / p.lanes;
  let lane = i % p.lanes;
  if (plane >= p.planes) { return; }
  var sums = vec4f();
  var j = plane * p.pixels * p.lanes + lane + vec4u(0, 1, 2, 3) * p.lanes;
  for (var q = 0u; q < p.pixels / 4u; q++) {
    sums += vec4f(x[j.x], x[j.y], x[j.z], x[j.w]);
    j += vec4u(4u * p.lanes);
  }
  for (var q = 0u; q < p.pixels % 4u; q++) { sums[q] += x[j[q]]; }
  y[lane * p.planes + plane] = (sums.x + sums.y + sums.z + sums.w) / f32(p.pixels);
}

// The same invocations: a place for every value would take two divisions, which a processor makes one lane at a time.
@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  let plane = i / p.lanes;
  let lane = i % p.lanes;
  if (plane >= p.planes) { return; }
  let g = dy[lane * p.planes + plane] / f32(p.pixels);
  let first = plane * p.pixels * p.lanes + lane;
  for (var q = 0u; q < p.pixels; q++) {
    let at = first + q * p.lanes;
    if (ADD) { dx[at] += g; } else { dx[at] = g; }
  }
}
