// calibration: counts, mean confidence and accuracy by bins of confidence, and the calibration errors that follow.
//   bin of a confidence = number of inner edges below it: bins are (low, high], 0 falls in the first (in none with
//   skipZero), 1 in the last;  gap = mean confidence - accuracy
//   ECE = sum |gap| count / N,  MCE = max |gap|,  signed gap = sum gap count / N
// Dispatches: `collect`, where p.threads invocations share out the pictures and each counts MOST bins, into a partial of its
// own, [class][bin][count, confidence, right][p.threads]; `finish`, a workgroup a class, adds these up in a fixed order.
// `logitsWhole` is both in one, for processors: the workgroup that is done last adds up. For equal mass `rank` comes
// first: it ranks every confidence by counting those before it (ties by index); edge k is the one of rank
// ceil(k N / bins) - 1, so equal confidences share a bin. For classwise errors `probabilities` comes first, [class][N];
// class c's pictures are right where the label is c; `average` takes the mean over the classes (of MCE the maximum).
struct Params {
  n: u32, bins: u32, classes: u32, threads: u32, labelled: u32, confidenceStart: u32, correctStart: u32, edgeStride: u32,
  skipZero: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> confidence: array<f32>;
@group(0) @binding(2) var<storage, read> correct: array<f32>;
@group(0) @binding(3) var<storage, read> labels: array<u32>;
@group(0) @binding(4) var<storage, read> edges: array<f32>;
@group(0) @binding(5) var<storage, read_write> part: array<f32>;
@group(0) @binding(6) var<storage, read_write> bins: array<f32>;
@group(0) @binding(7) var<storage, read_write> errors: array<f32>;
// For the dispatches before and after.
@group(0) @binding(8) var<storage, read> logits: array<f32>;
@group(0) @binding(9) var<storage, read_write> chosen: array<f32>;
@group(0) @binding(10) var<storage, read> each: array<f32>;

// The same as `logits`, where the number of classes is even.
@group(0) @binding(11) var<storage, read> pairs: array<vec2f>;

// Workgroups that are done, of `logitsWhole`; 0 before and after.
@group(0) @binding(12) var<storage, read_write> done: atomic<u32>;

// Of a workgroup: a processor is full with few invocations.
override SIZE = 64u;
override PAIRS = false;
const LOWEST = -3.4e38;
const UNSIGNED = 0x7fffffffu;

// An invocation holds MOST bins from `firstBin` on: their inner edges, infinite beyond the last, and what fell into them.
// Loops over MOST are unrolled by compilers, those with loads and stores are not.
const MOST = 16u;
const BEYOND = 3.4e38;
var<private> inner: array<f32, MOST>;
var<private> held: array<vec3f, MOST>;
var<private> firstBin: u32;
var<private> lower: f32;  // the edge below the first

fn hold(c: u32, chunk: u32) {
  firstBin = MOST * chunk;
  for (var k = 0u; k < MOST; k++) {
    inner[k] = BEYOND;
    held[k] = vec3f();
  }
  lower = edges[c * p.edgeStride + firstBin];
  let end = min(firstBin + MOST + 1u, p.bins);
  for (var edge = firstBin + 1u; edge < end; edge++) { inner[edge - firstBin - 1u] = edges[c * p.edgeStride + edge]; }
}

// Counts x where its bin, the number of inner edges below it, is one of those held.
fn note(x: f32, right: f32) {
  var bin = 0u;
  for (var k = 0u; k < MOST; k++) { bin += select(0u, 1u, inner[k] < x); }
  let after = (lower < x) | (firstBin == 0u);
  if (after & (bin < MOST)) { held[bin] += vec3f(1.0, x, right); }
}

// Of invocation t the first picture, and the end of its workgroup's, which lie side by side: its invocations take turns at
// them, so that they read neighbours and the next ones after that.
fn share(t: u32) -> vec2u {
  let groups = p.threads / SIZE;
  let each = (p.n + groups - 1u) / groups;
  let first = t / SIZE * each;
  return vec2u(first + t % SIZE, min(first + each, p.n));
}

// An invocation's partial of class c: bins of (count, confidence, right), p.threads apart.
fn leave(c: u32, t: u32) {
  let end = min(firstBin + MOST, p.bins);
  for (var bin = firstBin; bin < end; bin++) {
    let to = (c * p.bins + bin) * 3u * p.threads + t;
    let sums = held[bin - firstBin];
    part[to] = sums.x;
    part[to + p.threads] = sums.y;
    part[to + 2u * p.threads] = sums.z;
  }
}

@compute @workgroup_size(SIZE)
fn collect(@builtin(global_invocation_id) id: vec3u) {
  let t = id.x;
  let c = id.y;
  if (t >= p.threads) { return; }
  hold(c, id.z);
  let own = share(t);
  for (var i = own.x; i < own.y; i += SIZE) {
    let x = confidence[p.confidenceStart + c * p.n + i];
    if (x == 0.0 && p.skipZero == 1u) { continue; }
    var right: f32;
    if (p.labelled == 1u) { right = select(0.0, 1.0, labels[i] == c); } else { right = correct[p.correctStart + i]; }
    note(x, right);
  }
  leave(c, t);
}

// Logits c and c + 1 of a row; past the last class one that counts for nothing.
fn pairAt(row: u32, c: u32) -> vec2f {
  if (PAIRS) { return pairs[(row + c) / 2u]; }
  let last = c + 1u == p.classes;
  return vec2f(logits[row + c], select(logits[row + min(c + 1u, p.classes - 1u)], LOWEST, last));
}

// The same straight from logits [n][classes]: one sweep keeps the maximum and the sum of exp(logit - maximum), two classes a
// turn. Ties go to the lower class; a NaN is not even at most the maximum, and never right.
@compute @workgroup_size(SIZE)
fn collectLogits(@builtin(global_invocation_id) id: vec3u) { rows(id.x, id.z); }

var<workgroup> arrived: u32;

// WGSL does not promise that a workgroup sees what another one wrote, not even behind an atomic. A processor's caches do
// where the order is kept, and that is what barrier, atomic and barrier are for.
@compute @workgroup_size(SIZE)
fn logitsWhole(
  @builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) i: u32,
) {
  rows(id.x, id.z);
  storageBarrier();
  if (i == 0u) { arrived = atomicAdd(&done, 1u); }
  if (workgroupUniformLoad(&arrived) + 1u < groups.x * groups.z) { return; }
  storageBarrier();
  total(0u, i);
  if (i == 0u) { atomicStore(&done, 0u); }
}

