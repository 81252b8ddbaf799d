// matmul: c[i, j] = sum over k of a[i, k] b[k, j] (+ bias[j]) for every batch; transposes and layouts are strides.
// An invocation makes a 4 x 4 tile in registers, so that a step along k costs 8 loads for 16 multiply-adds; neighbours
// share rows and have adjacent columns. Batch axes that c lacks are summed, in order: the gradient of a broadcast operand.
struct Params {
  m: u32,
  n: u32,
  k: u32,
  add: u32,
  batch: vec4u, // sizes of the two batch axes of c, then of the two summed ones
  a: vec4u,     // strides: batch 0, batch 1, row, column
  b: vec4u,
  c: vec4u,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;

struct Tile {
  row: u32,
  column: u32,
  at: u32, // where the batch begins in c
  sums: array<vec4f, 4>, // a row each
}

fn multiply(i: u32) -> Tile {
  let acrossN = (p.n + 3u) / 4u;
  let acrossM = (p.m + 3u) / 4u;
  let batch = i / (acrossN * acrossM);
  let at = vec2u(batch / p.batch.y, batch % p.batch.y);
  var tile = Tile(i / acrossN % acrossM * 4u, i % acrossN * 4u, dot(at, p.c.xy), array<vec4f, 4>());
  if (batch >= p.batch.x * p.batch.y) { // a folded grid has threads to spare
    tile.row = p.m;
    return tile;
  }
  // Beyond an edge the last row or column is read again, and its sums are thrown away.
  let rows = min(tile.row + vec4u(0, 1, 2, 3), vec4u(p.m - 1u)) * p.a.z;
  let columns = min(tile.column + vec4u(0, 1, 2, 3), vec4u(p.n - 1u)) * p.b.w;
  var s0 = vec4f();
  var s1 = vec4f();
  var s2 = vec4f();
  var s3 = vec4f();
  for (var sum = 0u; sum < p.batch.z * p.batch.w; sum++) {
    let source = at + vec2u(sum / p.batch.w, sum % p.batch.w);
    var l = dot(source, p.a.xy) + rows;
    var r = dot(source, p.b.xy) + columns;
    for (var k = 0u; k < p.k; k++) {
      let left = vec4f(a[l.x], a[l.y], a[l.z], a[l.w]);
      let right = vec4f(b[r.x], b[r.y], b[r.z], b[r.w]);
      s0 = fma(left.xxxx, right, s0);
      s1 = fma(left.yyyy, right, s1);
      s2 = fma(left.zzzz, right, s2);
      s3 = fma(left.wwww, right, s3);
      l += vec4u(p.a.w);
      r += vec4u(p.b.z);
    }
  }
  tile.sums = array(s0, s1, s2, s3);
  return tile;
}

fn store(tile: Tile, r: u32, j: u32, value: f32) {
  let i = tile.at + (tile.row + r) * p.c.z + (tile.column + j) * p.c.w;
  c[i] = select(value, c[i] + value, p.add == 1u);
}

@compute @workgroup_size(64)
fn product(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let tile = multiply(id.x + id.y * groups.x * 64u);
  for (var r = 0u; r < 4u && tile.row + r < p.m; r++) {
    for (var j = 0u; j < 4u && tile.column + j < p.n; j++) { store(tile, r, j, tile.sums[r][j]); }
  }
}

@compute @workgroup_size(64)
fn productBias(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let tile = multiply(id.x + id.y * groups.x * 64u);
  for (var r = 0u; r < 4u && tile.row + r < p.m; r++) {
    for (var j = 0u; j < 4u && tile.column + j < p.n; j++) {
      store(tile, r, j, tile.sums[r][j] + bias[tile.column + j]);
    }
  }
}
