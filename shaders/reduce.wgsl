// reduce: y[o] = scale Σ_j x[o, j] over the elements j that share an output o; kept and reduced axes by strides.
// LANES threads, 1 or all 64 of a workgroup, share an output: lane l adds j = l, l + LANES, … in blocks of 32 (sums of
// sums lose less than one long sum), then 8 times 8 lanes are added. A long reduction is cut into `parts` of `chunk`
// elements, whose sums lie side by side in y and are reduced once more. The order is fixed, so the bits are too.
struct Params {
  outputs: u32, length: u32, parts: u32, chunk: u32,
  keptRank: u32, reducedRank: u32, add: u32, scale: f32,
  kept: array<vec4u, 8>, // size, strides of x and of the result; the innermost axis first
  reduced: array<vec4u, 8>, // size, stride of x
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

override LANES: u32 = 1u;
const THREADS = 64u;
const BLOCK = 32u;
var<workgroup> sums: array<f32, THREADS>;

// Where the first element of output o lies in x, and where o lies in y.
fn places(o: u32) -> vec2u {
  var at = vec2u(0u);
  var rest = o;
  for (var k = 0u; k < p.keptRank; k++) {
    let axis = p.kept[k];
    let next = rest / axis.x;
    at += (rest - next * axis.x) * axis.yz;
    rest = next;
  }
  return at;
}

// How far element j lies from element 0.
fn along(j: u32) -> u32 {
  if (p.reducedRank == 1u) { return j * p.reduced[0].y; }
  var at = 0u;
  var rest = j;
  for (var k = 0u; k < p.reducedRank; k++) {
    let axis = p.reduced[k];
    let next = rest / axis.x;
    at += (rest - next * axis.x) * axis.y;
    rest = next;
  }
  return at;
}

// The sum over the lanes that share an output. Two stages of 8 need two barriers, a binary tree would need six.
fn acrossLanes(thread: u32, value: f32) -> f32 {
  if (LANES == 1u) { return value; }
  sums[thread] = value;
  workgroupBarrier();
  if (thread < 8u) {
    var part = sums[thread];
    for (var k = 8u; k < THREADS; k += 8u) { part += sums[thread + k]; }
    sums[thread] = part;
  }
  workgroupBarrier();
  var total = sums[0];
  for (var k = 1u; k < 8u; k++) { total += sums[k]; }
  return total;
}

@compute @workgroup_size(64)
fn sum(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let unit = (group.x + group.y * groups.x) * (THREADS / LANES) + thread / LANES;
  let output = unit / p.parts;
  let part = unit % p.parts;
  let live = output < p.outputs;
  let at = places(output);
  var end = min(p.length, (part + 1u) * p.chunk);
  if (!live) { end = 0u; }
  var total = 0.0;
  for (var first = part * p.chunk + thread % LANES; first < end; first += BLOCK * LANES) {
    var block = 0.0;
    for (var j = first; j < min(end, first + BLOCK * LANES); j += LANES) { block += x[at.x + along(j)]; }
    total += block;
  }
  total = p.scale * acrossLanes(thread, total);
  if (!live || thread % LANES != 0u) { return; }
  let slot = at.y + part;
  if (p.add == 1u) { total += y[slot]; }
  y[slot] = total;
}