fn rows(t: u32, chunk: u32) {
  if (t >= p.threads) { return; }
  hold(0u, chunk);
  let own = share(t);
  for (var i = own.x; i < own.y; i += SIZE) {
    let row = i * p.classes;
    var peak = LOWEST;
    var sum = 0.0;
    var best = 0u;
    var sound = vec2<bool>(true);
    var c = 0u;
    loop {
      let z = pairAt(row, c);
      best = select(best, c, z.x > peak);
      best = select(best, c + 1u, z.y > max(z.x, peak));
      let top = max(peak, max(z.x, z.y));
      sound &= z <= vec2f(top);
      let e = exp(z - top);
      sum = sum * exp(peak - top) + (e.x + e.y);
      peak = top;
      continuing { c += 2u; break if c >= p.classes; }
    }
    let right = (best == labels[i]) & all(sound);
    note(1.0 / sum, select(0.0, 1.0, right));
  }
  leave(0u, t);
}

@compute @workgroup_size(SIZE)
fn finish(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) { total(group.x, i); }

var<workgroup> cells: array<vec3f, SIZE>;

// bins [class][bin][count, mean confidence, accuracy], the means 0 in an empty bin; errors [class][ECE, MCE, signed gap].
fn total(c: u32, i: u32) {
  var sum = vec3f();  // of |gap| count, largest |gap|, of gap count
  for (var b = i; b < p.bins; b += SIZE) {
    let start = (c * p.bins + b) * 3u * p.threads;
    var all = vec3f();
    for (var t = 0u; t < p.threads; t++) {
      all += vec3f(part[start + t], part[start + p.threads + t], part[start + 2u * p.threads + t]);
    }
    let to = (c * p.bins + b) * 3u;
    let mean = all.yz / max(all.x, 1.0);
    bins[to] = all.x;
    bins[to + 1u] = mean.x;
    bins[to + 2u] = mean.y;
    let gap = all.y - all.z;
    sum = vec3f(sum.x + abs(gap), max(sum.y, abs(mean.x - mean.y)), sum.z + gap);
  }
  cells[i] = sum;
  workgroupBarrier();
  if (i > 0u) { return; }
  for (var j = 1u; j < SIZE; j++) { sum = vec3f(sum.x + cells[j].x, max(sum.y, cells[j].y), sum.z + cells[j].z); }
  let n = max(f32(p.n), 1.0);
  errors[c * 3u] = sum.x / n;
  errors[c * 3u + 1u] = sum.y;
  errors[c * 3u + 2u] = sum.z / n;
}

// An invocation ranks four confidences, since every load serves all four. chosen: [class][bins + 1]. The bits of numbers
// that are not below 0 are in their order, and those of NaN come after all.
@compute @workgroup_size(64)
fn rank(@builtin(global_invocation_id) id: vec3u) {
  let first = p.confidenceStart + id.y * p.n;
  let own = 4u * id.x + vec4u(0u, 1u, 2u, 3u);
  if (own.x >= p.n) { return; }
  var mine: vec4u;
  for (var k = 0u; k < 4u; k++) { mine[k] = bitcast<u32>(confidence[first + min(own[k], p.n - 1u)]) & UNSIGNED; }
  var before = vec4u();
  for (var j = 0u; j < p.n; j++) {
    let other = vec4u(bitcast<u32>(confidence[first + j]) & UNSIGNED);
    before += select(vec4u(), vec4u(1u), (other < mine) | ((other == mine) & (vec4u(j) < own)));
  }
  let to = id.y * p.edgeStride;
  for (var k = 0u; k < 4u; k++) {
    if (own[k] >= p.n) { break; }
    let next = before[k] + 1u;
    for (var e = before[k] * p.bins / p.n + 1u; e < p.bins && e * p.n <= next * p.bins; e++) { chosen[to + e] = bitcast<f32>(mine[k]); }
  }
  if (id.x > 0u) { return; }
  chosen[to] = 0.0;
  chosen[to + p.bins] = 1.0;
}

// softmax of every row, turned around: chosen [class][n].
@compute @workgroup_size(64)
fn probabilities(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n) { return; }
  let row = i * p.classes;
  var peak = logits[row];
  for (var c = 1u; c < p.classes; c++) { peak = max(peak, logits[row + c]); }
  var sum = 0.0;
  for (var c = 0u; c < p.classes; c++) { sum += exp(logits[row + c] - peak); }
  for (var c = 0u; c < p.classes; c++) { chosen[c * p.n + i] = exp(logits[row + c] - peak) / sum; }
}

@compute @workgroup_size(1)
fn average() {
  var total = vec3f();
  for (var c = 0u; c < p.classes; c++) {
    total = vec3f(total.x + each[c * 3u], max(total.y, each[c * 3u + 1u]), total.z + each[c * 3u + 2u]);
  }
  chosen[0] = total.x / f32(p.classes);
  chosen[1] = total.y;
  chosen[2] = total.z / f32(p.classes);
}
