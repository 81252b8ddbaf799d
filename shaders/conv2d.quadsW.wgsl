// conv2d.quadsW: weight gradient of a 3x3 convolution at stride 1; a lane is an output channel, a vec4 four images.
//   partial[part, k, c, i, j] = sum over the part's images n, and oh, ow, of dy[k, oh, ow, n] * x[c, oh + i - padTop, ow + j - padLeft, n]
// An invocation owns one output channel, C input channels and all nine taps. It walks down strips of two pixels of dy:
// the row it reads of x meets three rows of dy, of which two are kept from the rows before. Each lane reads x of one
// input channel (where these are few, some of its pixels alone); shuffles show it to all. The strips of all images are
// split into parts, summed by conv2d.total where there are several.
// The number of images is a multiple of four, so that a load brings four.
// Loops of no fixed length are tested at their end: llvmpipe walks one that is tested first once more than it has to.
enable subgroups;
struct Params {
  quads: u32, c: u32, h: u32, w: u32, k: u32, oh: u32, ow: u32, padTop: i32, padLeft: i32, strips: u32, parts: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

// From the header: LANES of a subgroup, C <= LANES.

// A lane reads every ALONG-th of a window's four pixels: of few channels the lanes share out the pixels, too.
const ALONG = select(select(1u, 2u, 2u * C <= LANES), 4u, 4u * C <= LANES);
const LOADS = 4u / ALONG;

// The taps of one filter.
struct Filter { top: vec3f, middle: vec3f, bottom: vec3f }
// Two neighbouring pixels of dy.
struct Pair { left: vec4f, right: vec4f }
// The four pixels of x that a row of taps sees from them.
alias Window = array<vec4f, 4>;

fn pair(k: u32, row: i32, ow: u32, quad: u32) -> Pair {
  let at = ((k * p.oh + u32(row)) * p.ow + ow) * p.quads + quad;
  let inside = row >= 0 && row < i32(p.oh);
  return Pair(
    select(vec4f(), dy[at], inside),
    select(vec4f(), dy[at + p.quads], inside && ow + 1u < p.ow));
}

fn pixel(at: u32, iw: i32) -> vec4f {
  return select(vec4f(), x[at], iw >= 0 && iw < i32(p.w));
}

// What a lane reads of a window. The loads are written out: with a loop of them eight channels take half as long again.
fn windowOf(at: u32, iw: i32) -> Window {
  if (LOADS == 1u) { return Window(pixel(at, iw), vec4f(), vec4f(), vec4f()); }
  if (LOADS == 2u) { return Window(pixel(at, iw), pixel(at + ALONG * p.quads, iw + i32(ALONG)), vec4f(), vec4f()); }
  return Window(
    pixel(at, iw), pixel(at + p.quads, iw + 1), pixel(at + 2u * p.quads, iw + 2), pixel(at + 3u * p.quads, iw + 3));
}

fn correlate(d: Pair, s: Window) -> vec3f {
  return vec3f(
    dot(d.left, s[0]) + dot(d.right, s[1]), dot(d.left, s[1]) + dot(d.right, s[2]),
    dot(d.left, s[2]) + dot(d.right, s[3]));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let part = group.x;
  let k = group.y * LANES + lane;
  let c0 = group.z * C;
  let plane = (c0 + lane % C) * p.h;
  let first = lane / C % ALONG;
  let units = p.strips * p.quads;
  var sums: array<Filter, C>;
  var unit = part * units / p.parts;
  loop {
    let quad = unit % p.quads;
    let ow = unit / p.quads * 2u;
    let iw = i32(ow) - p.padLeft;
    var below = pair(k, p.padTop - 2, ow, quad);
    var level = pair(k, p.padTop - 1, ow, quad);
    var row = 0u;
    loop {
      let above = pair(k, i32(row) + p.padTop, ow, quad);
      let at = u32(i32((plane + row) * p.w) + iw + i32(first)) * p.quads + quad;
      let own = windowOf(at, iw + i32(first));
      for (var c = 0u; c < C; c++) {
        let s = Window(
          subgroupShuffle(own[0], c), subgroupShuffle(own[1u / ALONG], c + 1u % ALONG * C),
          subgroupShuffle(own[2u / ALONG], c + 2u % ALONG * C), subgroupShuffle(own[3u / ALONG], c + 3u % ALONG * C));
        sums[c].top += correlate(above, s);
        sums[c].middle += correlate(level, s);
        sums[c].bottom += correlate(below, s);
      }
      below = level;
      level = above;
      continuing { row++; break if row >= p.h; }
    }
    continuing { unit++; break if unit >= (part + 1u) * units / p.parts; }
  }
  for (var c = 0u; c < C; c++) {
    if (k < p.k && c0 + c < p.c) {
      let at = ((part * p.k + k) * p.c + c0 + c) * 9u;
      put(at, sums[c].top);
      put(at + 3u, sums[c].middle);
      put(at + 6u, sums[c].bottom);
    }
  }
}

fn put(at: u32, row: vec3f) {
  partial[at] = row.x;
  partial[at + 1u] = row.y;
  partial[at + 2u] = row.z;
}
