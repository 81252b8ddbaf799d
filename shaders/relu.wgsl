// relu: y = max(x, 0), of a NaN a NaN, which WGSL's max loses; dx = dy where y > 0, the gradient at 0 is 0.
struct Params { n: u32, add: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < p.n) { y[i] = select(x[i], 0.0, x[i] <= 0.0); }
}

@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let g = select(0.0, dy[i], x[i] > 0.0);
  dx[i] = select(g, dx[i] + g, p.add == 1u);
}
