// activation: y = f(x) elementwise, and dx = dy · f'(x). x, y and their gradients lie alike.
//   sigmoid 1 / (1 + e^-x) · tanh · silu x σ(x) · leakyRelu x, or slope x below 0 · clamp min(max(x, low), high)
//   gelu x Φ(x), Φ the normal distribution (Hendrycks & Gimpel 2016), or its approximation by tanh
// Arguments stop where f no longer changes, so that no infinity comes up on the way: WGSL promises nothing for them.
// Comparisons see to that, which leave a NaN what it is; WGSL's min and max need not. erf is that of Abramowitz & Stegun
// 7.1.26, whose error is at most 1.5e-7.
struct Params { n: u32, add: u32, low: f32, high: f32 } // leakyRelu: low is the slope
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

fn indexOf(id: vec3u, groups: vec3u) -> u32 { return id.x + id.y * groups.x * 64u; }

// dx = g, or dx += g.
fn put(i: u32, g: f32) {
  if (p.add == 1u) { dx[i] += g; } else { dx[i] = g; }
}

fn flow(i: u32, slope: f32) { put(i, dy[i] * slope); }

fn atLeast(v: f32, low: f32) -> f32 { return select(v, low, v < low); }

fn within(v: f32, low: f32, high: f32) -> f32 {
  let raised = atLeast(v, low);
  return select(raised, high, raised > high);
}

// e^88 is the last whole power that is an f32. Of a NaN some adapters' exp makes a number.
fn logistic(v: f32) -> f32 {
  let isNan = (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
  return select(1.0 / (1.0 + exp(-within(v, -88.0, 88.0))), v, isNan);
}

fn tangent(v: f32) -> f32 { return tanh(within(v, -10.0, 10.0)); }

// 1 - erf(v) for v from 0 to 9.2.
fn erfc(v: f32) -> f32 {
  let t = 1.0 / (1.0 + 0.3275911 * v);
  let sum = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return sum * exp(-v * v);
}

// Φ: the part of a standard normal distribution that lies below v, from -13 to 13.
fn normal(v: f32) -> f32 {
  let tail = 0.5 * erfc(abs(v) * 0.70710678);
  return select(1.0 - tail, tail, v < 0.0);
}

// The tanh in gelu's approximation: of √(2/π) (v + 0.044715 v³), for v from -10 to 10, where it is 1 to the last bit.
fn geluTangent(v: f32) -> f32 { return tangent(0.79788456 * (v + 0.044715 * v * v * v)); }

@compute @workgroup_size(64)
fn sigmoid(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = indexOf(id, groups);
  if (i < p.n) { y[i] = logistic(x[i]); }
}

@compute @workgroup_size(64)
fn sigmoidBackward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = indexOf(id, groups);
  if (i >= p.n) { return; }
  let s = logistic(x[i]);
  flow(i, s * (1.0 - s));
}

@compute @workgroup_size(64)
fn tanhForward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = indexOf(id, groups);
  if (i < p.n) { y[i] = tangent(x[i]); }
}

@compute @workgroup_size(64)
fn tanhBackward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = indexOf(id, groups);
  if (i >= p.n) { return; }
  let t = tangent(x[i]);
  flow(i, 1.0 - t * t);
}

@compute @workgroup_size(64)
fn silu(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = indexOf(id, groups);
  if (i < p.n) { y[i] = atLeast(x[i], -88.0) * logistic(x[i]); }
}

@compute @workgroup_size(64)
fn siluBackward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = indexOf(id, groups);
  if (i >= p.n) { return; }
  let s = logistic(x[i]);
  flow(i, s * (1.0 + within(x[i], -88.0, 88.0) * (1.0 - s)));
}

@compute @workgroup_size(64)
fn gelu(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = indexOf(id, groups);
  if (i < p.n) { y[i] = atLeast(x[i], -13.0) * normal(within(x[i], -13.0, 13.0)); }
}

@compute @workgroup_size(64)
fn geluBackward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = indexOf(id, groups);
  if (i >= p.n) { return; }
  let v = within(x[i], -13.0, 13.0);
  flow(i, normal(v) + v * 0.39894228 * exp(-0.5 * v * v));
}

@compute @workgroup_size(64)
fn geluTanh(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = indexOf(id, groups);
  if (i < p.n) { y[i] = 0.5 * atLeast(x[i], -10.0) * (1.0 + geluTangent(within(x[i], -10.0, 10.0))); }
}

@compute @workgroup_size(64)
fn geluTanhBackward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = indexOf(id, groups);
  if (i >= p.n) { return; }
  let v = within(x[i], -10.0, 10.0);
  let t = geluTangent(v);
  flow(i, 0.5 * (1.0 + t) + 0.5 * v * (1.0 - t * t) * 0.79788456 * (1.0 + 0.134145 * v * v));
}

@compute @workgroup_size(64)
fn leakyRelu(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = indexOf(id, groups);
  if (i < p.n) { y[i] = select(p.low * x[i], x[i], x[i] > 0.0); }
}

@compute @workgroup_size(64)
fn leakyReluBackward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = indexOf(id, groups);
  if (i < p.n) { flow(i, select(p.low, 1.0, x[i] > 0.0)); }
}

@compute @workgroup_size(64)
fn clampForward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = indexOf(id, groups);
  if (i < p.n) { y[i] = within(x[i], p.low, p.high); }
}

// 1 at both ends, as PyTorch has it.
@compute @workgroup_size(64)
fn clampBackward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = indexOf(id, groups);
  if (i < p.n) { put(i, select(0.0, dy[i], x[i] >= p.low && x[i] <= p.high)); }
}
