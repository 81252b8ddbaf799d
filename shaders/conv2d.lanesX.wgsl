// conv2d.lanesX: input gradient of a stride-2 convolution with 3 taps and padding 1, or 1 tap and none; a lane is an image.
//   dx[c, ih, iw, n] = sum over k, i, j of w[k, c, i, j] * dy[k, (ih + P - i) / 2, (iw + P - j) / 2, n], where both divide
// Of the taps of a row, even columns see the middle one, odd columns the outer two. So a run of 8 columns needs 5 columns
// of dy: even = d[0..3] * w1, odd = d[1..4] * w0 + d[0..3] * w2. Every second row of taps divides, and the loop takes no
// other: llvmpipe walks through what `continue` leaves out. Two vec4 of accumulators times M input channels; weights are
// spread by shuffle as in conv2d.lanes. Loops are tested at their end, as in conv2d.quadsW.
enable subgroups;
struct Params { n: u32, c: u32, h: u32, w: u32, k: u32, oh: u32, ow: u32, kh: u32, runs: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

// From the header: LANES, M, TAPS (1 or 3), LOADS = ceil(M * TAPS / LANES); ADD to dx, with one tap: touches the even
// pixels alone.

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
  var even: array<vec4f, M>;
  var odd: array<vec4f, M>;
  let reach = ih + (p.kh - 1u) / 2u;
  let first = select(reach & 1u, reach - 2u * p.oh + 2u, reach >= 2u * p.oh);
  let last = min(reach, p.kh - 1u);
  if (first <= last) {
    var k = 0u;
    loop {
      var i = first;
      loop {
        let row = (k * p.oh + (reach - i) / 2u) * p.ow * p.n + image;
        var weights: array<f32, LOADS>;
        for (var s = 0u; s < LOADS; s++) {
          let e = s * LANES + lane;
          let c = c0 + e / TAPS;
          if (e < M * TAPS && c < p.c) { weights[s] = w[((k * p.c + c) * p.kh + i) * TAPS + e % TAPS]; }
        }
        let d0 = pixel(row, ow0);
        let d1 = pixel(row, ow0 + 1u);
        let d2 = pixel(row, ow0 + 2u);
        let d3 = pixel(row, ow0 + 3u);
        let near = vec4f(d0, d1, d2, d3);
        if (TAPS == 1u) {
          for (var m = 0u; m < M; m++) {
            even[m] = fma(near, vec4f(subgroupShuffle(weights[m / LANES], m % LANES)), even[m]);
          }
        } else {
          let next = vec4f(d1, d2, d3, pixel(row, ow0 + 4u));
          for (var m = 0u; m < M; m++) {
            let e = 3u * m;
            let w0 = subgroupShuffle(weights[e / LANES], e % LANES);
            let w1 = subgroupShuffle(weights[(e + 1u) / LANES], (e + 1u) % LANES);
            let w2 = subgroupShuffle(weights[(e + 2u) / LANES], (e + 2u) % LANES);
            even[m] = fma(near, vec4f(w1), even[m]);
            odd[m] = fma(near, vec4f(w2), fma(next, vec4f(w0), odd[m]));
          }
        }
        continuing { i += 2u; break if i > last; }
      }
      continuing { k++; break if k >= p.k; }
    }
  }
  if (n >= p.n) { return; }
  let iw = 2u * ow0;
  for (var m = 0u; m < M; m++) {
    if (c0 + m >= p.c) { continue; }
    let at = (((c0 + m) * p.h + ih) * p.w + iw) * p.n + n;
    put(at, iw, even[m].x);
    put(at + 2u * p.n, iw + 2u, even[m].y);
    put(at + 4u * p.n, iw + 4u, even[m].z);
    put(at + 6u * p.n, iw + 6u, even[m].w);
    if (ADD == 1u) { continue; }
    put(at + p.n, iw + 1u, odd[m].x);
    put(at + 3u * p.n, iw + 3u, odd[m].y);
    put(at + 5u * p.n, iw + 5u, odd[m].z);
    put(at + 7u * p.n, iw + 7u, odd[m].w);
  }
}

fn put(at: u32, iw: u32, value: f32) {
  if (iw >= p.w) { return; }
  if (ADD == 1u) { dx[at] += value; } else { dx[at] = value; }
}
