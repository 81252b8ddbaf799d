// batchNorm.vec4: batch normalisation of channel-major activations, four values a load, for runs of a multiple of 4.
//   y = (x - mean) * rstd * gamma + beta [+ r] [then relu]     mean, var over a channel's `rest` = H*W*N values
//   xhat = (x - mean) * rstd,   g = dy where the relu let through
//   dbeta = sum g,  dgamma = sum g*xhat,  dx = gamma * rstd * (g - dbeta/rest - xhat * dgamma/rest)
// A channel is one contiguous run. A workgroup owns a channel for the sums (lanes stride through the run, then a tree
// in workgroup memory: a fixed order), so per-channel results need no second pass. Sums are taken of x - x[first], which
// keeps the variance of data far from 0. RELU recomputes the gate from x, by the very expression of the forward pass; the residual
// forms read it from y.
struct Params { rest: u32, train: u32, eps: f32, momentum: f32, addGamma: u32, addBeta: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> r: array<vec4f>;
@group(0) @binding(3) var<storage, read> dy: array<vec4f>;
@group(0) @binding(4) var<storage, read> yIn: array<vec4f>;
@group(0) @binding(5) var<storage, read> gamma: array<f32>;
@group(0) @binding(6) var<storage, read> beta: array<f32>;
@group(0) @binding(7) var<storage, read> saved: array<vec2f>; // mean, rstd
@group(0) @binding(8) var<storage, read> sums: array<vec2f>; // dbeta, dgamma of this call alone
@group(0) @binding(9) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(10) var<storage, read_write> savedOut: array<vec2f>;
@group(0) @binding(11) var<storage, read_write> sumsOut: array<vec2f>;
@group(0) @binding(12) var<storage, read_write> runningMean: array<f32>;
@group(0) @binding(13) var<storage, read_write> runningVar: array<f32>;
@group(0) @binding(14) var<storage, read_write> dgamma: array<f32>;
@group(0) @binding(15) var<storage, read_write> dbeta: array<f32>;
@group(0) @binding(16) var<storage, read_write> dx: array<vec4f>;
@group(0) @binding(17) var<storage, read_write> dr: array<vec4f>;

override RELU: bool = false;
// Whether dx and dr are added to: no branch, since a software adapter runs both sides of one.
override ADD_X: bool = false;
override ADD_R: bool = false;
override WG: u32 = 64u;
var<workgroup> partial: array<vec2f, WG>;

// The sum of every lane's pair, the same for all lanes.
fn sumOf(pair: vec2f, lane: u32) -> vec2f {
  partial[lane] = pair;
  workgroupBarrier();
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partial[lane] += partial[lane + half]; }
    workgroupBarrier();
  }
  return partial[0];
}

@compute @workgroup_size(WG)
fn stats(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let c = group.x;
  let run = p.rest / 4u;
  let first = c * run;
  let origin = x[first].x;
  var s = vec4f(0.0);
  var q = vec4f(0.0);
  for (var i = lane; i < run; i += WG) {
    let d = x[first + i] - origin;
    s += d;
    q += d * d;
  }
  let total = sumOf(vec2f(dot(s, vec4f(1.0)), dot(q, vec4f(1.0))), lane);
  if (lane != 0u) { return; }
  let n = f32(p.rest);
  let shift = total.x / n;
  let variance = max(total.y / n - shift * shift, 0.0);
  let mean = origin + shift;
  savedOut[c] = vec2f(mean, 1.0 / sqrt(variance + p.eps));
  runningMean[c] += p.momentum * (mean - runningMean[c]);
  runningVar[c] += p.momentum * (variance * n / (n - 1.0) - runningVar[c]);
}

// Slice group.y of a channel's run, normalised with the pair (mean, rstd); a residual implies the relu.
fn sweep(group: vec3u, lane: u32, slices: u32, m: vec2f) {
  let c = group.x;
  let run = p.rest / 4u;
  let scale = m.y * gamma[c];
  let offset = beta[c];
  for (var i = group.y * WG + lane; i < run; i += WG * slices) {
    var v = (x[c * run + i] - m.x) * scale + offset;
    if (RELU) { v = max(v, vec4f(0.0)); }
    y[c * run + i] = v;
  }
}

