// conv2d.lanes: convolution where a lane is an image; also the input gradient at stride 1, which is the same sum with
// weight strides swapped and taps mirrored.
//   y[k, oh, ow, n] = sum over c, i, j of w[k, c, i, j] * x[c, oh*S + i - padTop, ow*S + j - padLeft, n]   (+ y if add)
// Layout: x and y are [C][H][W][N], so the lanes of a subgroup read neighbours. An invocation computes a run of 4*Q
// pixels of one row times M output channels for one image: Q*M vec4 accumulators. Per input channel and kernel row the
// run's pixels are loaded once and serve all taps; the row's M*TAPS weights are loaded one a lane and spread by shuffle.
// A workgroup is one subgroup of LANES. Pixels outside the picture are read as 0, channels beyond K have weight 0.
enable subgroups;
struct Params {
  n: u32, c: u32, h: u32, w: u32, k: u32, oh: u32, ow: u32, kh: u32, padTop: u32, padLeft: u32,
  wBase: i32, wK: i32, wC: i32, wI: i32, wJ: i32, runs: u32, add: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

// From the header: LANES of a subgroup, M channels, Q vec4 of pixels, TAPS of a kernel row (1 or 3), S the stride,
// LOADS = ceil(M * TAPS / LANES).

// Pixel iw of a row that starts at `row`; 0 outside.
fn pixel(row: u32, iw: i32) -> f32 {
  let inside = iw >= 0 && iw < i32(p.w);
  let v = x[row + u32(clamp(iw, 0, i32(p.w) - 1)) * p.n];
  return select(0.0, v, inside);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = group.x % p.runs;
  let oh = (group.x / p.runs) % p.oh;
  let n = group.x / (p.runs * p.oh) * LANES + lane;
  let image = min(n, p.n - 1u);
  let k0 = group.y * M;
  let ow0 = run * 4u * Q;
  var sum: array<vec4f, Q * M>;
  for (var c = 0u; c < p.c; c++) {
    for (var i = 0u; i < p.kh; i++) {
      let ih = i32(oh * S + i) - i32(p.padTop);
      if (ih < 0 || ih >= i32(p.h)) { continue; }
      let row = (c * p.h + u32(ih)) * p.w * p.n + image;
      var weights: array<f32, LOADS>;
      for (var s = 0u; s < LOADS; s++) {
        let e = s * LANES + lane;
        let k = k0 + e / TAPS;
        let at = p.wBase + i32(k) * p.wK + i32(c) * p.wC + i32(i) * p.wI + i32(e % TAPS) * p.wJ;
        if (e < M * TAPS && k < p.k) { weights[s] = w[at]; }
      }
      for (var q = 0u; q < Q; q++) {
        let left = i32((ow0 + 4u * q) * S) - i32(p.padLeft);
        if (TAPS == 1u) {
          let t0 = vec4f(pixel(row, left), pixel(row, left + i32(S)), pixel(row, left + 2 * i32(S)), pixel(row, left + 3 * i32(S)));
          for (var m = 0u; m < M; m++) {
            let w0 = subgroupShuffle(weights[m / LANES], m % LANES);
            sum[q * M + m] = fma(t0, vec4f(w0), sum[q * M + m]);
          }
        } else {
          var t0: vec4f;
          var t1: vec4f;
          var t2: vec4f;
          let x0 = pixel(row, left);
          let x1 = pixel(row, left + 1);
          let x2 = pixel(row, left + 2);
          let x3 = pixel(row, left + 3);
          let x4 = pixel(row, left + 4);
          let x5 = pixel(row, left + 5);
          if (S == 1u) {
            t0 = vec4f(x0, x1, x2, x3);
            t1 = vec4f(x1, x2, x3, x4);
            t2 = vec4f(x2, x3, x4, x5);
          } else {
            let x6 = pixel(row, left + 6);
            t0 = vec4f(x0, x2, x4, x6);
            t1 = vec4f(x1, x3, x5, pixel(row, left + 7));
            t2 = vec4f(x2, x4, x6, pixel(row, left + 8));
          }
          for (var m = 0u; m < M; m++) {
            let e = 3u * m;
            let w0 = subgroupShuffle(weights[e / LANES], e % LANES);
            let w1 = subgroupShuffle(weights[(e + 1u) / LANES], (e + 1u) % LANES);
            let w2 = subgroupShuffle(weights[(e + 2u) / LANES], (e + 2u) % LANES);
            sum[q * M + m] = fma(t2, vec4f(w2), fma(t1, vec4f(w1), fma(t0, vec4f(w0), sum[q * M + m])));
          }
        }
      }
    }
  }
  if (n >= p.n) { return; }
  for (var q = 0u; q < Q; q++) {
    let ow = ow0 + 4u * q;
    for (var m = 0u; m < M; m++) {
      if (k0 + m >= p.k) { continue; }
      let at = (((k0 + m) * p.oh + oh) * p.ow + ow) * p.n + n;
      put(at, ow, sum[q * M + m].x);
      put(at + p.n, ow + 1u, sum[q * M + m].y);
      put(at + 2u * p.n, ow + 2u, sum[q * M + m].z);
      put(at + 3u * p.n, ow + 3u, sum[q * M + m].w);
    }
  }
}

fn put(at: u32, ow: u32, value: f32) {
  if (ow >= p.ow) { return; }
  if (p.add == 1u) { y[at] += value; } else { y[at] = value; }
}
