// distillLoss: the loss of one network against labels and up to four teachers, its gradient, and twelve metrics of
// every picture.
//   total = ceWeight CE + sum_k weight_k scale_k KL_k
//   CE    = -sum_c target_c log softmax(s)_c,  target = (1 - smoothing) onehot(label) + smoothing / C
//   KL_k  = KL(softmax(t_k / (tau_k T_k)) || softmax(s / T_k)),  natural log;  scale_k = T_k^2, or 1 without `squared`
//   dtotal/ds = ceWeight (softmax(s) - target)
//             + sum_k weight_k scale_k / T_k (softmax(s / T_k) - softmax(t_k / (tau_k T_k)))
// Rows lie row-major [rows][C]; a label or a teacher's row may be looked up through `index`. A label that is no class
// has CE, nll and brier NaN, no hit and no gradient. The table lies [12][tableRows], a metric after the other: total,
// ce, kl0 … kl3 (scaled, unweighted), hit, top5, confidence, entropy, nll, brier; rows beyond it are dropped.
// A row is read a Value at a time, which the loader declares: vec4f, WIDTH 4 where the number of classes is a multiple
// of 4 (loads are what a software adapter's time goes into; of four classes they cost half, and so do the turns of the
// loops), else f32, WIDTH 1. Classes is as many u32, FIRST the numbers of the classes of a row's first Value.
// LANES invocations share a row, lane l takes Values l, l + LANES, …, in three sweeps: maxima, sums, gradient. All sums
// are of exp(logit - maximum), so logits of ±1e4 are no trouble. Every sum is a Value until its sweep is over, and the
// order is fixed.
// `sums` then adds up the table's rows first … first + count - 1, a column a workgroup of SHARE invocations:
//   parts[c] = sum, or sum / count with `mean`;  running[c] += sum and running[COLUMNS] += count with `keep`
//   running[COLUMNS + 1 + b] += sum of confidence - hit over pictures whose confidence lies in (edge b, edge b + 1]:
//   the calibration error of an epoch's batches is the sum of |these| over the bins / count
// `whole` is both in one dispatch, for at most SIZE rows and one lane: on a processor a dispatch costs more than they do.
struct Params {
  count: u32, rows: u32, classes: u32, first: u32, tableRows: u32, mean: u32, gradient: u32, squared: u32,
  labelRows: u32, labelsByIndex: u32, smoothing: f32, ceWeight: f32, nan: f32, keep: u32, bins: u32,
  temperature: vec4f, tau: vec4f, weight: vec4f,
  source: vec4u, start: vec4u, teacherRows: vec4u, byIndex: vec4u,
  edges: array<vec4f, 4>,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> logits: array<Value>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read> index: array<u32>;
@group(0) @binding(4) var<storage, read> teacher0: array<Value>;
@group(0) @binding(5) var<storage, read> teacher1: array<Value>;
@group(0) @binding(6) var<storage, read> teacher2: array<Value>;
@group(0) @binding(7) var<storage, read_write> dlogits: array<Value>;
@group(0) @binding(8) var<storage, read_write> table: array<f32>;
// For `sums` and `whole`.
@group(0) @binding(9) var<storage, read_write> parts: array<f32>;
@group(0) @binding(10) var<storage, read_write> running: array<f32>;

override SIZE = 32u;
override LANES = 1u;
override EDGES = 0u;
override TENSORS = 1u;  // how many of the teacher tensors are used
override SHARE = 16u;   // at least as many as there are bins
const COLUMNS = 12u;    // of the table, two of them by name
const HIT = 6u; const CONFIDENCE = 8u;
const LOWEST = -3.4e38;

struct Peaks { student: f32, teacher: vec4f }
struct Sums {
  own: vec4f,      // of e = exp(z), of e z, and over the other classes of e and e²
  z: f32,          // of z = s - peak
  ahead: f32,      // how many classes rank before the label
  student: vec4f,  // of exp(s / T)
  teacher: vec4f,  // of exp(t / (tau T))
  shift: vec4f,    // of the latter times u = the former exponent minus the latter
  excess: vec4f,   // of the latter times exp(u) - 1 - u
}
override CELLS = select(1u, SIZE, LANES > 1u);  // an invocation with a row of its own tells nobody
var<workgroup> peakCells: array<Peaks, CELLS>;
var<workgroup> sumCells: array<Sums, CELLS>;
var<workgroup> shares: array<f32, SIZE>;

// One barrier and a walk over the row's lanes: cheaper to compile than a tree, and as fast for so few lanes.
fn overPeaks(own: Peaks, i: u32) -> Peaks {
  if (LANES == 1u) { return own; }
  peakCells[i] = own;
  workgroupBarrier();
  let first = i - i % LANES;
  var all = peakCells[first];
  for (var j = first + 1u; j < first + LANES; j++) {
    all.student = max(all.student, peakCells[j].student);
    if (EDGES > 0u) { all.teacher = max(all.teacher, peakCells[j].teacher); }
  }
  return all;
}

fn overSums(own: Sums, i: u32) -> Sums {
  if (LANES == 1u) { return own; }
  sumCells[i] = own;
  workgroupBarrier();
  let first = i - i % LANES;
  var all = sumCells[first];
  for (var j = first + 1u; j < first + LANES; j++) {
    all.own += sumCells[j].own;
    all.z += sumCells[j].z;
    all.ahead += sumCells[j].ahead;
    if (EDGES > 0u) {
      all.student += sumCells[j].student;
      all.teacher += sumCells[j].teacher;
      all.shift += sumCells[j].shift;
      all.excess += sumCells[j].excess;
    }
  }
  return all;
}

// The first Value of a row of teacher k.
fn teacherRow(k: u32, row: u32, picked: u32) -> u32 {
  return (p.start[k] + min(select(row, picked, p.byIndex[k] == 1u), p.teacherRows[k] - 1u) * p.classes) / WIDTH;
}

fn taught(k: u32, i: u32) -> Value {
  if (TENSORS > 2u && p.source[k] == 2u) { return teacher2[i]; }
  if (TENSORS > 1u && p.source[k] == 1u) { return teacher1[i]; }
  return teacher0[i];
}

// exp(u) - 1 - u for |u| < 1/2, to the last digits.
fn beyondLine(u: Value) -> Value {
  return u * u * (0.5 + u * (1.0 / 6.0 + u * (1.0 / 24.0 + u * (1.0 / 120.0 + u * (1.0 / 720.0 + u / 5040.0)))));
}

// KL = log(1 + x) - m, m = the teacher's mean of u, x = m + its mean of exp(u) - 1 - u. At a high temperature all of
// these are tiny and KL is smaller still: then it is the excess less x - log(1 + x), which is
// w x - 2 w³ (1/3 + w²/5 + …) with w = x / (2 + x).
fn divergence(student: f32, teacher: f32, shift: f32, excess: f32) -> f32 {
  let m = shift / teacher;
  let x = m + excess / teacher;
  let w = x / (2.0 + x);
  let w2 = w * w;
  let near = excess / teacher - w * x + 2.0 * w * w2 * (1.0 / 3.0 + w2 * (0.2 + w2 * (1.0 / 7.0 + w2 / 9.0)));
  return select(log(student) - log(teacher) - m, near, abs(w) < 0.25);
}

// What a Value's parts come to. vec4f(v) is v itself, or a single number four times.
fn largest(v: Value) -> f32 {
  let parts = vec4f(v);
  return max(max(parts.x, parts.y), max(parts.z, parts.w));
}

fn total(v: Value) -> f32 {
  let parts = vec4f(v);
  return select(parts.x, (parts.x + parts.y) + (parts.z + parts.w), WIDTH == 4u);
}

@compute @workgroup_size(SIZE)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) i: u32,
) {
  learn((group.x + group.y * groups.x) * (SIZE / LANES) + i / LANES, i);
}

