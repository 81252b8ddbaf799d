// select: the k greatest elements (or the least, `flip`) of those that share an output, best first, and their indices.
// Floats are compared through whole-number keys of the same order, so that infinities are ordinary values, -0 equals 0
// and NaN is greater than all. Of equal elements the lower index comes first (the higher with `last`). LANES threads, 1
// or all 64 of a workgroup, share an output; each of k rounds looks for the best element behind the one found before.
struct Params {
  outputs: u32, length: u32, k: u32, place: u32, flip: u32, last: u32, add: u32,
  keptRank: u32, reducedRank: u32,
  kept: array<vec4u, 8>, // size, strides of x and of the result; the innermost axis first
  reduced: array<vec4u, 8>, // size, stride of x
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> values: array<u32>;
@group(0) @binding(3) var<storage, read_write> indices: array<u32>;
@group(0) @binding(4) var<storage, read> chosen: array<u32>;
@group(0) @binding(5) var<storage, read> dy: array<f32>;
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;

override LANES: u32 = 1u;
const THREADS = 64u;
const NONE = 0xffffffffu;
// A key, and the place of its element in the order of ties.
var<workgroup> found: array<vec2u, THREADS>;

// Where the first element of output o lies in x, and where o lies in the result.
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

// Positive floats are ordered like their bits, negative ones the other way round.
fn keyOf(bits: u32) -> u32 {
  let size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) { return NONE ^ p.flip; }
  if (size == 0u) { return 0x80000000u ^ p.flip; }
  return select(bits | 0x80000000u, ~bits, bits != size) ^ p.flip;
}

fn better(a: vec2u, b: vec2u) -> bool {
  return a.x > b.x || (a.x == b.x && a.y < b.y);
}

// The best over the lanes that share an output, known to all of them, in two stages of 8.
fn bestOfLanes(thread: u32, own: vec2u) -> vec2u {
  if (LANES == 1u) { return own; }
  found[thread] = own;
  workgroupBarrier();
  if (thread < 8u) {
    var part = own;
    for (var k = 8u; k < THREADS; k += 8u) {
      if (better(found[thread + k], part)) { part = found[thread + k]; }
    }
    found[thread] = part;
  }
  workgroupBarrier();
  var best = found[0];
  for (var k = 1u; k < 8u; k++) {
    if (better(found[k], best)) { best = found[k]; }
  }
  workgroupBarrier();
  return best;
}

@compute @workgroup_size(64)
fn top(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let o = (group.x + group.y * groups.x) * (THREADS / LANES) + thread / LANES;
  let at = places(o);
  let length = select(0u, p.length, o < p.outputs);
  var before = vec2u(0u);
  for (var round = 0u; round < p.k; round++) {
    var best = vec2u(0u, NONE);
    for (var j = thread % LANES; j < length; j += LANES) {
      let own = vec2u(keyOf(x[at.x + along(j)]), j ^ p.last);
      if (better(own, best) && (round == 0u || better(before, own))) { best = own; }
    }
    before = bestOfLanes(thread, best);
    if (length > 0u && thread % LANES == 0u) {
      let j = before.y ^ p.last;
      values[at.y + round * p.place] = x[at.x + along(j)];
      indices[at.y + round * p.place] = j;
    }
  }
}

// The gradient of an element is that of the value it was chosen for, or 0.
@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.outputs * p.length) { return; }
  let at = places(i / p.length);
  let j = i % p.length;
  var gradient = 0.0;
  for (var round = 0u; round < p.k; round++) {
    let result = at.y + round * p.place;
    gradient += select(0.0, dy[result], chosen[result] == j);
  }
  let slot = at.x + along(j);
  if (p.add == 1u) { dx[slot] += gradient; } else { dx[slot] = gradient; }
}
