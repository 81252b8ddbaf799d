// conv2d.rows: 1x1 and 3x3 convolution of a few images; a lane is a place in a row of [W][N].
//   y[k, oh, ow, n] = relu(b[k] + r[k, oh, ow, n] + sum over c, i, j of w[k, c, i, j] * x[c, oh*S + i - padTop, ow*S + j - padLeft, n])
// b, r and relu where asked.
// Layout: x and y are [C][H][W][N]. Where a batch is too small to give every lane an image, the pixels of a row times
// its images still are many. An invocation computes one such place in every row of a block of rows, for M output
// channels. The block's weights lie in private memory, a lane keeping those of channel k0 + lane; shuffles spread them.
// More than KEPT input channels take several dispatches. Pixels outside the picture are read as 0.
// Loops of no fixed length are tested at their end: llvmpipe walks one that is tested first once more than it has to.
enable subgroups;
struct Params {
  n: u32, h: u32, w: u32, k: u32, oh: u32, ow: u32, padTop: i32, padLeft: i32, stride: i32,
  c0: u32, channels: u32, wK: u32, strips: u32, rows: u32, bias: u32, relu: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read> r: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

// From the header: LANES of a subgroup, M channels, SETS = ceil(M / LANES), TAPS of a kernel row (1 or 3), KEPT input
// channels, RESIDUAL 1 where r is added.

fn tap(at: u32, iw: i32) -> f32 {
  return select(0.0, x[at], iw >= 0 && iw < i32(p.w));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let place = group.x % p.strips * LANES + lane;
  let top = group.x / p.strips * p.rows;
  let ow = place / p.n;
  let k0 = group.y * M;
  var kept: array<vec3f, KEPT * SETS * TAPS>;
  for (var e = 0u; e < p.channels * TAPS * SETS; e++) {
    let k = k0 + e % SETS * LANES + lane;
    let at = k * p.wK + (p.c0 * TAPS + e / SETS) * TAPS;
    if (TAPS == 1u) { kept[e] = vec3f(w[at]); } else { kept[e] = vec3f(w[at], w[at + 1u], w[at + 2u]); }
  }
  var start: array<f32, M>;
  for (var m = 0u; m < M; m++) {
    let own = select(0.0, b[k0 + m / LANES * LANES + lane], p.bias == 1u);
    start[m] = subgroupShuffle(own, m % LANES);
  }
  let left = i32(ow) * p.stride - p.padLeft;
  let column = left * i32(p.n) + i32(place % p.n);
  var oh = top;
  loop {
    var sums = start;
    var c = 0u;
    loop {
      for (var i = 0u; i < TAPS; i++) {
        let row = i32(oh) * p.stride + i32(i) - p.padTop;
        let inside = row >= 0 && row < i32(p.h);
        let at = u32((i32((p.c0 + c) * p.h) + row) * i32(p.w * p.n) + column);
        var own: array<vec3f, SETS>;
        for (var s = 0u; s < SETS; s++) { own[s] = kept[(c * TAPS + i) * SETS + s]; }
        let x0 = select(0.0, tap(at, left), inside);
        if (TAPS == 1u) {
          for (var m = 0u; m < M; m++) { sums[m] = fma(x0, subgroupShuffle(own[m / LANES].x, m % LANES), sums[m]); }
        } else {
          let x1 = select(0.0, tap(at + p.n, left + 1), inside);
          let x2 = select(0.0, tap(at + 2u * p.n, left + 2), inside);
          for (var m = 0u; m < M; m++) {
            let weights = subgroupShuffle(own[m / LANES], m % LANES);
            sums[m] = fma(x2, weights.z, fma(x1, weights.y, fma(x0, weights.x, sums[m])));
          }
        }
      }
      continuing { c++; break if c >= p.channels; }
    }
    for (var m = 0u; m < M; m++) {
      let at = ((k0 + m) * p.oh + oh) * p.ow * p.n + place;
      put(at, ow < p.ow && k0 + m < p.k, sums[m]);
    }
    continuing { oh++; break if oh >= min(top + p.rows, p.oh); }
  }
}

fn put(at: u32, live: bool, sum: f32) {
  if (!live) { return; }
  var value = sum;
  if (RESIDUAL == 1u) { value += r[at]; }
  y[at] = select(value, 0.0, p.relu == 1u && value < 0.0);
}
