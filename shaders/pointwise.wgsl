// pointwise: y = a ∘ b with NumPy broadcasting, and exp, log, sqrt, with their derivatives.
// y is dense: thread i writes y[i], and finds its operands by strides over the axes of y (stride 0 repeats). The loader
// merges axes, so operands of one shape and layout have rank 1. An operand that is a number comes as p.number.
struct Params {
  n: u32, rank: u32, add: u32, number: f32,
  shape: array<vec4u, 2>, aStrides: array<vec4u, 2>, bStrides: array<vec4u, 2>,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> q: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

override LEFT_IS_NUMBER: bool = false;
override RIGHT_IS_NUMBER: bool = false;

// Where the i-th elements of a and b lie.
fn places(i: u32) -> vec2u {
  var at = vec2u(0u);
  var rest = i;
  for (var d = p.rank; d > 1u; d--) {
    let k = d - 1u;
    let size = p.shape[k / 4u][k % 4u];
    at += (rest % size) * vec2u(p.aStrides[k / 4u][k % 4u], p.bStrides[k / 4u][k % 4u]);
    rest /= size;
  }
  return at + rest * vec2u(p.aStrides[0].x, p.bStrides[0].x);
}

fn operands(i: u32) -> vec2f {
  let at = places(i);
  if (LEFT_IS_NUMBER) { return vec2f(p.number, b[at.y]); }
  if (RIGHT_IS_NUMBER) { return vec2f(a[at.x], p.number); }
  return vec2f(a[at.x], b[at.y]);
}

fn put(i: u32, value: f32) {
  if (p.add == 1u) { y[i] += value; } else { y[i] = value; }
}

@compute @workgroup_size(64)
fn sum(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let v = operands(i);
  put(i, v.x + v.y);
}

@compute @workgroup_size(64)
fn difference(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let v = operands(i);
  put(i, v.x - v.y);
}

@compute @workgroup_size(64)
fn product(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let v = operands(i);
  put(i, v.x * v.y);
}

@compute @workgroup_size(64)
fn quotient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let v = operands(i);
  put(i, v.x / v.y);
}

// The gradient of a divisor: with q = … / b and a = dq, db = -a q / b. q lies like a.
@compute @workgroup_size(64)
fn divisor(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let at = places(i);
  put(i, -a[at.x] * q[at.x] / b[at.y]);
}

@compute @workgroup_size(64)
fn sumRelu(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let v = operands(i);
  put(i, max(v.x + v.y, 0.0));
}

// The gradient through max(…, 0) = b: a where b is above 0, else 0.
@compute @workgroup_size(64)
fn mask(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let v = operands(i);
  put(i, select(0.0, v.x, v.y > 0.0));
}

@compute @workgroup_size(64)
fn exponential(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < p.n) { y[i] = exp(a[i]); }
}

@compute @workgroup_size(64)
fn logarithm(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < p.n) { y[i] = log(a[i]); }
}

@compute @workgroup_size(64)
fn root(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < p.n) { y[i] = sqrt(a[i]); }
}

// The gradient of a root b: a / 2b.
@compute @workgroup_size(64)
fn rootBackward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let v = operands(i);
  put(i, 0.5 * v.x / v.y);
}
