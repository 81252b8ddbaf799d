// softmax: y = exp(z) / s and its logarithm y = z - log s, with z = (x - max x) / T and s = Σ exp(z) over a row.
// Backwards: dx = y (dy - Σ dy·y) / T, and dx = (dy - exp(y) Σ dy) / T. A row is the elements along one axis, `stride`
// apart; LANES threads, 1 or all 64 of a workgroup, share a row and sweep it two or three times. z ≤ 0: no overflow.
struct Params {
  rows: u32, classes: u32, stride: u32, rank: u32, add: u32, temperature: f32,
  axes: array<vec4u, 8>, // from row to row: size, stride; the innermost axis first
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

override LANES: u32 = 1u;
const THREADS = 64u;
var<workgroup> pool: array<f32, THREADS>;

// One thread's part of a row: elements at, at + step, …, count of them.
struct Part { at: u32, step: u32, count: u32 }

fn partOf(group: vec3u, groups: vec3u, thread: u32) -> Part {
  let row = (group.x + group.y * groups.x) * (THREADS / LANES) + thread / LANES;
  let lane = thread % LANES;
  var at = lane * p.stride;
  var rest = row;
  for (var k = 0u; k < p.rank; k++) {
    let axis = p.axes[k];
    let next = rest / axis.x;
    at += (rest - next * axis.x) * axis.y;
    rest = next;
  }
  let count = select(0u, (p.classes + LANES - 1u - lane) / LANES, row < p.rows);
  return Part(at, p.stride * LANES, count);
}

// The sum over the lanes of a row, known to all of them, in two stages of 8.
fn sumOfLanes(thread: u32, value: f32) -> f32 {
  if (LANES == 1u) { return value; }
  pool[thread] = value;
  workgroupBarrier();
  if (thread < 8u) {
    var part = pool[thread];
    for (var k = 8u; k < THREADS; k += 8u) { part = part + pool[thread + k]; }
    pool[thread] = part;
  }
  workgroupBarrier();
  var all = pool[0];
  for (var k = 1u; k < 8u; k++) { all = all + pool[k]; }
  workgroupBarrier();
  return all;
}

fn maxOfLanes(thread: u32, value: f32) -> f32 {
  if (LANES == 1u) { return value; }
  pool[thread] = value;
  workgroupBarrier();
  if (thread < 8u) {
    var part = pool[thread];
    for (var k = 8u; k < THREADS; k += 8u) { part = max(part, pool[thread + k]); }
    pool[thread] = part;
  }
  workgroupBarrier();
  var all = pool[0];
  for (var k = 1u; k < 8u; k++) { all = max(all, pool[k]); }
  workgroupBarrier();
  return all;
}

fn maxOfRow(part: Part, thread: u32) -> f32 {
  var most = -3.4028234e38;
  for (var k = 0u; k < part.count; k++) { most = max(most, x[part.at + k * part.step]); }
  return maxOfLanes(thread, most);
}

fn sumOfExp(part: Part, thread: u32, most: f32) -> f32 {
  var total = 0.0;
  for (var k = 0u; k < part.count; k++) { total += exp((x[part.at + k * part.step] - most) / p.temperature); }
  return sumOfLanes(thread, total);
}

@compute @workgroup_size(64)
fn softmax(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let part = partOf(group, groups, thread);
  let most = maxOfRow(part, thread);
  let total = sumOfExp(part, thread, most);
  for (var k = 0u; k < part.count; k++) {
    let i = part.at + k * part.step;
    y[i] = exp((x[i] - most) / p.temperature) / total;
  }
}

@compute @workgroup_size(64)
fn logSoftmax(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let part = partOf(group, groups, thread);
  let most = maxOfRow(part, thread);
  let logOfTotal = log(sumOfExp(part, thread, most));
  for (var k = 0u; k < part.count; k++) {
    let i = part.at + k * part.step;
    y[i] = (x[i] - most) / p.temperature - logOfTotal;
  }
}

fn put(i: u32, gradient: f32) {
  if (p.add == 1u) { dx[i] += gradient; } else { dx[i] = gradient; }
}

// x is the softmax that the forward wrote.
@compute @workgroup_size(64)
fn softmaxBackward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let part = partOf(group, groups, thread);
  var dot = 0.0;
  for (var k = 0u; k < part.count; k++) {
    let i = part.at + k * part.step;
    dot += dy[i] * x[i];
  }
  dot = sumOfLanes(thread, dot);
  for (var k = 0u; k < part.count; k++) {
    let i = part.at + k * part.step;
    put(i, x[i] * (dy[i] - dot) / p.temperature);
  }
}

// x is the logarithm that the forward wrote.
@compute @workgroup_size(64)
fn logSoftmaxBackward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let part = partOf(group, groups, thread);
  var total = 0.0;
  for (var k = 0u; k < part.count; k++) { total += dy[part.at + k * part.step]; }
  total = sumOfLanes(thread, total);
  for (var k = 0u; k < part.count; k++) {
    let i = part.at + k * part.step;
    put(i, (dy[i] - exp(x[i]) * total) / p.temperature);
  }
}