// Row `at`, by LANES invocations.
fn learn(at: u32, i: u32) {
  let row = min(at, p.rows - 1u);  // invocations past the end keep in step with the barriers and write nothing
  let lane = i % LANES;
  let C = p.classes;
  let turns = C / WIDTH;
  let s = row * turns;
  let picked = index[select(0u, row, p.labelsByIndex == 1u || any(p.byIndex == vec4u(1u)))];
  let given = labels[min(select(row, picked, p.labelsByIndex == 1u), p.labelRows - 1u)];
  let isClass = given < C;
  let label = min(given, C - 1u);
  var t = vec4u();
  for (var k = 0u; k < EDGES; k++) { t[k] = teacherRow(k, row, picked); }

  var highest = Value(LOWEST);
  var taughtHighest = array<Value, 4>(Value(LOWEST), Value(LOWEST), Value(LOWEST), Value(LOWEST));
  for (var c = lane; c < turns; c += LANES) {
    highest = max(highest, logits[s + c]);
    for (var k = 0u; k < EDGES; k++) { taughtHighest[k] = max(taughtHighest[k], taught(k, t[k] + c)); }
  }
  var own = Peaks(largest(highest), vec4f());
  for (var k = 0u; k < EDGES; k++) { own.teacher[k] = largest(taughtHighest[k]); }
  let peak = overPeaks(own, i);

  let soft = 1.0 / p.temperature;
  let softer = 1.0 / (p.tau * p.temperature);
  let zLabel = vec4f(logits[s + label / WIDTH])[label % WIDTH] - peak.student;
  // As in Sums, of this lane's classes.
  var e1 = Value();
  var ez = Value();
  var other1 = Value();
  var other2 = Value();
  var z1 = Value();
  var ahead = Value();
  var students: array<Value, 4>;
  var teachers: array<Value, 4>;
  var shifts: array<Value, 4>;
  var excesses: array<Value, 4>;
  for (var c = lane; c < turns; c += LANES) {
    let z = logits[s + c] - peak.student;
    let each = WIDTH * c + FIRST;
    let e = exp(z);
    let other = select(e, Value(), each == Classes(label));
    e1 += e;
    ez += select(e * z, Value(), e == Value());
    other1 += other;
    other2 += other * other;
    z1 += z;
    // A NaN ranks before the label, so that a broken network has no hits.
    let behind = (z < Value(zLabel)) | ((z == Value(zLabel)) & (each >= Classes(label)));
    ahead += select(Value(1.0), Value(), behind);
    for (var k = 0u; k < EDGES; k++) {
      let a = (taught(k, t[k] + c) - peak.teacher[k]) * softer[k];
      let b = z * soft[k];
      let f = exp(a);
      let g = exp(b);
      let u = b - a;
      let shift = select(f * u, Value(), f == Value());
      students[k] += g;
      teachers[k] += f;
      shifts[k] += shift;
      excesses[k] += select(g - f - shift, f * beyondLine(u), abs(u) < Value(0.5));
    }
  }
  var part = Sums();
  part.own = vec4f(total(e1), total(ez), total(other1), total(other2));
  part.z = total(z1);
  part.ahead = total(ahead);
  for (var k = 0u; k < EDGES; k++) {
    part.student[k] = total(students[k]);
    part.teacher[k] = total(teachers[k]);
    part.shift[k] = total(shifts[k]);
    part.excess[k] = total(excesses[k]);
  }
  let sums = overSums(part, i);

  let live = at < p.count;
  let scale = select(vec4f(1.0), p.temperature * p.temperature, p.squared == 1u);
  if (lane == 0u && live && p.first + at < p.tableRows) {
    let logSum = log(sums.own.x);
    let nll = select(p.nan, logSum - zLabel, isClass);
    let others = sums.own.z / sums.own.x;
    var kl = vec4f();
    for (var k = 0u; k < EDGES; k++) {
      kl[k] = scale[k] * divergence(sums.student[k], sums.teacher[k], sums.shift[k], sums.excess[k]);
    }
    let spread = logSum - sums.z / f32(C);
    let ce = select(nll, (1.0 - p.smoothing) * nll + p.smoothing * spread, p.smoothing > 0.0);
    var sum = select(p.ceWeight * ce, 0.0, p.ceWeight == 0.0);
    for (var k = 0u; k < EDGES; k++) { sum += select(p.weight[k] * kl[k], 0.0, p.weight[k] == 0.0); }
    let hits = select(vec2f(), vec2f(1.0), (vec2f(sums.ahead) < vec2f(0.5, 4.5)) & vec2<bool>(isClass));
    let brier = select(p.nan, others * others + sums.own.w / (sums.own.x * sums.own.x), isClass);
    let told = array<f32, COLUMNS>(
      sum, ce, kl.x, kl.y, kl.z, kl.w, hits.x, hits.y, 1.0 / sums.own.x, logSum - sums.own.y / sums.own.x, nll, brier);
    for (var c = 0u; c < COLUMNS; c++) { table[c * p.tableRows + p.first + at] = told[c]; }
  }

  if (p.gradient == 0u || at >= p.rows) { return; }
  let share = select(0.0, select(1.0, 1.0 / f32(p.count), p.mean == 1u), live);
  let pull = share * p.weight * scale * soft;
  let ce = select(0.0, share * p.ceWeight, isClass);
  for (var c = lane; c < turns; c += LANES) {
    let z = logits[s + c] - peak.student;
    let here = WIDTH * c + FIRST == Classes(label);
    let goal = p.smoothing / f32(C) + select(Value(), Value(1.0 - p.smoothing), here);
    var g = ce * (exp(z) / sums.own.x - goal);
    for (var k = 0u; k < EDGES; k++) {
      let f = exp((taught(k, t[k] + c) - peak.teacher[k]) * softer[k]);
      g += pull[k] * (exp(z * soft[k]) / sums.student[k] - f / sums.teacher[k]);
    }
    dlogits[s + c] = g;
  }
}

