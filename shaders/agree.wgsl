// agree: extra = a + extra where dot > 0, else extra = a. One invocation an element; `dot` is the sum of a · extra, one
// number, so that a gradient joins another only where they point to the same side.
struct Params { n: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> dot: array<f32>;
@group(0) @binding(3) var<storage, read_write> extra: array<f32>;

@compute @workgroup_size(64)
fn join(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  extra[i] = a[i] + select(0.0, extra[i], dot[0] > 0.0);
}
