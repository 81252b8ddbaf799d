// conv2d.sharedW: weight gradient of a convolution with 1 or 3 taps a row at stride 1 or 2, through workgroup memory.
//   partial[part, k, c, i, j] = sum over the part's units of dy[k, oh, ow, n] * x[c, oh*S + i - padTop, ow*S + j - padLeft, n]
// Layout: x and dy are [C][H][W][N / 4] of vec4 of images. A unit is four pixels of a row of dy times eight images; a
// workgroup brings what K output and C input channels of it need into workgroup memory, where every value is read some
// ten times. An invocation owns four output channels, one input channel and a kernel row: for each of its taps a
// matrix, whose columns are output channels and whose rows are four images, summed at the end. Units are dealt out to
// parts, summed by conv2d.total. What lies outside picture, batch or channels is read as 0.
struct Params {
  quads: u32, c: u32, h: u32, w: u32, k: u32, oh: u32, ow: u32, padTop: i32, padLeft: i32,
  runs: u32, blocks: u32, units: u32, parts: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

// From the header: K and C channels of a workgroup, WG = K / 4 * C * TAPS, TAPS of a kernel row (1 or 3), S the stride.
const COLUMNS = 3u * S + TAPS;
const XS = TAPS * COLUMNS * 2u * C;
const DYS = 4u * 2u * K;

// Channels innermost: neighbouring invocations then touch neighbouring places, here and in the loops below.
var<workgroup> xs: array<vec4f, XS>; // [row][column][quad][c]
var<workgroup> dys: array<vec4f, DYS>; // [column][quad][k]

fn stage(lane: u32, unit: u32, c0: u32, k0: u32) {
  let ow = unit % p.runs * 4u;
  let quad = unit / p.runs % p.blocks * 2u;
  let oh = unit / (p.runs * p.blocks);
  for (var at = lane; at < XS; at += WG) {
    let c = c0 + at % C;
    let q = quad + at / C % 2u;
    let iw = i32(ow * S + at / (2u * C) % COLUMNS) - p.padLeft;
    let ih = i32(oh * S + at / (2u * C * COLUMNS)) - p.padTop;
    let inside = ih >= 0 && ih < i32(p.h) && iw >= 0 && iw < i32(p.w) && c < p.c && q < p.quads;
    xs[at] = select(vec4f(0.0), x[((c * p.h + u32(ih)) * p.w + u32(iw)) * p.quads + q], inside);
  }
  for (var at = lane; at < DYS; at += WG) {
    let k = k0 + at % K;
    let q = quad + at / K % 2u;
    let column = ow + at / (2u * K);
    let inside = column < p.ow && k < p.k && q < p.quads;
    dys[at] = select(vec4f(0.0), dy[((k * p.oh + oh) * p.ow + column) * p.quads + q], inside);
  }
}

// Four output channels times one input channel, image by image.
fn products(g: mat4x4f, value: vec4f) -> mat4x4f {
  return mat4x4f(g[0] * value, g[1] * value, g[2] * value, g[3] * value);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let c = lane % C;
  let k = lane / C % (K / 4u) * 4u;
  let i = lane / (C * K / 4u);
  let k0 = group.y * K;
  let c0 = group.z * C;
  var left = mat4x4f();
  var middle = mat4x4f();
  var right = mat4x4f();
  for (var unit = group.x; unit < p.units; unit += p.parts) {
    workgroupBarrier();
    stage(lane, unit, c0, k0);
    workgroupBarrier();
    for (var q = 0u; q < 2u; q++) {
      for (var column = 0u; column < 4u; column++) {
        let at = (column * 2u + q) * K + k;
        let g = mat4x4f(dys[at], dys[at + 1u], dys[at + 2u], dys[at + 3u]);
        let first = ((i * COLUMNS + column * S) * 2u + q) * C + c;
        left += products(g, xs[first]);
        if (TAPS == 3u) {
          middle += products(g, xs[first + 2u * C]);
          right += products(g, xs[first + 4u * C]);
        }
      }
    }
  }
  if (c0 + c >= p.c) { return; }
  let images = vec4f(1.0);
  for (var m = 0u; m < 4u && k0 + k + m < p.k; m++) {
    let at = (((group.x * p.k + k0 + k + m) * p.c + c0 + c) * TAPS + i) * TAPS;
    partial[at] = dot(left[m], images);
    if (TAPS == 3u) {
      partial[at + 1u] = dot(middle[m], images);
      partial[at + 2u] = dot(right[m], images);
    }
  }
}
