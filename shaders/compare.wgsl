// compare: maximum, minimum, comparisons (1 where they hold, else 0) and the choice between a and b, element by element.
// The operands have one shape and layout, or are a number, `left` or `right`. A comparison with NaN does not hold; the
// larger and the smaller of a NaN and anything are NaN.
struct Params { n: u32, add: u32, left: f32, right: f32, sign: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> condition: array<u32>; // the bits of an f32 or of a whole number
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;

override LEFT_IS_NUMBER: bool = false;
override RIGHT_IS_NUMBER: bool = false;

fn left(i: u32) -> f32 {
  if (LEFT_IS_NUMBER) { return p.left; }
  return a[i];
}

fn right(i: u32) -> f32 {
  if (RIGHT_IS_NUMBER) { return p.right; }
  return b[i];
}

// Not 0; nor -0, where `sign` is the bit of an f32's sign.
fn holds(i: u32) -> bool {
  return (condition[i] & ~p.sign) != 0u;
}

fn put(i: u32, gradient: f32) {
  if (p.add == 1u) { dx[i] += gradient; } else { dx[i] = gradient; }
}

@compute @workgroup_size(64)
fn larger(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let l = left(i);
  let r = right(i);
  y[i] = select(select(l + r, r, r >= l), l, l > r); // neither holds of a NaN
}

@compute @workgroup_size(64)
fn smaller(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let l = left(i);
  let r = right(i);
  y[i] = select(select(l + r, r, r <= l), l, l < r);
}

// What flows to a where the larger was taken; with a and b exchanged, where the smaller was. Equal ones get half each,
// and both get all where one is NaN.
@compute @workgroup_size(64)
fn share(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let l = left(i);
  let r = right(i);
  put(i, select(select(dy[i], 0.0, l < r), 0.5 * dy[i], l == r));
}

@compute @workgroup_size(64)
fn greater(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < p.n) { y[i] = select(0.0, 1.0, left(i) > right(i)); }
}

@compute @workgroup_size(64)
fn atLeast(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < p.n) { y[i] = select(0.0, 1.0, left(i) >= right(i)); }
}

@compute @workgroup_size(64)
fn same(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < p.n) { y[i] = select(0.0, 1.0, left(i) == right(i)); }
}

@compute @workgroup_size(64)
fn choice(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < p.n) { y[i] = select(right(i), left(i), holds(i)); }
}

@compute @workgroup_size(64)
fn chosen(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < p.n) { put(i, select(0.0, dy[i], holds(i))); }
}

@compute @workgroup_size(64)
fn declined(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < p.n) { put(i, select(dy[i], 0.0, holds(i))); }
}
