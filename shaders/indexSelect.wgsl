// indexSelect: y[o, j, i] = x[o, index[j], i], bit for bit, with x [outer, size, inner] and y [outer, count, inner]; and
// one-hot rows, y[o, c, i] = 1 where index[o, i] is c, else 0, with size classes. An i32 index below 0 counts from the
// end. One beyond either end selects `outside`, and is no class. Backwards every element of dx adds up the dy that were
// selected from it, in the order of the indices.
struct Params { outer: u32, size: u32, inner: u32, count: u32, unsigned: u32, outside: u32, add: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> index: array<i32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<u32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

// From 0; `size` or more where there is no such place.
fn placeOf(i: u32) -> u32 {
  let given = index[i];
  return u32(select(given, given + i32(p.size), given < 0 && p.unsigned == 0u));
}

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = id.x + id.y * groups.x * 64u;
  if (at >= p.outer * p.count * p.inner) { return; }
  let i = at % p.inner;
  let line = at / p.inner;
  let place = placeOf(line % p.count);
  if (place >= p.size) {
    y[at] = p.outside;
    return;
  }
  y[at] = x[(line / p.count * p.size + place) * p.inner + i];
}

@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = id.x + id.y * groups.x * 64u;
  if (at >= p.outer * p.size * p.inner) { return; }
  let i = at % p.inner;
  let line = at / p.inner;
  let first = line / p.size * p.count;
  var g = 0.0;
  for (var j = 0u; j < p.count; j++) {
    if (placeOf(j) == line % p.size) { g += dy[(first + j) * p.inner + i]; }
  }
  dx[at] = select(g, dx[at] + g, p.add == 1u);
}

@compute @workgroup_size(64)
fn oneHot(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = id.x + id.y * groups.x * 64u;
  if (at >= p.outer * p.size * p.inner) { return; }
  let line = at / p.inner;
  let place = placeOf(line / p.size * p.inner + at % p.inner);
  y[at] = bitcast<u32>(select(0.0, 1.0, place == line % p.size));
}
