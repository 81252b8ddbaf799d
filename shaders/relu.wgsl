// relu: y = max(x, 0), of a NaN a NaN, which WGSL's max loses; dx = dy where y > 0, the gradient at 0 is 0.
// A thread takes every `width`-th of n Values, which the loader declares: vec4f where the elements come in fours, else f32.
struct Params { n: u32, width: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<Value>;
@group(0) @binding(2) var<storage, read> dy: array<Value>;
@group(0) @binding(3) var<storage, read_write> y: array<Value>;
@group(0) @binding(4) var<storage, read_write> dx: array<Value>;

// Adds to dx. Not a branch: llvmpipe walks both sides of one.
override ADD: bool = false;

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let first = id.x + id.y * groups.x * 64u;
  if (first >= p.width) { return; }
  for (var i = first; i < p.n; i += p.width) {
    let v = x[i];
    y[i] = select(v, Value(), v <= Value());
  }
}

@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let first = id.x + id.y * groups.x * 64u;
  if (first >= p.width) { return; }
  for (var i = first; i < p.n; i += p.width) {
    let g = select(Value(), dy[i], x[i] > Value());
    if (ADD) { dx[i] += g; } else { dx[i] = g; }
  }
}
