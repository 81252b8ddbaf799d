// conv2d.sharedX: input gradient of a stride-2 convolution with 3 taps and padding 1, or 1 tap and none, its weights in
// workgroup memory.
//   dx[c, ih, iw, n] = sum over k, i, j of w[k, c, i, j] * dy[k, (ih + P - i) / 2, (iw + P - j) / 2, n], where both divide
// Of the taps of a row, even columns see the middle one, odd columns the outer two. So a run of 8 columns needs 5 columns
// of dy: even = d[0..3] * w1, odd = d[1..4] * w0 + d[0..3] * w2. Rows that do not divide are skipped.
// Layout: dx and dy are [C][H][W][N]. An invocation computes such a run times M input channels for one image: two sets
// of M / 4 matrices whose columns are channels. Neighbouring invocations are neighbouring images, then the next runs.
// The weights of CHUNK output channels lie in workgroup memory in the order of the loop, four input channels a vec4.
struct Params {
  n: u32, c: u32, h: u32, w: u32, k: u32, oh: u32, ow: u32, runs: u32, places: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

// From the header: WG invocations, M input channels (4 or 8), CHUNK output channels, TAPS of a kernel row (1 or 3).
const QUADS = M / 4u;

// [k][i][j][quad of input channels]
var<workgroup> weights: array<vec4f, CHUNK * TAPS * TAPS * QUADS>;

fn weight(k: u32, c: u32, tap: u32) -> f32 {
  if (k >= p.k || c >= p.c) { return 0.0; }
  return w[(k * p.c + c) * TAPS * TAPS + tap];
}

fn stage(lane: u32, k0: u32, c0: u32) {
  for (var at = lane; at < CHUNK * TAPS * TAPS * QUADS; at += WG) {
    let c = c0 + at % QUADS * 4u;
    let tap = at / QUADS % (TAPS * TAPS);
    let k = k0 + at / (QUADS * TAPS * TAPS);
    weights[at] = vec4f(weight(k, c, tap), weight(k, c + 1u, tap), weight(k, c + 2u, tap), weight(k, c + 3u, tap));
  }
}

fn pixel(row: u32, ow: u32) -> f32 {
  return select(0.0, dy[row + ow * p.n], ow < p.ow);
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
  let ih = place / (p.n * p.runs);
  let c0 = group.y * M;
  var even: array<mat4x4f, QUADS>;
  var odd: array<mat4x4f, QUADS>;
  for (var k0 = 0u; k0 < p.k; k0 += CHUNK) {
    workgroupBarrier();
    stage(lane, k0, c0);
    workgroupBarrier();
    for (var k = 0u; k < min(CHUNK, p.k - k0); k++) {
      for (var i = 0u; i < TAPS; i++) {
        let twice = ih + TAPS / 2u - i; // wraps above the picture, and is too large then
        if (twice % 2u == 1u || twice / 2u >= p.oh) { continue; }
        let row = ((k0 + k) * p.oh + twice / 2u) * p.ow * p.n + n;
        let near = vec4f(pixel(row, ow), pixel(row, ow + 1u), pixel(row, ow + 2u), pixel(row, ow + 3u));
        let next = vec4f(near.yzw, pixel(row, ow + 4u));
        for (var q = 0u; q < QUADS; q++) {
          let at = (k * TAPS + i) * TAPS * QUADS + q;
          if (TAPS == 1u) {
            even[q] += outer(near, weights[at]);
          } else {
            even[q] += outer(near, weights[at + QUADS]);
            odd[q] += outer(next, weights[at]);
            odd[q] += outer(near, weights[at + 2u * QUADS]);
          }
        }
      }
    }
  }
  if (place >= p.places) { return; }
  let iw = 2u * ow;
  for (var m = 0u; m < M && c0 + m < p.c; m++) {
    let at = (((c0 + m) * p.h + ih) * p.w + iw) * p.n + n;
    let left = even[m / 4u][m % 4u];
    let right = odd[m / 4u][m % 4u];
    put(at, iw, left.x);
    put(at + p.n, iw + 1u, right.x);
    put(at + 2u * p.n, iw + 2u, left.y);
    put(at + 3u * p.n, iw + 3u, right.y);
    put(at + 4u * p.n, iw + 4u, left.z);
    put(at + 5u * p.n, iw + 5u, right.z);
    put(at + 6u * p.n, iw + 6u, left.w);
    put(at + 7u * p.n, iw + 7u, right.w);
  }
}

fn put(at: u32, iw: u32, value: f32) {
  if (iw >= p.w) { return; }
  dx[at] = value;
}
