// optim: one step of SGD, Adam or AdamW over flat buffers of parameters x, gradients dx and state, in place, with
// PyTorch's meaning. The first `decayEnd` parameters are decayed; padding has gradient 0 and value 0 and stays 0.
//   both:  x *= shrink (decoupled decay, decayed only);  g = dx + l2 x (decayed only)
//   sgd:   m = keep m + take g;   x -= rate (g + momentum m with nesterov or without momentum, else m)
//   adam:  m = keep m + take g;   v = keepSquare v + takeSquare g²;   x -= rate m / (√v · unbias + eps)
// Whatever depends on the step (keep = 0 in the first step of SGD, Adam's bias corrections in rate = lr / (1 - beta1^t) and
// unbias = 1 / √(1 - beta2^t)) is computed in float64 on the host. An invocation updates a parameter.
struct Params {
  n: u32, decayEnd: u32, shrink: f32, l2: f32, rate: f32, keep: f32, take: f32, momentum: f32, nesterov: u32,
  keepSquare: f32, takeSquare: f32, unbias: f32, eps: f32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dx: array<f32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> m: array<f32>;
@group(0) @binding(4) var<storage, read_write> v: array<f32>;

@compute @workgroup_size(64)
fn sgd(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let g = dx[i] + select(0.0, p.l2 * x[i], i < p.decayEnd);
  let velocity = select(p.keep * m[i], 0.0, p.keep == 0.0) + p.take * g;
  m[i] = velocity;
  x[i] -= p.rate * select(velocity, g + p.momentum * velocity, p.nesterov == 1u);
}

@compute @workgroup_size(64)
fn adam(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let decayed = i < p.decayEnd;
  let start = x[i] * select(1.0, p.shrink, decayed);
  let g = dx[i] + select(0.0, p.l2 * x[i], decayed);
  let mean = p.keep * m[i] + p.take * g;
  let square = p.keepSquare * v[i] + p.takeSquare * g * g;
  m[i] = mean;
  v[i] = square;
  x[i] = start - p.rate * mean / (sqrt(square) * p.unbias + p.eps);
}
