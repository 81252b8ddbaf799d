// runningStats: the statistics that batch norm uses in evaluation, as the pair (mean, rstd) its kernels read.
struct Params { n: u32, eps: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> runningMean: array<f32>;
@group(0) @binding(2) var<storage, read> runningVar: array<f32>;
@group(0) @binding(3) var<storage, read_write> saved: array<vec2f>;

@compute @workgroup_size(64)
fn load(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < p.n) { saved[id.x] = vec2f(runningMean[id.x], 1.0 / sqrt(runningVar[id.x] + p.eps)); }
}
