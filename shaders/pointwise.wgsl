// pointwise: y = a ∘ b with NumPy broadcasting, and exp, log, sqrt, abs, with their derivatives. y and its operands are
// walked by strides (0 repeats), over axes that the loader merged where it could: operands of one shape and layout have
// one axis. A thread computes up to 8 elements of an innermost line, `width` apart. An operand that is a number comes
// as p.left or p.right. An element is a Value, which the loader declares: vec4f where innermost lines lie alike in all
// operands and come in fours, else f32; strides count Values.
struct Params {
  threads: u32, width: u32, rank: u32, left: f32, right: f32,
  axes: array<vec4u, 8>, // size, strides of y, a, b; the innermost axis first
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<Value>;
@group(0) @binding(2) var<storage, read> b: array<Value>;
@group(0) @binding(3) var<storage, read> q: array<Value>;
@group(0) @binding(4) var<storage, read_write> y: array<Value>;

override LEFT_IS_NUMBER: bool = false;
override RIGHT_IS_NUMBER: bool = false;
// Adds to y. Not a branch: llvmpipe walks both sides of one.
override ADD: bool = false;

// `count` elements of y, a and b: at, at + step, …
struct Run { at: vec3u, step: vec3u, count: u32 }

fn runOf(id: vec3u, groups: vec3u) -> Run {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.threads) { return Run(vec3u(0u), vec3u(0u), 0u); }
  let inner = p.axes[0];
  var line = i / p.width;
  let first = i - line * p.width;
  var at = first * inner.yzw;
  for (var k = 1u; k < p.rank; k++) {
    let axis = p.axes[k];
    let next = line / axis.x;
    at += (line - next * axis.x) * axis.yzw;
    line = next;
  }
  return Run(at, p.width * inner.yzw, (inner.x - first + p.width - 1u) / p.width);
}

struct Pair { left: Value, right: Value }

fn operands(at: vec3u) -> Pair {
  if (LEFT_IS_NUMBER) { return Pair(Value(p.left), b[at.z]); }
  if (RIGHT_IS_NUMBER) { return Pair(a[at.y], Value(p.right)); }
  return Pair(a[at.y], b[at.z]);
}

fn put(i: u32, value: Value) {
  if (ADD) { y[i] += value; } else { y[i] = value; }
}

@compute @workgroup_size(64)
fn sum(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = runOf(id, groups);
  for (var r = 0u; r < run.count; r++) {
    let at = run.at + r * run.step;
    let v = operands(at);
    put(at.x, v.left + v.right);
  }
}

@compute @workgroup_size(64)
fn difference(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = runOf(id, groups);
  for (var r = 0u; r < run.count; r++) {
    let at = run.at + r * run.step;
    let v = operands(at);
    put(at.x, v.left - v.right);
  }
}

@compute @workgroup_size(64)
fn product(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = runOf(id, groups);
  for (var r = 0u; r < run.count; r++) {
    let at = run.at + r * run.step;
    let v = operands(at);
    put(at.x, v.left * v.right);
  }
}

@compute @workgroup_size(64)
fn quotient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = runOf(id, groups);
  for (var r = 0u; r < run.count; r++) {
    let at = run.at + r * run.step;
    let v = operands(at);
    put(at.x, v.left / v.right);
  }
}

// The gradient of a divisor: with q = … / b and a = dq, db = -a q / b. q lies like a.
@compute @workgroup_size(64)
fn divisor(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = runOf(id, groups);
  for (var r = 0u; r < run.count; r++) {
    let at = run.at + r * run.step;
    let v = operands(at);
    put(at.x, -v.left * q[at.y] / v.right);
  }
}

@compute @workgroup_size(64)
fn sumRelu(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = runOf(id, groups);
  for (var r = 0u; r < run.count; r++) {
    let at = run.at + r * run.step;
    let v = operands(at);
    let both = v.left + v.right;
    put(at.x, select(both, Value(), both <= Value())); // as relu.wgsl
  }
}

// The gradient through max(…, 0) = b: a where b is above 0, else 0.
@compute @workgroup_size(64)
fn mask(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = runOf(id, groups);
  for (var r = 0u; r < run.count; r++) {
    let at = run.at + r * run.step;
    let v = operands(at);
    put(at.x, select(Value(), v.left, v.right > Value()));
  }
}

@compute @workgroup_size(64)
fn exponential(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = runOf(id, groups);
  for (var r = 0u; r < run.count; r++) {
    let at = run.at + r * run.step;
    put(at.x, exp(a[at.y]));
  }
}

// WGSL's log is whatever it likes at 0, below, at infinity and of NaN; a root below 0 is NaN.
fn logOf(x: Value) -> Value {
  let above = select(log(x), x, x > Value(3.4028234e38));
  return select(select(sqrt(x), -1.0 / abs(x), x == Value()), above, x > Value());
}

@compute @workgroup_size(64)
fn logarithm(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = runOf(id, groups);
  for (var r = 0u; r < run.count; r++) {
    let at = run.at + r * run.step;
    put(at.x, logOf(a[at.y]));
  }
}

@compute @workgroup_size(64)
fn root(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = runOf(id, groups);
  for (var r = 0u; r < run.count; r++) {
    let at = run.at + r * run.step;
    put(at.x, sqrt(a[at.y]));
  }
}

// The gradient of a root b: a / 2b.
@compute @workgroup_size(64)
fn rootBackward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = runOf(id, groups);
  for (var r = 0u; r < run.count; r++) {
    let at = run.at + r * run.step;
    let v = operands(at);
    put(at.x, 0.5 * v.left / v.right);
  }
}

@compute @workgroup_size(64)
fn magnitude(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = runOf(id, groups);
  for (var r = 0u; r < run.count; r++) {
    let at = run.at + r * run.step;
    put(at.x, abs(a[at.y]));
  }
}

// The gradient of a magnitude |b|: a with the sign of b, 0 where b is 0.
@compute @workgroup_size(64)
fn signed(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = runOf(id, groups);
  for (var r = 0u; r < run.count; r++) {
    let at = run.at + r * run.step;
    let v = operands(at);
    put(at.x, v.left * sign(v.right));
  }
}