@compute @workgroup_size(SIZE)
fn whole(@builtin(local_invocation_index) i: u32) {
  learn(i, i);
  storageBarrier();
  addUp(i / SHARE, i);
}

@compute @workgroup_size(SIZE)
fn sums(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
  addUp(group.x, i);
}

// A column's invocations each take every SHAREth row, then the first of them all. Those after the last column have a bin
// each.
fn addUp(column: u32, i: u32) {
  let end = min(p.first + p.count, p.tableRows);
  let part = i % SHARE;
  var sum = 0.0;
  for (var row = p.first + part; column < COLUMNS && row < end; row += SHARE) { sum += table[column * p.tableRows + row]; }
  shares[i] = sum;
  workgroupBarrier();
  if (column == COLUMNS && part < p.bins && p.keep == 1u) {
    let lower = p.edges[part / 4u][part % 4u];
    let upper = p.edges[(part + 1u) / 4u][(part + 1u) % 4u];
    for (var row = p.first; row < end; row++) {
      let confidence = table[CONFIDENCE * p.tableRows + row];
      let within = (lower < confidence) & (confidence <= upper);
      sum += select(0.0, confidence - table[HIT * p.tableRows + row], within);
    }
    running[COLUMNS + 1u + part] += sum;
  }
  if (column >= COLUMNS || part > 0u) { return; }
  for (var j = 1u; j < SHARE; j++) { sum += shares[i + j]; }
  parts[column] = select(sum, sum / f32(p.count), p.mean == 1u);
  if (p.keep == 0u) { return; }
  running[column] += sum;
  if (column == 0u) { running[COLUMNS] += f32(end - min(p.first, end)); }
}

