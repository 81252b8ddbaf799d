// rows: a batch's rows go to their place in a table: dst[offset + i, j] = src[i, j], rows beyond the table are dropped.
struct Params { rows: u32, columns: u32, offset: u32, total: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> src: array<f32>;
@group(0) @binding(2) var<storage, read_write> dst: array<f32>;

@compute @workgroup_size(64)
fn place(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.rows * p.columns || i / p.columns + p.offset >= p.total) { return; }
  dst[p.offset * p.columns + i] = src[i];
}
