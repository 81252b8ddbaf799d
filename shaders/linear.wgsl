// linear: db[j] = sum over i of dy[i, j], the gradient of a bias. The products are matmul.wgsl's. A workgroup sums one
// column of the row-major dy [m, n]: 64 partial sums, then a tree.
struct Params { m: u32, n: u32, add: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> db: array<f32>;

var<workgroup> shares: array<f32, 64>;

@compute @workgroup_size(64)
fn columnSum(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let column = group.x + group.y * groups.x;
  var sum = 0.0;
  if (column < p.n) {
    for (var row = local.x; row < p.m; row += 64u) { sum += dy[row * p.n + column]; }
  }
  shares[local.x] = sum;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local.x < half) { shares[local.x] += shares[local.x + half]; }
  }
  if (local.x == 0u && column < p.n) { db[column] = select(shares[0], db[column] + shares[0], p.add == 1u); }
}
