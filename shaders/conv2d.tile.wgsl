// conv2d.tile: convolution with 1 or 3 taps a row at stride 1 or 2, without subgroups; also the input gradient at stride
// 1, which is the same sum with weight strides swapped and taps mirrored.
//   y[k, oh, ow, n] = relu(b[k] + r[k, oh, ow, n] + sum over c, i, j of w[k, c, i, j] * x[c, oh*S + i - padTop, ow*S + j - padLeft, n])
// b, r and relu where asked.
// Layout: x and y are [C][H][W][N]. An invocation computes four pixels of a row times M output channels for one image:
// M vec4 of accumulators, few enough for the registers of a GPU. Neighbouring invocations are neighbouring images, then
// the next pixels, so that loads of x are contiguous for any batch; a weight is the same for a whole workgroup.
// Pixels outside the picture are read as 0.
struct Params {
  n: u32, c: u32, h: u32, w: u32, k: u32, oh: u32, ow: u32, kh: u32, padTop: i32, padLeft: i32,
  wBase: i32, wK: i32, wC: i32, wI: i32, wJ: i32, runs: u32, places: u32, bias: u32, relu: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read> r: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

// From the header: WG invocations, M channels, TAPS of a kernel row (1 or 3), S the stride, RESIDUAL 1 where r is added.

// What each tap of a kernel row sees at four neighbouring output pixels.
struct Taps { left: vec4f, middle: vec4f, right: vec4f }

// A row of this image: where it starts, and whether it lies in the picture.
struct Row { start: u32, inside: bool }

fn pixel(row: Row, iw: i32) -> f32 {
  return select(0.0, x[row.start + u32(iw) * p.n], row.inside && iw >= 0 && iw < i32(p.w));
}

fn taps(row: Row, left: i32) -> Taps {
  let s = i32(S);
  if (TAPS == 1u) {
    let only = vec4f(pixel(row, left), pixel(row, left + s), pixel(row, left + 2 * s), pixel(row, left + 3 * s));
    return Taps(only, only, only);
  }
  let x0 = pixel(row, left);
  let x1 = pixel(row, left + 1);
  let x2 = pixel(row, left + 2);
  let x3 = pixel(row, left + 3);
  let x4 = pixel(row, left + 4);
  let x5 = pixel(row, left + 5);
  if (S == 1u) { return Taps(vec4f(x0, x1, x2, x3), vec4f(x1, x2, x3, x4), vec4f(x2, x3, x4, x5)); }
  let x6 = pixel(row, left + 6);
  return Taps(vec4f(x0, x2, x4, x6), vec4f(x1, x3, x5, pixel(row, left + 7)), vec4f(x2, x4, x6, pixel(row, left + 8)));
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let place = group.x * WG + lane;
  let n = place % p.n;
  let ow = place / p.n % p.runs * 4u;
  let oh = place / (p.n * p.runs);
  let k0 = group.y * M;
  var sums: array<vec4f, M>;
  for (var m = 0u; m < M; m++) { sums[m] = vec4f(select(0.0, b[k0 + m], p.bias == 1u)); }
  let left = i32(ow * S) - p.padLeft;
  for (var c = 0u; c < p.c; c++) {
    for (var i = 0u; i < p.kh; i++) {
      let ih = i32(oh * S + i) - p.padTop;
      let t = taps(Row((c * p.h + u32(ih)) * p.w * p.n + n, ih >= 0 && ih < i32(p.h)), left);
      let weight = p.wBase + i32(k0) * p.wK + i32(c) * p.wC + i32(i) * p.wI;
      for (var m = 0u; m < M; m++) {
        let at = weight + i32(m) * p.wK;
        sums[m] = fma(t.left, vec4f(w[at]), sums[m]);
        if (TAPS == 3u) {
          sums[m] = fma(t.middle, vec4f(w[at + p.wJ]), sums[m]);
          sums[m] = fma(t.right, vec4f(w[at + 2 * p.wJ]), sums[m]);
        }
      }
    }
  }
  for (var m = 0u; m < M; m++) {
    let live = place < p.places && k0 + m < p.k;
    let at = (((k0 + m) * p.oh + oh) * p.ow + ow) * p.n + n;
    put(at, live && ow < p.ow, sums[m].x);
    put(at + p.n, live && ow + 1u < p.ow, sums[m].y);
    put(at + 2u * p.n, live && ow + 2u < p.ow, sums[m].z);
    put(at + 3u * p.n, live && ow + 3u < p.ow, sums[m].w);
  }
}

fn put(at: u32, live: bool, sum: f32) {
  if (!live) { return; }
  var value = sum;
  if (RESIDUAL == 1u) { value += r[at]; }
  y[at] = select(value, 0.0, p.relu == 1u && value < 0.0);
}
