// distillLoss.backward: dlogits = dy unit, or added: `unit` is the gradient for dy = 1, dy one number.
// An invocation has a Value of WIDTH logits, as in distillLoss.
struct Params { n: u32, add: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> unit: array<Value>;
@group(0) @binding(3) var<storage, read_write> dlogits: array<Value>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let g = dy[0] * unit[i];
  dlogits[i] = select(g, dlogits[i] + g, p.add == 1u);
}
