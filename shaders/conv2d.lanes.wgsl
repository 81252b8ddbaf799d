// conv2d.lanes: convolution where a lane is an image; also the input gradient at stride 1, which is the same sum with
// weight strides swapped and taps mirrored.
//   y[k, oh, ow, n] = b[k] + sum over c, i, j of w[k, c, i, j] * x[c, oh*S + i - padTop, ow*S + j - padLeft, n]
// Layout: x and y are [C][H][W][N], so the lanes of a subgroup read neighbours. An invocation computes a run of 4*Q
// pixels of one row times M output channels for one image: Q*M vec4 accumulators. Per input channel and kernel row the
// run's pixels are loaded once and serve all taps; the row's M*TAPS weights are loaded one a lane and spread by shuffle.
// A workgroup is one subgroup of LANES. Pixels outside the picture are read as 0, channels beyond K have weight 0.
enable subgroups;
struct Params {
  n: u32, c: u32, h: u32, w: u32, k: u32, oh: u32, ow: u32, kh: u32, padTop: u32, padLeft: u32,
  wBase: i32, wK: i32, wC: i32, wI: i32, wJ: i32, runs: u32, bias: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

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
  var near: array<vec4f, M>;
  var far: array<vec4f, M>;
  for (var m = 0u; m < M; m++) {
    near[m] = vec4f(select(0.0, b[k0 + m], p.bias == 1u));
    if (Q == 2u) { far[m] = near[m]; }
  }
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
      let left = i32(ow0 * S) - i32(p.padLeft);
      let a = taps(row, left);
      if (Q == 1u) {
        for (var m = 0u; m < M; m++) {
          near[m] = spread(a, m, &weights, near[m]);
        }
      } else {
        let b = taps(row, left + 4 * i32(S));
        for (var m = 0u; m < M; m++) {
          near[m] = spread(a, m, &weights, near[m]);
          far[m] = spread(b, m, &weights, far[m]);
        }
      }
    }
  }
  if (n >= p.n) { return; }
  for (var m = 0u; m < M; m++) {
    if (k0 + m >= p.k) { continue; }
    let at = (((k0 + m) * p.oh + oh) * p.ow + ow0) * p.n + n;
    put4(at, ow0, near[m]);
    if (Q == 2u) { put4(at + 4u * p.n, ow0 + 4u, far[m]); }
  }
}

// What each tap of a kernel row sees at four neighbouring output pixels.
struct Taps { t0: vec4f, t1: vec4f, t2: vec4f }

fn taps(row: u32, left: i32) -> Taps {
  if (TAPS == 1u) {
    let s = i32(S);
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

// One channel's weights, spread from the lanes that loaded them, times what the taps see.
fn spread(t: Taps, m: u32, weights: ptr<function, array<f32, LOADS>>, sum: vec4f) -> vec4f {
  let e = TAPS * m;
  let first = fma(t.t0, vec4f(subgroupShuffle((*weights)[e / LANES], e % LANES)), sum);
  if (TAPS == 1u) { return first; }
  let second = fma(t.t1, vec4f(subgroupShuffle((*weights)[(e + 1u) / LANES], (e + 1u) % LANES)), first);
  return fma(t.t2, vec4f(subgroupShuffle((*weights)[(e + 2u) / LANES], (e + 2u) % LANES)), second);
}

fn put4(at: u32, ow: u32, values: vec4f) {
  put(at, ow, values.x);
  put(at + p.n, ow + 1u, values.y);
  put(at + 2u * p.n, ow + 2u, values.z);
  put(at + 3u * p.n, ow + 3u, values.w);
}

fn put(at: u32, ow: u32, value: f32) {
  if (ow >= p.ow) { return; }
  y[at] = value;
}
