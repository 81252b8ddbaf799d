// distillLoss.vec4: distillLoss where the number of classes is a multiple of 4, four of them a load. Formulas, parameters,
// table and lanes as there. Loads are what a software adapter's time goes into; of four classes they cost half, and so do the
// turns of the loops. Every sum is a vec4 until its sweep is over; the order is fixed.
struct Params {
  count: u32, rows: u32, classes: u32, first: u32, tableRows: u32, mean: u32, gradient: u32, squared: u32, add: u32,
  labelRows: u32, labelsByIndex: u32, smoothing: f32, ceWeight: f32,
  temperature: vec4f, tau: vec4f, weight: vec4f,
  source: vec4u, start: vec4u, teacherRows: vec4u, byIndex: vec4u,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> logits: array<vec4f>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read> index: array<u32>;
@group(0) @binding(4) var<storage, read> teacher0: array<vec4f>;
@group(0) @binding(5) var<storage, read> teacher1: array<vec4f>;
@group(0) @binding(6) var<storage, read> teacher2: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dlogits: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> table: array<f32>;

override SIZE = 32u;
override LANES = 1u;
override EDGES = 0u;
override TENSORS = 1u;  // how many of the teacher tensors are used
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
var<workgroup> peakCells: array<Peaks, SIZE>;
var<workgroup> sumCells: array<Sums, SIZE>;

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

// The first vector of a row of teacher k.
fn teacherRow(k: u32, row: u32, picked: u32) -> u32 {
  return (p.start[k] + min(select(row, picked, p.byIndex[k] == 1u), p.teacherRows[k] - 1u) * p.classes) / 4u;
}

fn taught(k: u32, i: u32) -> vec4f {
  if (TENSORS > 2u && p.source[k] == 2u) { return teacher2[i]; }
  if (TENSORS > 1u && p.source[k] == 1u) { return teacher1[i]; }
  return teacher0[i];
}

// exp(u) - 1 - u for |u| < 1/2, to the last digits.
fn beyondLine(u: vec4f) -> vec4f {
  return u * u * (0.5 + u * (1.0 / 6.0 + u * (1.0 / 24.0 + u * (1.0 / 120.0 + u * (1.0 / 720.0 + u / 5040.0)))));
}

// KL = log(1 + x) - m, m = the teacher's mean of u, x = m + its mean of exp(u) - 1 - u. At a high temperature all of these
// are tiny and KL is smaller still: then it is the excess less x - log(1 + x) = w x - 2 w³ (1/3 + w²/5 + …), w = x / (2 + x).
fn divergence(student: f32, teacher: f32, shift: f32, excess: f32) -> f32 {
  let m = shift / teacher;
  let x = m + excess / teacher;
  let w = x / (2.0 + x);
  let w2 = w * w;
  let near = excess / teacher - w * x + 2.0 * w * w2 * (1.0 / 3.0 + w2 * (0.2 + w2 * (1.0 / 7.0 + w2 / 9.0)));
  return select(log(student) - log(teacher) - m, near, abs(w) < 0.25);
}

fn largest(v: vec4f) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }
fn total(v: vec4f) -> f32 { return (v.x + v.y) + (v.z + v.w); }

