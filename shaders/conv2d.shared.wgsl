// conv2d.shared: convolution with 1 or 3 taps a row at stride 1 or 2, its weights in workgroup memory; also the input
// gradient at stride 1, which is the same sum with weight strides swapped and taps mirrored.
//   y[k, oh, ow, n] = relu(b[k] + r[k, oh, ow, n] + sum over c, i, j of w[k, c, i, j] * x[c, oh*S + i - padTop, ow*S + j - padLeft, n])
// b, r and relu where asked.
// Layout: x and y are [C][H][W][N]. An invocation computes four pixels of a row times M output channels for one image:
// M / 4 matrices whose columns are channels. Neighbouring invocations are neighbouring images, then the next pixels, so
// that loads of x are contiguous. The weights of CHUNK input channels lie in workgroup memory in the order of the loop,
// four output channels a vec4: one read, the same for all invocations, feeds sixteen multiply-adds.
// Pixels outside the picture are read as 0.
struct Params {
  n: u32, c: u32, h: u32, w: u32, k: u32, oh: u32, ow: u32, padTop: i32, padLeft: i32,
  wBase: i32, wK: i32, wC: i32, wI: i32, wJ: i32, runs: u32, places: u32, bias: u32, relu: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read> r: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

// From the header: WG invocations, M channels (4 or 8), CHUNK input channels, TAPS of a kernel row (1 or 3), S the
// stride, RESIDUAL 1 where r is added.
const QUADS = M / 4u;

// [c][i][j][quad of output channels]
var<workgroup> weights: array<vec4f, CHUNK * TAPS * TAPS * QUADS>;

fn weight(k: u32, c: u32, tap: u32) -> f32 {
  if (k >= p.k || c >= p.c) { return 0.0; }
  return w[p.wBase + i32(k) * p.wK + i32(c) * p.wC + i32(tap / TAPS) * p.wI + i32(tap % TAPS) * p.wJ];
}

fn stage(lane: u32, k0: u32, c0: u32) {
  for (var at = lane; at < CHUNK * TAPS * TAPS * QUADS; at += WG) {
    let k = k0 + at % QUADS * 4u;
    let tap = at / QUADS % (TAPS * TAPS);
    let c = c0 + at / (QUADS * TAPS * TAPS);
    weights[at] = vec4f(weight(k, c, tap), weight(k + 1u, c, tap), weight(k + 2u, c, tap), weight(k + 3u, c, tap));
  }
}

// A row of this image: where it starts, and whether it lies in the picture.
struct Row { start: u32, inside: bool }

fn pixel(row: Row, iw: i32) -> f32 {
  return select(0.0, x[row.start + u32(iw) * p.n], row.inside && iw >= 0 && iw < i32(p.w));
}

// What a tap sees at four neighbouring output pixels.
fn seen(row: Row, first: i32) -> vec4f {
  let s = i32(S);
  return vec4f(pixel(row, first), pixel(row, first + s), pixel(row, first + 2 * s), pixel(row, first + 3 * s));
}

// Four pixels times four channels.
fn outer(pixels: vec4f, channels: vec4f) -> mat4x4f {
  return mat4x4f(pixels * channels.x, pixels * channels.y, pixels * channels.z, pixels * channels.w);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let place = group.x * WG + lane;
  let n = place % p.n;
  let ow = place / p.n % p.runs * 4u;
  let oh = place / (p.n * p.runs);
  let k0 = group.y * M;
  let top = i32(oh * S) - p.padTop;
  let left = i32(ow * S) - p.padLeft;
  var sums: array<mat4x4f, QUADS>;
  for (var c0 = 0u; c0 < p.c; c0 += CHUNK) {
    workgroupBarrier();
    stage(lane, k0, c0);
    workgroupBarrier();
    for (var c = 0u; c < min(CHUNK, p.c - c0); c++) {
      for (var i = 0u; i < TAPS; i++) {
        let ih = top + i32(i);
        let row = Row(((c0 + c) * p.h + u32(ih)) * p.w * p.n + n, ih >= 0 && ih < i32(p.h));
        let x0 = seen(row, left);
        var x1 = x0;
        var x2 = x0;
        if (TAPS == 3u) {
          // At stride 1 the taps share all but two of their pixels.
          if (S == 1u) {
            x1 = vec4f(x0.yzw, pixel(row, left + 4));
            x2 = vec4f(x1.yzw, pixel(row, left + 5));
          } else {
            x1 = seen(row, left + 1);
            x2 = vec4f(x0.yzw, pixel(row, left + 8));
          }
        }
        for (var q = 0u; q < QUADS; q++) {
          let at = (c * TAPS + i) * TAPS * QUADS + q;
          sums[q] += outer(x0, weights[at]);
          if (TAPS == 3u) {
            sums[q] += outer(x1, weights[at + QUADS]);
            sums[q] += outer(x2, weights[at + 2u * QUADS]);
          }
        }
      }
    }
  }
  for (var m = 0u; m < M; m++) {
    let k = k0 + m;
    let live = place < p.places && k < p.k;
    let at = ((k * p.oh + oh) * p.ow + ow) * p.n + n;
    var sum = sums[m / 4u][m % 4u];
    if (p.bias == 1u) { sum += b[k]; }
    put(at, live && ow < p.ow, sum.x);
    put(at + p.n, live && ow + 1u < p.ow, sum.y);
    put(at + 2u * p.n, live && ow + 2u < p.ow, sum.z);
    put(at + 3u * p.n, live && ow + 3u < p.ow, sum.w);
  }
}

fn put(at: u32, live: bool, sum: f32) {
  if (!live) { return; }
  var value = sum;
  if (RESIDUAL == 1u) { value += r[at]; }
  y[at] = select(value, 0.0, p.relu == 1u && value < 0.0);
}
