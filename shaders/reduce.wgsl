// reduce: y[o] = scale Σ_j x[o, j] over the elements j that share an output o; kept and reduced axes by strides.
// LANES threads of a workgroup of 64 share one output: lane l adds j = l, l + LANES, … in blocks of 32 (sums of sums lose
// less than one long sum), then the lanes are added as a tree. A long reduction is cut into `parts` of `chunk` elements,
// whose sums lie side by side in y and are reduced once more. The order is fixed, so the bits are too.
struct Params {
  outputs: u32, length: u32, parts: u32, chunk: u32,
  keptRank: u32, reducedRank: u32, add: u32, scale: f32,
  kept: array<vec4u, 2>, keptX: array<vec4u, 2>, keptY: array<vec4u, 2>,
  reduced: array<vec4u, 2>, reducedX: array<vec4u, 2>,
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
  for (var d = p.keptRank; d > 0u; d--) {
    let k = d - 1u;
    let size = p.kept[k / 4u][k % 4u];
    at += (rest % size) * vec2u(p.keptX[k / 4u][k % 4u], p.keptY[k / 4u][k % 4u]);
    rest /= size;
  }
  return at;
}

// How far element j lies from element 0.
fn along(j: u32) -> u32 {
  var at = 0u;
  var rest = j;
  for (var d = p.reducedRank; d > 1u; d--) {
    let k = d - 1u;
    let size = p.reduced[k / 4u][k % 4u];
    at += (rest % size) * p.reducedX[k / 4u][k % 4u];
    rest /= size;
  }
  return at + rest * p.reducedX[0].x;
}

// The sum over the lanes that share an output, known to the first of them.
fn acrossLanes(thread: u32, value: f32) -> f32 {
  if (LANES == 1u) { return value; }
  sums[thread] = value;
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    workgroupBarrier();
    if (thread % LANES < step) { sums[thread] += sums[thread + step]; }
  }
  return sums[thread];
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
