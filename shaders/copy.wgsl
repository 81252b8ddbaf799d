// copy: y[yStart + c·yStrides] = x[xStart + c·xStrides] for every coordinate c of a block. A permutation, a slice, a
// part of a concatenation, a padded or repeated tensor and a change of layout differ only in starts and strides (in
// elements; 0 repeats, negative walks backwards). A thread moves up to 8 elements of an innermost line, `width` apart.
struct Params {
  threads: u32, width: u32, rank: u32, add: u32, bits: u32,
  yStart: i32, xStart: i32, scale: f32,
  axes: array<vec4i, 8>, // size, strides of y and x; the innermost axis first
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

// `count` elements of y and x: at, at + step, …
struct Run { at: vec2i, step: vec2i, count: i32 }

fn runOf(id: vec3u, groups: vec3u) -> Run {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.threads) { return Run(vec2i(0), vec2i(0), 0); }
  let inner = p.axes[0];
  var line = i / p.width;
  let first = i32(i - line * p.width);
  var at = vec2i(p.yStart, p.xStart) + first * inner.yz;
  for (var k = 1u; k < p.rank; k++) {
    let axis = p.axes[k];
    let next = line / u32(axis.x);
    at += i32(line - next * u32(axis.x)) * axis.yz;
    line = next;
  }
  let width = i32(p.width);
  return Run(at, width * inner.yz, (inner.x - first + width - 1) / width);
}

// Bit for bit, whatever the type.
@compute @workgroup_size(64)
fn strided(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = runOf(id, groups);
  for (var r = 0; r < run.count; r++) {
    let at = run.at + r * run.step;
    y[at.x] = x[at.y];
  }
}

// f32: y = scale x, or y += scale x.
@compute @workgroup_size(64)
fn scaled(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = runOf(id, groups);
  for (var r = 0; r < run.count; r++) {
    let at = run.at + r * run.step;
    var value = p.scale * bitcast<f32>(x[at.y]);
    if (p.add == 1u) { value += bitcast<f32>(y[at.x]); }
    y[at.x] = bitcast<u32>(value);
  }
}

// Every element of the block becomes the number whose bits are given.
@compute @workgroup_size(64)
fn fill(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = runOf(id, groups);
  for (var r = 0; r < run.count; r++) { y[run.at.x + r * run.step.x] = p.bits; }
}
