// conv2d: the convolution for every kernel size, stride, padding, dilation and group count; fallback and reference of
// the fast variants.
//   y[k,oh,ow,n]   = b[k] + sum over c,i,j of x[c,ih,iw,n] · w[k,c,i,j],   ih = oh·strideH - padT + i·dilationH, iw alike
//   dx[c,ih,iw,n]  = sum over k,i,j of dy[k,oh,ow,n] · w[k,c,i,j]          where oh, ow are whole
//   dw[k,c,i,j]    = sum over oh,ow,n of dy[k,oh,ow,n] · x[c,ih,iw,n],     db[k] = sum over oh,ow,n of dy[k,oh,ow,n]
// Activations are chwn, w is row-major [K, C/groups, kh, kw]; c runs over the input channels of k's group.
// y, dx: one invocation an element, so neighbours are images of one pixel. dw, db: one workgroup an element, its
// invocations stride over pixels and images, their sums are added as a tree: the order is fixed.
struct Params {
  n: u32, c: u32, h: u32, w: u32,
  k: u32, oh: u32, ow: u32, groups: u32,
  kh: u32, kw: u32, strideH: u32, strideW: u32,
  padT: i32, padL: i32, dilationH: u32, dilationW: u32,
  bias: u32, add: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;
@group(0) @binding(7) var<storage, read_write> dw: array<f32>;
@group(0) @binding(8) var<storage, read_write> db: array<f32>;

const LANES = 64u;
var<workgroup> sums: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) grid: vec3u) {
  let index = id.x + id.y * grid.x * LANES;
  if (index >= p.k * p.oh * p.ow * p.n) { return; }
  let n = index % p.n;
  let ow = index / p.n % p.ow;
  let oh = index / (p.n * p.ow) % p.oh;
  let k = index / (p.n * p.ow * p.oh);
  let channels = p.c / p.groups;
  let first = k / (p.k / p.groups) * channels;
  var sum = 0.0;
  for (var i = 0u; i < p.kh; i++) {
    let ih = i32(oh * p.strideH + i * p.dilationH) - p.padT;
    if (ih < 0 || ih >= i32(p.h)) { continue; }
    for (var j = 0u; j < p.kw; j++) {
      let iw = i32(ow * p.strideW + j * p.dilationW) - p.padL;
      if (iw < 0 || iw >= i32(p.w)) { continue; }
      var at = ((first * p.h + u32(ih)) * p.w + u32(iw)) * p.n + n;
      var weight = (k * channels * p.kh + i) * p.kw + j;
      for (var c = 0u; c < channels; c++) {
        sum += x[at] * w[weight];
        at += p.h * p.w * p.n;
        weight += p.kh * p.kw;
      }
    }
  }
  if (p.bias == 1u) { sum += b[k]; }
  y[index] = sum;
}

@compute @workgroup_size(LANES)
fn backwardX(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) grid: vec3u) {
  let index = id.x + id.y * grid.x * LANES;
  if (index >= p.c * p.h * p.w * p.n) { return; }
  let n = index % p.n;
  let iw = index / p.n % p.w;
  let ih = index / (p.n * p.w) % p.h;
  let c = index / (p.n * p.w * p.h);
  let channels = p.c / p.groups;
  let filters = p.k / p.groups;
  let first = c / channels * filters;
  var sum = 0.0;
  for (var i = 0u; i < p.kh; i++) {
    let up = i32(ih) + p.padT - i32(i * p.dilationH);
    if (up < 0 || u32(up) % p.strideH != 0u || u32(up) / p.strideH >= p.oh) { continue; }
    for (var j = 0u; j < p.kw; j++) {
      let left = i32(iw) + p.padL - i32(j * p.dilationW);
      if (left < 0 || u32(left) % p.strideW != 0u || u32(left) / p.strideW >= p.ow) { continue; }
      var at = ((first * p.oh + u32(up) / p.strideH) * p.ow + u32(left) / p.strideW) * p.n + n;
      var weight = ((first * channels + c % channels) * p.kh + i) * p.kw + j;
      for (var k = 0u; k < filters; k++) {
        sum += dy[at] * w[weight];
        at += p.oh * p.ow * p.n;
        weight += channels * p.kh * p.kw;
      }
    }
  }
  dx[index] = select(sum, dx[index] + sum, p.add == 1u);
}

// The sum over the workgroup, for its first invocation.
fn total(lane: u32, value: f32) -> f32 {
  sums[lane] = value;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { sums[lane] += sums[lane + half]; }
  }
  return sums[lane];
}

@compute @workgroup_size(LANES)
fn backwardW(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = group.x + group.y * grid.x;
  let channels = p.c / p.groups;
  if (index >= p.k * channels * p.kh * p.kw) { return; }
  let j = index % p.kw;
  let i = index / p.kw % p.kh;
  let k = index / (p.kw * p.kh * channels);
  let c = k / (p.k / p.groups) * channels + index / (p.kw * p.kh) % channels;
  let plane = p.oh * p.ow * p.n;
  var sum = 0.0;
  for (var at = lane; at < plane; at += LANES) {
    let ow = at / p.n % p.ow;
    let oh = at / (p.n * p.ow);
    let ih = i32(oh * p.strideH + i * p.dilationH) - p.padT;
    let iw = i32(ow * p.strideW + j * p.dilationW) - p.padL;
    if (ih >= 0 && ih < i32(p.h) && iw >= 0 && iw < i32(p.w)) {
      sum += dy[k * plane + at] * x[((c * p.h + u32(ih)) * p.w + u32(iw)) * p.n + at % p.n];
    }
  }
  let result = total(lane, sum);
  if (lane == 0u) { dw[index] = select(result, dw[index] + result, p.add == 1u); }
}

@compute @workgroup_size(LANES)
fn backwardB(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let k = group.x + group.y * grid.x;
  if (k >= p.k) { return; }
  let plane = p.oh * p.ow * p.n;
  var sum = 0.0;
  for (var at = lane; at < plane; at += LANES) { sum += dy[k * plane + at]; }
  let result = total(lane, sum);
  if (lane == 0u) { db[k] = select(result, db[k] + result, p.add == 1u); }
}
