// pow: y = a to the power of b, element by element; the operands have one shape and layout, or are a number, `left` or
// `right`. da = dy b a^(b - 1), 0 where b is 0; db = dy y log a, 0 where a is 0 and b is not below 0 (as PyTorch has
// both). WGSL leaves open what pow and log are at 0 and below, so those are told apart.
struct Params { n: u32, add: u32, left: f32, right: f32, nan: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

override LEFT_IS_NUMBER: bool = false;
override RIGHT_IS_NUMBER: bool = false;
const MOST_FACTORS = 32.0;

fn left(i: u32) -> f32 {
  if (LEFT_IS_NUMBER) { return p.left; }
  return a[i];
}

fn right(i: u32) -> f32 {
  if (RIGHT_IS_NUMBER) { return p.right; }
  return b[i];
}

// WGSL's pow is exp2(n log2 x), which loses digits: small whole n are products, by squaring.
fn power(x: f32, n: f32) -> f32 {
  let size = abs(n);
  let whole = size == trunc(size);
  if (whole && size <= MOST_FACTORS) {
    var product = 1.0;
    var square = x;
    for (var rest = u32(size); rest > 0u; rest >>= 1u) {
      if ((rest & 1u) == 1u) { product *= square; }
      square *= square;
    }
    return select(product, 1.0 / product, n < 0.0);
  }
  if ((bitcast<u32>(n) & 0x7fffffffu) > 0x7f800000u) { return p.nan; }
  if (abs(x) == 1.0 && size > 3e38) { return 1.0; }
  if (x == 0.0) { return select(0.0, 1.0 / abs(x), n < 0.0); }
  if (x < 0.0 && !whole) { return p.nan; }
  let value = pow(abs(x), n);
  let odd = size - 2.0 * trunc(0.5 * size) == 1.0;
  return select(value, -value, x < 0.0 && odd);
}

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < p.n) { y[i] = power(left(i), right(i)); }
}

fn put(i: u32, gradient: f32) {
  if (p.add == 1u) { dx[i] += gradient; } else { dx[i] = gradient; }
}

@compute @workgroup_size(64)
fn base(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let n = right(i);
  put(i, select(dy[i] * n * power(left(i), n - 1.0), 0.0, n == 0.0));
}

@compute @workgroup_size(64)
fn exponent(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let x = left(i);
  let n = right(i);
  if (x == 0.0 && n >= 0.0) {
    put(i, 0.0);
    return;
  }
  let slope = dy[i] * power(x, n);
  if (x > 0.0) { put(i, slope * log(x)); } else { put(i, select(p.nan, -slope / abs(x), x == 0.0)); }
}
