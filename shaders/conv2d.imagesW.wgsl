// conv2d.imagesW: weight gradient of a convolution with 1 or 3 taps a row at stride 1 or 2, without subgroups; a lane is
// an image.
//   partial[part, lane, k, c, i, j] = sum over the part's rows oh, over ow and the lane's images of dy[k, oh, ow, n] * x[c, oh*S + i - padTop, ow*S + j - padLeft, n]
// An invocation owns K output and C input channels and all taps. It walks along a row of dy: each pixel meets a window
// of x, of which it loads only the columns that are new. Lanes are summed with the parts, by conv2d.total.
// What lies outside picture, batch or channels is read as 0.
// Loops of no fixed length are tested at their end: llvmpipe walks one that is tested first once more than it has to.
struct Params {
  n: u32, c: u32, h: u32, w: u32, k: u32, oh: u32, ow: u32, padTop: i32, padLeft: i32, blocks: u32, parts: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

// From the header: LANES of a workgroup, K and C channels, S the stride.

// Of the nine taps of an input channel, a matrix whose columns are columns of the picture.
alias Taps = mat3x3f;
alias Filters = array<Taps, C>;

fn column(plane: u32, row: i32, iw: i32, n: u32) -> vec3f {
  let at = u32(((i32(plane * p.h) + row) * i32(p.w) + iw) * i32(p.n)) + n;
  let inside = iw >= 0 && iw < i32(p.w) && n < p.n;
  return vec3f(
    select(0.0, x[at], inside && row >= 0 && row < i32(p.h)),
    select(0.0, x[at + p.w * p.n], inside && row + 1 >= 0 && row + 1 < i32(p.h)),
    select(0.0, x[at + 2u * p.w * p.n], inside && row + 2 >= 0 && row + 2 < i32(p.h)));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let part = group.x;
  let k0 = group.y * K;
  let c0 = group.z * C;
  var sums: array<Filters, K>;
  for (var unit = part; unit < p.blocks * p.oh; unit += p.parts) {
    let oh = unit / p.blocks;
    let n = unit % p.blocks * LANES + lane;
    let row = i32(oh * S) - p.padTop;
    var window: Filters;
    for (var c = 0u; c < C; c++) {
      if (S == 1u) { window[c][1] = column(c0 + c, row, -p.padLeft, n); }
      window[c][2] = column(c0 + c, row, 2 - i32(S) - p.padLeft, n);
    }
    var at = (k0 * p.oh + oh) * p.ow * p.n + n;
    var ow = 0u;
    loop {
      let iw = i32(ow * S) - p.padLeft;
      for (var c = 0u; c < C; c++) {
        if (S == 1u) {
          window[c] = Taps(window[c][1], window[c][2], column(c0 + c, row, iw + 2, n));
        } else {
          window[c] = Taps(window[c][2], column(c0 + c, row, iw + 1, n), column(c0 + c, row, iw + 2, n));
        }
      }
      for (var k = 0u; k < K; k++) {
        let g = select(0.0, dy[at + k * p.oh * p.ow * p.n], n < p.n);
        for (var c = 0u; c < C; c++) { sums[k][c] += g * window[c]; }
      }
      at += p.n;
      continuing { ow++; break if ow >= p.ow; }
    }
  }
  for (var k = 0u; k < K && k0 + k < p.k; k++) {
    for (var c = 0u; c < C && c0 + c < p.c; c++) {
      let first = (((part * LANES + lane) * p.k + k0 + k) * p.c + c0 + c) * 9u;
      for (var tap = 0u; tap < 9u; tap++) { partial[first + tap] = sums[k][c][tap % 3u][tap / 3u]; }
    }
  }
}
