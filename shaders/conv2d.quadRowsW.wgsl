// conv2d.quadRowsW: weight gradient, one kernel row a workgroup; a lane is an output channel, a vec4 four images.
//   partial[part, k, c, i, j] = sum over the part's images n, and oh, ow, of dy[k, oh, ow, n] * x[c, oh*S + i - padTop, ow*S + j - padLeft, n]
// An invocation owns one output channel, C input channels and the taps of kernel row i. It takes two pixels of dy at a
// time and the S + TAPS pixels of x that they see. Each lane reads x of one input channel; shuffles show it to all. The
// pixels of all images are split into parts, summed by conv2d.total where there are several. The number of images is a
// multiple of four.
// For the convolutions that conv2d.quadsW does not do; slower, quick to compile.
// Loops of no fixed length are tested at their end: llvmpipe walks one that is tested first once more than it has to.
enable subgroups;
struct Params {
  quads: u32, c: u32, h: u32, w: u32, k: u32, oh: u32, ow: u32, kh: u32, padTop: i32, padLeft: i32, strips: u32, parts: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

// From the header: LANES of a subgroup, C <= LANES, TAPS (1 or 3), S the stride.

fn pixel(at: u32, iw: i32, inside: bool) -> vec4f {
  return select(vec4f(), x[at], inside && iw >= 0 && iw < i32(p.w));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = group.x % p.kh;
  let part = group.x / p.kh;
  let k = group.y * LANES + lane;
  let c0 = group.z * C;
  let plane = i32((c0 + lane % C) * p.h);
  let units = p.strips * p.quads;
  var sums: array<vec3f, C>;
  var unit = part * units / p.parts;
  loop {
    let quad = unit % p.quads;
    let ow = unit / p.quads * 2u;
    let iw = i32(ow * S) - p.padLeft;
    var oh = 0u;
    loop {
      let ih = i32(oh * S + i) - p.padTop;
      let inside = ih >= 0 && ih < i32(p.h);
      let first = ((k * p.oh + oh) * p.ow + ow) * p.quads + quad;
      let left = dy[first];
      let right = select(vec4f(), dy[first + p.quads], ow + 1u < p.ow);
      let at = u32((plane + ih) * i32(p.w) + iw) * p.quads + quad;
      var own: array<vec4f, S + TAPS>;
      for (var q = 0u; q < S + TAPS; q++) { own[q] = pixel(at + q * p.quads, iw + i32(q), inside); }
      for (var c = 0u; c < C; c++) {
        var s: array<vec4f, S + TAPS>;
        for (var q = 0u; q < S + TAPS; q++) { s[q] = subgroupShuffle(own[q], c); }
        sums[c].x += dot(left, s[0]) + dot(right, s[S]);
        if (TAPS == 3u) {
          sums[c].y += dot(left, s[1]) + dot(right, s[S + TAPS - 2u]);
          sums[c].z += dot(left, s[TAPS - 1u]) + dot(right, s[S + TAPS - 1u]);
        }
      }
      continuing { oh++; break if oh >= p.oh; }
    }
    continuing { unit++; break if unit >= (part + 1u) * units / p.parts; }
  }
  for (var c = 0u; c < C; c++) {
    if (k < p.k && c0 + c < p.c) {
      let at = (((part * p.k + k) * p.c + c0 + c) * p.kh + i) * TAPS;
      partial[at] = sums[c].x;
      if (TAPS == 3u) {
        partial[at + 1u] = sums[c].y;
        partial[at + 2u] = sums[c].z;
      }
    }
  }
}
