// copy: y[yStart + c·yStrides] = x[xStart + c·xStrides] for every coordinate c of `shape`, the last axis innermost.
// A permutation, a slice, a part of a concatenation, a padded or repeated tensor and a change of layout differ only in
// starts and strides (in elements; 0 repeats, negative walks backwards). One thread moves one element.
struct Params {
  n: u32, rank: u32, add: u32, bits: u32,
  xStart: i32, yStart: i32, scale: f32,
  shape: array<vec4u, 2>, xStrides: array<vec4i, 2>, yStrides: array<vec4i, 2>,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

// Where the i-th coordinate lies in x and in y.
fn places(i: u32) -> vec2u {
  var at = vec2i(p.xStart, p.yStart);
  var rest = i;
  for (var d = p.rank; d > 1u; d--) {
    let k = d - 1u;
    let size = p.shape[k / 4u][k % 4u];
    at += i32(rest % size) * vec2i(p.xStrides[k / 4u][k % 4u], p.yStrides[k / 4u][k % 4u]);
    rest /= size;
  }
  return vec2u(at + i32(rest) * vec2i(p.xStrides[0].x, p.yStrides[0].x));
}

// Bit for bit, whatever the type.
@compute @workgroup_size(64)
fn strided(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let at = places(i);
  y[at.y] = x[at.x];
}

// f32: y = scale x, or y += scale x.
@compute @workgroup_size(64)
fn scaled(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let at = places(i);
  var value = p.scale * bitcast<f32>(x[at.x]);
  if (p.add == 1u) { value += bitcast<f32>(y[at.y]); }
  y[at.y] = bitcast<u32>(value);
}

// Every element of y becomes the number whose bits are given.
@compute @workgroup_size(64)
fn fill(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < p.n) { y[i] = p.bits; }
}
