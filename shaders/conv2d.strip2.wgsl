// conv2d.strip2: 3x3 convolution at stride 2 where a lane is an image; conv2d.strip with other steps.
//   y[k, oh, ow, n] = relu(b[k] + r[k, oh, ow, n] + sum over c, i, j of w[k, c, i, j] * x[c, 2*oh + i - padTop, 2*ow + j - padLeft, n])
// b, r and relu where asked.
// Layout: x and y are [C][H][W][N]. An invocation walks down a strip four output pixels wide, for one image and M output
// channels. Of its input rows every other one serves two output rows, `done` and `next`, the others serve `next` alone.
// The strip's weights lie in private memory, a lane keeping those of channel k0 + lane; shuffles spread them.
// A workgroup walks several strips with them, those of neighbouring images after one another. More than KEPT input
// channels take several dispatches. Pixels outside the picture are read as 0.
// Loops of no fixed length are tested at their end: llvmpipe walks one that is tested first once more than it has to.
enable subgroups;
struct Params {
  n: u32, h: u32, w: u32, k: u32, oh: u32, ow: u32, padTop: i32, padLeft: i32,
  c0: u32, channels: u32, wK: u32, strips: u32, blocks: u32, bias: u32, relu: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read> r: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

// From the header: LANES of a subgroup, M channels, SETS = ceil(M / LANES), KEPT input channels, RESIDUAL 1 where r is
// added.

alias Sums = array<vec4f, M>;
alias Kept = array<vec3f, KEPT * SETS * 3u>;

// What each tap of a kernel row sees at the strip's four pixels.
struct Taps { left: vec4f, middle: vec4f, right: vec4f }

fn taps(at: u32, inside: array<bool, 9>) -> Taps {
  let x0 = select(0.0, x[at], inside[0]);
  let x1 = select(0.0, x[at + p.n], inside[1]);
  let x2 = select(0.0, x[at + 2u * p.n], inside[2]);
  let x3 = select(0.0, x[at + 3u * p.n], inside[3]);
  let x4 = select(0.0, x[at + 4u * p.n], inside[4]);
  let x5 = select(0.0, x[at + 5u * p.n], inside[5]);
  let x6 = select(0.0, x[at + 6u * p.n], inside[6]);
  let x7 = select(0.0, x[at + 7u * p.n], inside[7]);
  let x8 = select(0.0, x[at + 8u * p.n], inside[8]);
  return Taps(vec4f(x0, x2, x4, x6), vec4f(x1, x3, x5, x7), vec4f(x2, x4, x6, x8));
}

fn sum(so_far: vec4f, t: Taps, weights: vec3f) -> vec4f {
  return fma(t.right, vec4f(weights.z), fma(t.middle, vec4f(weights.y), fma(t.left, vec4f(weights.x), so_far)));
}

// One strip: the pixels from column `left` on of image n, M channels from k0 on, of which `start` has the bias.
fn walk(kept: ptr<function, Kept>, start: Sums, k0: u32, n: u32, left: u32) {
  var inside: array<bool, 9>;
  for (var q = 0; q < 9; q++) {
    let iw = 2 * i32(left) + q - p.padLeft;
    inside[q] = iw >= 0 && iw < i32(p.w);
  }
  var done: Sums;
  var next = start;
  var oh = 0;
  loop {
    let row = 2 * oh - p.padTop;
    let column = (row * i32(p.w) + 2 * i32(left) - p.padLeft) * i32(p.n);
    if (row >= 0 && row < i32(p.h)) {
      var c = 0u;
      loop {
        let t = taps(u32(i32((p.c0 + c) * p.h * p.w * p.n) + column) + n, inside);
        var own: array<vec3f, 3u * SETS>;
        for (var s = 0u; s < 3u * SETS; s++) { own[s] = (*kept)[c * SETS * 3u + s]; }
        for (var m = 0u; m < M; m++) {
          let s = m / LANES * 3u;
          done[m] = sum(done[m], t, subgroupShuffle(own[s + 2u], m % LANES));
          next[m] = sum(next[m], t, subgroupShuffle(own[s], m % LANES));
        }
        continuing { c++; break if c >= p.channels; }
      }
    }
    for (var m = 0u; m < M; m++) {
      let live = oh > 0 && n < p.n && k0 + m < p.k;
      let at = (((k0 + m) * p.oh + u32(oh - 1)) * p.ow + left) * p.n + n;
      put(at, live && left < p.ow, done[m].x);
      put(at + p.n, live && left + 1u < p.ow, done[m].y);
      put(at + 2u * p.n, live && left + 2u < p.ow, done[m].z);
      put(at + 3u * p.n, live && left + 3u < p.ow, done[m].w);
    }
    if (row >= -1 && row + 1 < i32(p.h)) {
      var c = 0u;
      loop {
        let t = taps(u32(i32(((p.c0 + c) * p.h + 1u) * p.w * p.n) + column) + n, inside);
        var own: array<vec3f, SETS>;
        for (var s = 0u; s < SETS; s++) { own[s] = (*kept)[(c * SETS + s) * 3u + 1u]; }
        for (var m = 0u; m < M; m++) { next[m] = sum(next[m], t, subgroupShuffle(own[m / LANES], m % LANES)); }
        continuing { c++; break if c >= p.channels; }
      }
    }
    done = next;
    next = start;
    continuing { oh++; break if oh > i32(p.oh); }
  }
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32,
) {
  let k0 = group.y * M;
  var kept: Kept;
  var c = 0u;
  loop {
    for (var e = 0u; e < SETS * 3u; e++) {
      let at = (k0 + e / 3u * LANES + lane) * p.wK + (p.c0 + c) * 9u + e % 3u * 3u;
      kept[c * SETS * 3u + e] = vec3f(w[at], w[at + 1u], w[at + 2u]);
    }
    continuing { c++; break if c >= p.channels; }
  }
  var start: Sums;
  for (var m = 0u; m < M; m++) {
    let own = select(0.0, b[k0 + m / LANES * LANES + lane], p.bias == 1u);
    start[m] = vec4f(subgroupShuffle(own, m % LANES));
  }
  let strips = p.strips * p.blocks;
  var strip = group.x * strips / groups.x;
  let end = (group.x + 1u) * strips / groups.x;
  loop {
    walk(&kept, start, k0, strip % p.blocks * LANES + lane, strip / p.blocks * 4u);
    continuing { strip++; break if strip >= end; }
  }
}

fn put(at: u32, live: bool, sum: f32) {
  if (!live) { return; }
  var value = sum;
  if (RESIDUAL == 1u) { value += r[at]; }
  y[at] = select(value, 0.0, p.relu == 1u && value < 0.0);
}