fn sweepResidual(group: vec3u, lane: u32, slices: u32, m: vec2f) {
  let c = group.x;
  let run = p.rest / 4u;
  let scale = m.y * gamma[c];
  let offset = beta[c];
  for (var i = group.y * WG + lane; i < run; i += WG * slices) {
    let v = (x[c * run + i] - m.x) * scale + offset + r[c * run + i];
    y[c * run + i] = max(v, vec4f(0.0));
  }
}

fn constants(c: u32) -> vec2f { return vec2f(runningMean[c], 1.0 / sqrt(runningVar[c] + p.eps)); }

@compute @workgroup_size(WG)
fn normalise(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {
  sweep(group, lane, groups.y, saved[group.x]);
}

@compute @workgroup_size(WG)
fn normaliseResidual(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {
  sweepResidual(group, lane, groups.y, saved[group.x]);
}

// The same with the running statistics, where no gradient will ask for the pair.
@compute @workgroup_size(WG)
fn evaluate(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {
  sweep(group, lane, groups.y, constants(group.x));
}

@compute @workgroup_size(WG)
fn evaluateResidual(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {
  sweepResidual(group, lane, groups.y, constants(group.x));
}

fn finish(c: u32, pair: vec2f, lane: u32) {
  let total = sumOf(pair, lane);
  if (lane != 0u) { return; }
  sumsOut[c] = total;
  dbeta[c] = total.x + select(0.0, dbeta[c], p.addBeta == 1u);
  dgamma[c] = total.y + select(0.0, dgamma[c], p.addGamma == 1u);
}

@compute @workgroup_size(WG)
fn gradientSums(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let c = group.x;
  let run = p.rest / 4u;
  let m = saved[c];
  let scale = m.y * gamma[c];
  let offset = beta[c];
  var s = vec4f(0.0);
  var q = vec4f(0.0);
  for (var i = lane; i < run; i += WG) {
    let centred = x[c * run + i] - m.x;
    let xhat = centred * m.y;
    var g = dy[c * run + i];
    if (RELU) { g = select(vec4f(0.0), g, centred * scale + offset > vec4f(0.0)); }
    s += g;
    q += g * xhat;
  }
  finish(c, vec2f(dot(s, vec4f(1.0)), dot(q, vec4f(1.0))), lane);
}

@compute @workgroup_size(WG)
fn gradientSumsResidual(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let c = group.x;
  let run = p.rest / 4u;
  let m = saved[c];
  var s = vec4f(0.0);
  var q = vec4f(0.0);
  for (var i = lane; i < run; i += WG) {
    let xhat = (x[c * run + i] - m.x) * m.y;
    let g = select(vec4f(0.0), dy[c * run + i], yIn[c * run + i] > vec4f(0.0));
    s += g;
    q += g * xhat;
  }
  finish(c, vec2f(dot(s, vec4f(1.0)), dot(q, vec4f(1.0))), lane);
}

// The two means that training subtracts; in evaluation the statistics are constants and nothing is subtracted.
fn means(c: u32) -> vec2f {
  return select(vec2f(0.0), sums[c] / f32(p.rest), p.train == 1u);
}

@compute @workgroup_size(WG)
fn inputGradient(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {
  let c = group.x;
  let run = p.rest / 4u;
  let m = saved[c];
  let scale = m.y * gamma[c];
  let offset = beta[c];
  let mean = means(c);
  for (var i = group.y * WG + lane; i < run; i += WG * groups.y) {
    let centred = x[c * run + i] - m.x;
    let xhat = centred * m.y;
    var g = dy[c * run + i];
    if (RELU) { g = select(vec4f(0.0), g, centred * scale + offset > vec4f(0.0)); }
    let d = scale * (g - mean.x - xhat * mean.y);
    if (ADD_X) { dx[c * run + i] += d; } else { dx[c * run + i] = d; }
  }
}

@compute @workgroup_size(WG)
fn inputGradientResidual(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {
  let c = group.x;
  let run = p.rest / 4u;
  let m = saved[c];
  let scale = gamma[c];
  let mean = means(c);
  for (var i = group.y * WG + lane; i < run; i += WG * groups.y) {
    let at = c * run + i;
    let xhat = (x[at] - m.x) * m.y;
    let g = select(vec4f(0.0), dy[at], yIn[at] > vec4f(0.0));
    let d = scale * m.y * (g - mean.x - xhat * mean.y);
    if (ADD_X) { dx[at] += d; } else { dx[at] = d; }
    if (ADD_R) { dr[at] += g; } else { dr[at] = g; }
  }
}
