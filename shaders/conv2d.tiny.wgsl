// conv2d.tiny: 3x3 convolution of pictures of 2x2, padding 1, stride 1; a lane is an image. Also the input gradient, which
// is the same sum with weight strides swapped and taps mirrored.
//   y[k, n] = relu(b[k] + r[k, n] + sum over c of A[k, c] * x[c, n])
// x, y and r being the four pixels (00, 01, 10, 11), and A the 4x4 matrix of what the nine taps bring from each pixel of x
// to each of y. b, r and relu where asked.
// Layout: x and y are [C][2][2][N]. An invocation computes whole pictures of M output channels, for every `stride`-th
// block of LANES images. Its weights lie in private memory, a lane keeping those of channel k0 + lane; shuffles spread them.
// More than KEPT input channels take several dispatches.
// Loops of no fixed length are tested at their end: llvmpipe walks one that is tested first once more than it has to.
enable subgroups;
struct Params {
  n: u32, k: u32, c0: u32, channels: u32, wBase: i32, wK: i32, wC: i32, wI: i32, wJ: i32,
  blocks: u32, stride: u32, bias: u32, relu: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read> r: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

// From the header: LANES of a subgroup, M channels, SETS = ceil(M / LANES), KEPT input channels, RESIDUAL 1 where r is
// added.

fn weightRow(k: u32, c: u32, i: i32) -> vec3f {
  let at = p.wBase + i32(k) * p.wK + i32(p.c0 + c) * p.wC + i * p.wI;
  return vec3f(w[at], w[at + p.wJ], w[at + 2 * p.wJ]);
}

// A column is what one pixel of x gives to the four of y.
fn matrix(top: vec3f, middle: vec3f, bottom: vec3f) -> mat4x4f {
  return mat4x4f(
    vec4f(middle.yx, top.yx), vec4f(middle.zy, top.zy),
    vec4f(bottom.yx, middle.yx), vec4f(bottom.zy, middle.zy));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let k0 = group.y * M;
  var kept: array<vec3f, KEPT * SETS * 3u>;
  for (var e = 0u; e < p.channels * SETS; e++) {
    let k = k0 + e % SETS * LANES + lane;
    kept[3u * e] = weightRow(k, e / SETS, 0);
    kept[3u * e + 1u] = weightRow(k, e / SETS, 1);
    kept[3u * e + 2u] = weightRow(k, e / SETS, 2);
  }
  var start: array<vec4f, M>;
  for (var m = 0u; m < M; m++) {
    let own = select(0.0, b[k0 + m / LANES * LANES + lane], p.bias == 1u);
    start[m] = vec4f(subgroupShuffle(own, m % LANES));
  }
  var block = group.x;
  loop {
    let n = block * LANES + lane;
    var sums = start;
    var c = 0u;
    loop {
      let at = 4u * (p.c0 + c) * p.n + n;
      let picture = vec4f(x[at], x[at + p.n], x[at + 2u * p.n], x[at + 3u * p.n]);
      var own: array<vec3f, 3u * SETS>;
      for (var s = 0u; s < 3u * SETS; s++) { own[s] = kept[c * SETS * 3u + s]; }
      for (var m = 0u; m < M; m++) {
        let s = m / LANES * 3u;
        let top = subgroupShuffle(own[s], m % LANES);
        let middle = subgroupShuffle(own[s + 1u], m % LANES);
        let bottom = subgroupShuffle(own[s + 2u], m % LANES);
        sums[m] += matrix(top, middle, bottom) * picture;
      }
      continuing { c++; break if c >= p.channels; }
    }
    for (var m = 0u; m < M; m++) {
      let at = 4u * (k0 + m) * p.n + n;
      let live = n < p.n && k0 + m < p.k;
      put(at, live, sums[m].x);
      put(at + p.n, live, sums[m].y);
      put(at + 2u * p.n, live, sums[m].z);
      put(at + 3u * p.n, live, sums[m].w);
    }
    continuing { block += p.stride; break if block >= p.blocks; }
  }
}

fn put(at: u32, live: bool, sum: f32) {
  if (!live) { return; }
  var value = sum;
  if (RESIDUAL == 1u) { value += r[at]; }
  y[at] = select(value, 0.0, p.relu == 1u && value < 0.0);
}
