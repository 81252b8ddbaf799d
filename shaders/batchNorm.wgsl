// batchNorm: batch normalisation of channel-major activations.
//   y = (x - mean) * rstd * gamma + beta [+ r] [then relu]     mean, var over a channel's `rest` = H*W*N values
//   xhat = (x - mean) * rstd,   g = dy where the relu let through
//   dbeta = sum g,  dgamma = sum g*xhat,  dx = gamma * rstd * (g - dbeta/rest - xhat * dgamma/rest)
// A channel is one contiguous run. It is read a Value at a time, which the loader declares: `alias Value = vec4f` and
// `const WIDTH = 4u` where runs are a multiple of 4, f32 and 1 for any other length.
// A workgroup owns a channel for the sums (lanes stride through the run, then a tree in workgroup memory: a fixed
// order), so per-channel results need no second pass. Sums are taken of x - x[first], which keeps the variance of data
// far from 0. RELU recomputes the gate from x, by the very expression of the forward pass; the residual forms read it
// from y.
struct Params { rest: u32, train: u32, eps: f32, momentum: f32, addGamma: u32, addBeta: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<Value>;
@group(0) @binding(2) var<storage, read> r: array<Value>;
@group(0) @binding(3) var<storage, read> dy: array<Value>;
@group(0) @binding(4) var<storage, read> yIn: array<Value>;
@group(0) @binding(5) var<storage, read> gamma: array<f32>;
@group(0) @binding(6) var<storage, read> beta: array<f32>;
@group(0) @binding(7) var<storage, read> saved: array<vec2f>; // mean, rstd
@group(0) @binding(8) var<storage, read> sums: array<vec2f>; // dbeta, dgamma of this call alone
@group(0) @binding(9) var<storage, read_write> y: array<Value>;
@group(0) @binding(10) var<storage, read_write> savedOut: array<vec2f>;
@group(0) @binding(11) var<storage, read_write> sumsOut: array<vec2f>;
@group(0) @binding(12) var<storage, read_write> runningMean: array<f32>;
@group(0) @binding(13) var<storage, read_write> runningVar: array<f32>;
@group(0) @binding(14) var<storage, read_write> dgamma: array<f32>;
@group(0) @binding(15) var<storage, read_write> dbeta: array<f32>;
@group(0) @binding(16) var<storage, read_write> dx: array<Value>;
@group(0) @binding(17) var<storage, read_write> dr: array<Value>;

override RELU: bool = false;
// Whether dx and dr are added to: no branch, since a software adapter runs both sides of one.
override ADD_X: bool = false;
override ADD_R: bool = false;
override WG: u32 = 64u;
var<workgroup> partial: array<vec2f, WG>;

struct Id {
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
}

// The sum of what a Value holds. vec4f(v) is v itself, or a single number four times.
fn sumOfParts(v: Value) -> f32 {
  let parts = vec4f(v);
  return select(parts.x, dot(parts, vec4f(1.0)), WIDTH == 4u);
}

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

// A channel's mean and 1 / deviation, the same for all lanes; the running statistics take them in.
fn statistics(id: Id) -> vec2f {
  let c = id.group.x;
  let run = p.rest / WIDTH;
  let first = c * run;
  let origin = vec4f(x[first]).x;
  var s = Value(0.0);
  var q = Value(0.0);
  for (var i = id.lane; i < run; i += WG) {
    let d = x[first + i] - origin;
    s += d;
    q += d * d;
  }
  let total = sumOf(vec2f(sumOfParts(s), sumOfParts(q)), id.lane);
  let n = f32(p.rest);
  let shift = total.x / n;
  let variance = max(total.y / n - shift * shift, 0.0);
  let pair = vec2f(origin + shift, 1.0 / sqrt(variance + p.eps));
  if (id.lane == 0u) {
    savedOut[c] = pair;
    runningMean[c] += p.momentum * (pair.x - runningMean[c]);
    runningVar[c] += p.momentum * (variance * n / (n - 1.0) - runningVar[c]);
  }
  return pair;
}

@compute @workgroup_size(WG)
fn stats(id: Id) {
  _ = statistics(id);
}

// Not max, which may make 0 of a NaN: a broken network has to show.
fn rectified(v: Value) -> Value { return select(v, Value(0.0), v <= Value(0.0)); }

// Slice id.group.y of a channel's run, normalised with the pair (mean, rstd); a residual implies the relu.
fn sweep(id: Id, m: vec2f) {
  let c = id.group.x;
  let run = p.rest / WIDTH;
  let scale = m.y * gamma[c];
  let offset = beta[c];
  for (var i = id.group.y * WG + id.lane; i < run; i += WG * id.groups.y) {
    var v = (x[c * run + i] - m.x) * scale + offset;
    if (RELU) { v = rectified(v); }
    y[c * run + i] = v;
  }
}

fn sweepResidual(id: Id, m: vec2f) {
  let c = id.group.x;
  let run = p.rest / WIDTH;
  let scale = m.y * gamma[c];
  let offset = beta[c];
  for (var i = id.group.y * WG + id.lane; i < run; i += WG * id.groups.y) {
    let v = (x[c * run + i] - m.x) * scale + offset + r[c * run + i];
    y[c * run + i] = rectified(v);
  }
}

fn constants(c: u32) -> vec2f { return vec2f(runningMean[c], 1.0 / sqrt(runningVar[c] + p.eps)); }

@compute @workgroup_size(WG)
fn normalise(id: Id) {
  sweep(id, saved[id.group.x]);
}

@compute @workgroup_size(WG)
fn normaliseResidual(id: Id) {
  sweepResidual(id, saved[id.group.x]);
}

// Both in one dispatch, by a workgroup a channel.
@compute @workgroup_size(WG)
fn train(id: Id) {
  sweep(id, statistics(id));
}

@compute @workgroup_size(WG)
fn trainResidual(id: Id) {
  sweepResidual(id, statistics(id));
}

// The same with the running statistics, where no gradient will ask for the pair.
@compute @workgroup_size(WG)
fn evaluate(id: Id) {
  sweep(id, constants(id.group.x));
}

@compute @workgroup_size(WG)
fn evaluateResidual(id: Id) {
  sweepResidual(id, constants(id.group.x));
}

// (dbeta, dgamma) of this call alone, the same for all lanes, and into the parameters' gradients.
fn finish(c: u32, pair: vec2f, lane: u32) -> vec2f {
  let total = sumOf(pair, lane);
  if (lane == 0u) {
    dbeta[c] = total.x + select(0.0, dbeta[c], p.addBeta == 1u);
    dgamma[c] = total.y + select(0.0, dgamma[c], p.addGamma == 1u);
  }
  return total;
}

fn totals(id: Id) -> vec2f {
  let c = id.group.x;
  let run = p.rest / WIDTH;
  let m = saved[c];
  let scale = m.y * gamma[c];
  let offset = beta[c];
  var s = Value(0.0);
  var q = Value(0.0);
  for (var i = id.lane; i < run; i += WG) {
    let centred = x[c * run + i] - m.x;
    let xhat = centred * m.y;
    var g = dy[c * run + i];
    if (RELU) { g = select(Value(0.0), g, centred * scale + offset > Value(0.0)); }
    s += g;
    q += g * xhat;
  }
  return finish(c, vec2f(sumOfParts(s), sumOfParts(q)), id.lane);
}

fn totalsResidual(id: Id) -> vec2f {
  let c = id.group.x;
  let run = p.rest / WIDTH;
  let m = saved[c];
  var s = Value(0.0);
  var q = Value(0.0);
  for (var i = id.lane; i < run; i += WG) {
    let xhat = (x[c * run + i] - m.x) * m.y;
    let g = select(Value(0.0), dy[c * run + i], yIn[c * run + i] > Value(0.0));
    s += g;
    q += g * xhat;
  }
  return finish(c, vec2f(sumOfParts(s), sumOfParts(q)), id.lane);
}

// `total` divided: the two means that training subtracts; in evaluation the statistics are constants and nothing is.
fn means(total: vec2f) -> vec2f {
  return select(vec2f(0.0), total / f32(p.rest), p.train == 1u);
}

fn sweepBack(id: Id, total: vec2f) {
  let c = id.group.x;
  let run = p.rest / WIDTH;
  let m = saved[c];
  let scale = m.y * gamma[c];
  let offset = beta[c];
  let mean = means(total);
  for (var i = id.group.y * WG + id.lane; i < run; i += WG * id.groups.y) {
    let centred = x[c * run + i] - m.x;
    let xhat = centred * m.y;
    var g = dy[c * run + i];
    if (RELU) { g = select(Value(0.0), g, centred * scale + offset > Value(0.0)); }
    let d = scale * (g - mean.x - xhat * mean.y);
    if (ADD_X) { dx[c * run + i] += d; } else { dx[c * run + i] = d; }
  }
}

fn sweepBackResidual(id: Id, total: vec2f) {
  let c = id.group.x;
  let run = p.rest / WIDTH;
  let m = saved[c];
  let scale = gamma[c];
  let mean = means(total);
  for (var i = id.group.y * WG + id.lane; i < run; i += WG * id.groups.y) {
    let at = c * run + i;
    let xhat = (x[at] - m.x) * m.y;
    let g = select(Value(0.0), dy[at], yIn[at] > Value(0.0));
    let d = scale * m.y * (g - mean.x - xhat * mean.y);
    if (ADD_X) { dx[at] += d; } else { dx[at] = d; }
    if (ADD_R) { dr[at] += g; } else { dr[at] = g; }
  }
}

@compute @workgroup_size(WG)
fn gradientSums(id: Id) {
  let total = totals(id);
  if (id.lane == 0u) { sumsOut[id.group.x] = total; }
}

@compute @workgroup_size(WG)
fn gradientSumsResidual(id: Id) {
  let total = totalsResidual(id);
  if (id.lane == 0u) { sumsOut[id.group.x] = total; }
}

@compute @workgroup_size(WG)
fn inputGradient(id: Id) {
  sweepBack(id, sums[id.group.x]);
}

@compute @workgroup_size(WG)
fn inputGradientResidual(id: Id) {
  sweepBackResidual(id, sums[id.group.x]);
}

// Both in one dispatch, by a workgroup a channel.
@compute @workgroup_size(WG)
fn gradient(id: Id) {
  sweepBack(id, totals(id));
}

@compute @workgroup_size(WG)
fn gradientResidual(id: Id) {
  sweepBackResidual(id, totalsResidual(id));
}
