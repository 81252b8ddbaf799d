// conv2d.tileW: weight gradient of a convolution with 1 or 3 taps a row at stride 1 or 2, without subgroups.
//   partial[part, k, c, i, j] = sum over the part's strips, rows and images of dy[k, oh, ow, n] * x[c, oh*S + i - padTop, ow*S + j - padLeft, n]
// Layout: x and dy are [C][H][W][N]; an invocation takes every WG-th image. It owns K output channels, one input channel
// and the taps of kernel row i, for four pixels of dy at a time. What the invocations of a workgroup found is summed in
// workgroup memory, in their order. Strips of four columns are dealt out to parts, summed by conv2d.total.
struct Params {
  n: u32, c: u32, h: u32, w: u32, k: u32, oh: u32, ow: u32, kh: u32, padTop: i32, padLeft: i32, strips: u32, parts: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

// From the header: WG invocations, K output channels, TAPS of a kernel row (1 or 3), S the stride.

var<workgroup> found: array<vec3f, WG>;

fn pixel(row: u32, iw: i32, inside: bool) -> f32 {
  return select(0.0, x[row + u32(iw) * p.n], inside && iw >= 0 && iw < i32(p.w));
}

fn gradient(row: u32, ow: u32) -> f32 {
  return select(0.0, dy[row + ow * p.n], ow < p.ow);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = group.x % p.kh;
  let part = group.x / p.kh;
  let k0 = group.y * K;
  let c = group.z;
  var sums: array<vec3f, K>;
  for (var strip = part; strip < p.strips; strip += p.parts) {
    let ow = strip * 4u;
    let left = i32(ow * S) - p.padLeft;
    for (var oh = 0u; oh < p.oh; oh++) {
      let ih = i32(oh * S + i) - p.padTop;
      let inside = ih >= 0 && ih < i32(p.h);
      for (var n = lane; n < p.n; n += WG) {
        let row = (c * p.h + u32(ih)) * p.w * p.n + n;
        var s: array<f32, 3u * S + TAPS>;
        for (var q = 0u; q < 3u * S + TAPS; q++) { s[q] = pixel(row, left + i32(q), inside); }
        let t0 = vec4f(s[0], s[S], s[2u * S], s[3u * S]);
        for (var m = 0u; m < K; m++) {
          let first = ((k0 + m) * p.oh + oh) * p.ow * p.n + n;
          let g = vec4f(gradient(first, ow), gradient(first, ow + 1u), gradient(first, ow + 2u), gradient(first, ow + 3u));
          sums[m].x += dot(g, t0);
          if (TAPS == 3u) {
            sums[m].y += dot(g, vec4f(s[TAPS / 2u], s[S + TAPS / 2u], s[2u * S + TAPS / 2u], s[3u * S + TAPS / 2u]));
            sums[m].z += dot(g, vec4f(s[TAPS - 1u], s[S + TAPS - 1u], s[2u * S + TAPS - 1u], s[3u * S + TAPS - 1u]));
          }
        }
      }
    }
  }
  for (var m = 0u; m < K; m++) {
    found[lane] = sums[m];
    workgroupBarrier();
    if (lane < TAPS && k0 + m < p.k) {
      var total = 0.0;
      for (var l = 0u; l < min(WG, p.n); l++) { total += found[l][lane]; }
      partial[(((part * p.k + k0 + m) * p.c + c) * p.kh + i) * TAPS + lane] = total;
    }
    workgroupBarrier();
  }
}