@compute @workgroup_size(SIZE)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) i: u32,
) {
  let at = (group.x + group.y * groups.x) * (SIZE / LANES) + i / LANES;
  let row = min(at, p.rows - 1u);  // invocations past the end keep in step with the barriers and write nothing
  let lane = i % LANES;
  let C = p.classes;
  let quads = C / 4u;
  let s = row * quads;
  let picked = index[select(0u, row, p.labelsByIndex == 1u || any(p.byIndex == vec4u(1u)))];
  let label = min(labels[min(select(row, picked, p.labelsByIndex == 1u), p.labelRows - 1u)], C - 1u);
  var t = vec4u();
  for (var k = 0u; k < EDGES; k++) { t[k] = teacherRow(k, row, picked); }

  var highest = vec4f(LOWEST);
  var taughtHighest = array<vec4f, 4>(vec4f(LOWEST), vec4f(LOWEST), vec4f(LOWEST), vec4f(LOWEST));
  for (var c = lane; c < quads; c += LANES) {
    highest = max(highest, logits[s + c]);
    for (var k = 0u; k < EDGES; k++) { taughtHighest[k] = max(taughtHighest[k], taught(k, t[k] + c)); }
  }
  var own = Peaks(largest(highest), vec4f());
  for (var k = 0u; k < EDGES; k++) { own.teacher[k] = largest(taughtHighest[k]); }
  let peak = overPeaks(own, i);

  let soft = 1.0 / p.temperature;
  let softer = 1.0 / (p.tau * p.temperature);
  let zLabel = logits[s + label / 4u][label % 4u] - peak.student;
  var e1 = vec4f();
  var ez = vec4f();
  var other1 = vec4f();
  var other2 = vec4f();
  var z1 = vec4f();
  var ahead = vec4f();
  // By edge.
  var students: array<vec4f, 4>;
  var teachers: array<vec4f, 4>;
  var shifts: array<vec4f, 4>;
  var excesses: array<vec4f, 4>;
  for (var c = lane; c < quads; c += LANES) {
    let z = logits[s + c] - peak.student;
    let each = 4u * c + vec4u(0u, 1u, 2u, 3u);
    let e = exp(z);
    let other = select(e, vec4f(), each == vec4u(label));
    e1 += e;
    ez += select(e * z, vec4f(), e == vec4f());
    other1 += other;
    other2 += other * other;
    z1 += z;
    // A NaN ranks before the label, so that a broken network has no hits.
    let behind = (z < vec4f(zLabel)) | ((z == vec4f(zLabel)) & (each >= vec4u(label)));
    ahead += select(vec4f(1.0), vec4f(), behind);
    for (var k = 0u; k < EDGES; k++) {
      let a = (taught(k, t[k] + c) - peak.teacher[k]) * softer[k];
      let b = z * soft[k];
      let f = exp(a);
      let g = exp(b);
      let u = b - a;
      let shift = select(f * u, vec4f(), f == vec4f());
      students[k] += g;
      teachers[k] += f;
      shifts[k] += shift;
      excesses[k] += select(g - f - shift, f * beyondLine(u), abs(u) < vec4f(0.5));
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
    let nll = logSum - zLabel;
    let others = sums.own.z / sums.own.x;
    var kl = vec4f();
    for (var k = 0u; k < EDGES; k++) { 
      kl[k] = scale[k] * divergence(sums.student[k], sums.teacher[k], sums.shift[k], sums.excess[k]);
    }
    let spread = logSum - sums.z / f32(C);
    let ce = select(nll, (1.0 - p.smoothing) * nll + p.smoothing * spread, p.smoothing > 0.0);
    var sum = select(p.ceWeight * ce, 0.0, p.ceWeight == 0.0);
    for (var k = 0u; k < EDGES; k++) { sum += select(p.weight[k] * kl[k], 0.0, p.weight[k] == 0.0); }
    let y = p.first + at;
    let n = p.tableRows;
    table[y] = sum;
    table[n + y] = ce;
    for (var k = 0u; k < 4u; k++) { table[(2u + k) * n + y] = kl[k]; }
    table[6u * n + y] = select(0.0, 1.0, sums.ahead < 0.5);
    table[7u * n + y] = select(0.0, 1.0, sums.ahead < 4.5);
    table[8u * n + y] = 1.0 / sums.own.x;
    table[9u * n + y] = logSum - sums.own.y / sums.own.x;
    table[10u * n + y] = nll;
    table[11u * n + y] = others * others + sums.own.w / (sums.own.x * sums.own.x);
  }

  if (p.gradient == 0u || at >= p.rows) { return; }
  let share = select(0.0, select(1.0, 1.0 / f32(p.count), p.mean == 1u), live);
  let pull = share * p.weight * scale * soft;
  let ce = share * p.ceWeight;
  for (var c = lane; c < quads; c += LANES) {
    let z = logits[s + c] - peak.student;
    let here = 4u * c + vec4u(0u, 1u, 2u, 3u) == vec4u(label);
    let goal = p.smoothing / f32(C) + select(vec4f(), vec4f(1.0 - p.smoothing), here);
    var g = ce * (exp(z) / sums.own.x - goal);
    for (var k = 0u; k < EDGES; k++) {
      let f = exp((taught(k, t[k] + c) - peak.teacher[k]) * softer[k]);
      g += pull[k] * (exp(z * soft[k]) / sums.student[k] - f / sums.teacher[k]);
    }
    dlogits[s + c] = g;
  }
}
