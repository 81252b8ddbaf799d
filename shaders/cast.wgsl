// cast: f32 ↔ whole numbers, value by value. What an f32 has behind the point is dropped; beyond the range of the whole
// numbers the last f32 within it comes out.
struct Params { n: u32, unsigned: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;  // bits
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn toFloat(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < p.n) { y[i] = bitcast<u32>(select(f32(bitcast<i32>(x[i])), f32(x[i]), p.unsigned == 1u)); }
}

@compute @workgroup_size(64)
fn toWhole(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let value = bitcast<f32>(x[i]);
  y[i] = select(bitcast<u32>(i32(value)), u32(value), p.unsigned == 1u);
}
