// conv2d.total: the sum of the parts of a weight gradient, in a fixed order.
//   dw[i] = sum over part of parts[part, i]   (+ dw[i] if add)
struct Params { size: u32, parts: u32, add: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> dw: array<f32>;

@compute @workgroup_size(64)
fn total(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.size) { return; }
  var sum = 0.0;
  for (var part = 0u; part < p.parts; part++) { sum += partial[part * p.size + i]; }
  if (p.add == 1u) { dw[i] += sum; } else { dw[i] = sum; }
}
