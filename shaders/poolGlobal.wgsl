// poolGlobal: y[n, c] = mean of x[n, c, :, :]; dx = dy / pixels.
// A layout is planes x pixels x lanes: channel-major has C planes and N lanes, row-major N C planes and one lane. Either
// way y, row-major [N, C], lies at lane * planes + plane. A workgroup makes 32 means, each from 8 interleaved sums.
struct Params { planes: u32, pixels: u32, lanes: u32, add: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

const MEANS = 32u;
const SHARES = 8u;
var<workgroup> shares: array<f32, MEANS * SHARES>;

@compute @workgroup_size(MEANS, SHARES)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let i = (group.x + group.y * groups.x) * MEANS + local.x;
  let plane = i / p.lanes;
  let lane = i % p.lanes;
  var sum = 0.0;
  if (plane < p.planes) {
    for (var q = local.y; q < p.pixels; q += SHARES) { sum += x[(plane * p.pixels + q) * p.lanes + lane]; }
  }
  shares[local.y * MEANS + local.x] = sum;
  workgroupBarrier();
  if (local.y > 0u || plane >= p.planes) { return; }
  for (var s = 1u; s < SHARES; s++) { sum += shares[s * MEANS + local.x]; }
  y[lane * p.planes + plane] = sum / f32(p.pixels);
}

@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.planes * p.pixels * p.lanes) { return; }
  let plane = i / (p.pixels * p.lanes);
  let g = dy[(i % p.lanes) * p.planes + plane] / f32(p.pixels);
  dx[i] = select(g, dx[i] + g, p.add == 1u);
}
