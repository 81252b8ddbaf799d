// conv2d.lanesX: input gradient of a 1x1 convolution at stride 2; a lane is an image.
//   dx[c, 2 oh, 2 ow, n] = sum over k of w[k, c] * dy[k, oh, ow, n]; all other pixels of dx are 0
// A run of 8 columns of dx needs 4 of dy, so a vec4 of accumulators times M input channels; weights are spread by shuffle as
// in conv2d.lanes. To be added, the pixels that see dy are all it touches. Loops are tested at their end, as in
// conv2d.quadsW.
enable subgroups;
struct Params { n: u32, c: u32, h: u32, w: u32, k: u32, oh: u32, ow: u32, runs: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

// From the header: LANES, M <= LANES, ADD 1 where dx is added to.

fn pixel(row: u32, ow: u32) -> f32 {
  let v = dy[row + min(ow, p.ow - 1u) * p.n];
  return select(0.0, v, ow < p.ow);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = group.x % p.runs;
  let rows = select(p.h, (p.h + 1u) / 2u, ADD == 1u);
  let ih = (group.x / p.runs) % rows * (1u + ADD);
  let n = group.x / (p.runs * rows) * LANES + lane;
  let image = min(n, p.n - 1u);
  let c0 = group.y * M;
  let ow0 = run * 4u;
  var sums: array<vec4f, M>;
  if (ih % 2u == 0u && ih / 2u < p.oh) {
    var k = 0u;
    loop {
      let row = (k * p.oh + ih / 2u) * p.ow * p.n + image;
      let own = w[k * p.c + min(c0 + lane, p.c - 1u)];
      let near = vec4f(pixel(row, ow0), pixel(row, ow0 + 1u), pixel(row, ow0 + 2u), pixel(row, ow0 + 3u));
      for (var m = 0u; m < M; m++) { sums[m] = fma(near, vec4f(subgroupShuffle(own, m)), sums[m]); }
      continuing { k++; break if k >= p.k; }
    }
  }
  if (n >= p.n) { return; }
  let iw = 2u * ow0;
  for (var m = 0u; m < M; m++) {
    if (c0 + m >= p.c) { continue; }
    let at = (((c0 + m) * p.h + ih) * p.w + iw) * p.n + n;
    put(at, iw, sums[m].x);
    put(at + 2u * p.n, iw + 2u, sums[m].y);
    put(at + 4u * p.n, iw + 4u, sums[m].z);
    put(at + 6u * p.n, iw + 6u, sums[m].w);
    if (ADD == 1u) { continue; }
    for (var q = 1u; q < 8u; q += 2u) { put(at + q * p.n, iw + q, 0.0); }
  }
}

fn put(at: u32, iw: u32, value: f32) {
  if (iw >= p.w) { return; }
  if (ADD == 1u) { dx[at] += value; } else { dx[at] = value; }
}
