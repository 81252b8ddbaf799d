// optim: one step of SGD, Adam or AdamW over flat buffers of parameters x, gradients dx and state, in place, with
// PyTorch's meaning. The first `decayEnd` parameters are decayed; padding has gradient 0 and value 0 and stays 0.
//   both:  x *= shrink (decoupled decay, decayed only);  g = dx + l2 x (decayed only)
//   sgd:   m = keep m + take g;   x -= rate (g + momentum m with nesterov or without momentum, else m)
//   adam:  m = keep m + take g;   v = keepSquare v + takeSquare g²;   x -= rate m / (√v · unbias + eps)
// Whatever depends on the step (keep = 0 in the first step of SGD, Adam's bias corrections in rate = lr / (1 - beta1^t) and
// unbias = 1 / √(1 - beta2^t)) is computed in float64 on the host. An invocation updates a Value, which the loader declares:
// vec4f where parameters, and those that are decayed, come in fours, else f32; n and decayEnd count Values.
struct Params {
  n: u32, decayEnd: u32, shrink: f32, l2: f32, rate: f32, keep: f32, take: f32, momentum: f32, nesterov: u32,
  keepSquare: f32, takeSquare: f32, unbias: f32, eps: f32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dx: array<Value>;
@group(0) @binding(2) var<storage, read_write> x: array<Value>;
@group(0) @binding(3) var<storage, read_write> m: array<Value>;
@group(0) @binding(4) var<storage, read_write> v: array<Value>;

@compute @workgroup_size(64)
fn sgd(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let start = x[i];
  let g = dx[i] + select(Value(), p.l2 * start, i < p.decayEnd);
  let velocity = select(p.keep * m[i], Value(), p.keep == 0.0) + p.take * g;
  m[i] = velocity;
  x[i] = start - p.rate * select(velocity, g + p.momentum * velocity, p.nesterov == 1u);
}

@compute @workgroup_size(64)
fn adam(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let decayed = i < p.decayEnd;
  let start = x[i];
  let g = dx[i] + select(Value(), p.l2 * start, decayed);
  let mean = p.keep * m[i] + p.take * g;
  let square = p.keepSquare * v[i] + p.takeSquare * g * g;
  m[i] = mean;
  v[i] = square;
  x[i] = start * select(1.0, p.shrink, decayed) - p.rate * mean / (sqrt(square) * p.unbias + p.eps);
}
