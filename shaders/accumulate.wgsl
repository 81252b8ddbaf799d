// accumulate: dst = src, or dst += src, element by element over the same layout.
// One element a thread, or, where their number divides by four, a vec4.
struct Params { n: u32, add: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> src: array<f32>;
@group(0) @binding(2) var<storage, read_write> dst: array<f32>;
@group(0) @binding(3) var<storage, read> src4: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> dst4: array<vec4f>;

@compute @workgroup_size(64)
fn into(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  dst[i] = select(src[i], dst[i] + src[i], p.add == 1u);
}

@compute @workgroup_size(64)
fn copy4(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (4u * i < p.n) { dst4[i] = src4[i]; }
}

@compute @workgroup_size(64)
fn add4(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (4u * i < p.n) { dst4[i] += src4[i]; }
}

// dst = 0.
@compute @workgroup_size(64)
fn zero(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < p.n) { dst[i] = 0.0; }
}
