// matmul: c[i, j] = sum over k of a[i, k] b[k, j] (+ bias[j]) for every batch; transposes and layouts are strides.
// A workgroup makes a tile of 16 R rows by 4 WIDTH columns, an invocation R rows of one vec4 of columns. Slices of 16
// k pass through workgroup memory. Batch axes that c lacks are summed, in order: the gradient of a broadcast operand.
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

override WIDTH = 4u; // invocations along the columns; R is a header constant

const DEPTH = 16u;
const ROWS = 16u * R;

var<workgroup> sliceA: array<f32, DEPTH * ROWS>;
var<workgroup> sliceB: array<vec4f, DEPTH * WIDTH>;

struct Tile {
  row: u32,    // of the invocation's first result; the others follow at distance 16
  column: u32, // of its vec4
  at: u32,     // where the batch begins in c
  sums: array<vec4f, R>,
}

fn loadA(start: u32, k0: u32, row0: u32, local: u32) {
  for (var e = local; e < DEPTH * ROWS; e += 16u * WIDTH) {
    // Neighbours read along whichever axis of a is contiguous.
    let alongK = p.a.w == 1u;
    let k = select(e / ROWS, e % DEPTH, alongK);
    let row = select(e % ROWS, e / DEPTH, alongK);
    var value = 0.0;
    if (row0 + row < p.m && k0 + k < p.k) { value = a[start + (row0 + row) * p.a.z + (k0 + k) * p.a.w]; }
    sliceA[k * ROWS + row] = value;
  }
}

fn loadB(start: u32, k0: u32, column0: u32, local: u32) {
  for (var e = local; e < DEPTH * WIDTH; e += 16u * WIDTH) {
    let alongK = p.b.z == 1u;
    let k = select(e / WIDTH, e % DEPTH, alongK);
    let x = select(e % WIDTH, e / DEPTH, alongK);
    var value = vec4f();
    if (k0 + k < p.k) {
      for (var j = 0u; j < 4u; j++) {
        let column = column0 + 4u * x + j;
        if (column < p.n) { value[j] = b[start + (k0 + k) * p.b.z + column * p.b.w]; }
      }
    }
    sliceB[k * WIDTH + x] = value;
  }
}

fn multiply(group: u32, local: vec3u) -> Tile {
  let acrossN = (p.n + 4u * WIDTH - 1u) / (4u * WIDTH);
  let acrossM = (p.m + ROWS - 1u) / ROWS;
  let column0 = (group % acrossN) * 4u * WIDTH;
  let row0 = (group / acrossN % acrossM) * ROWS;
  let batch = group / (acrossN * acrossM);
  let at = vec2u(batch / p.batch.y, batch % p.batch.y);
  let index = local.y * WIDTH + local.x;

  // A folded grid has workgroups beyond the last batch: their first row lies outside.
  let row = select(p.m, row0 + local.y, batch < p.batch.x * p.batch.y);
  var tile = Tile(row, column0 + 4u * local.x, dot(at, p.c.xy), array<vec4f, R>());
  for (var sum = 0u; sum < p.batch.z * p.batch.w; sum++) {
    let source = at + vec2u(sum / p.batch.w, sum % p.batch.w);
    for (var k0 = 0u; k0 < p.k; k0 += DEPTH) {
      workgroupBarrier();
      loadA(dot(source, p.a.xy), k0, row0, index);
      loadB(dot(source, p.b.xy), k0, column0, index);
      workgroupBarrier();
      for (var k = 0u; k < DEPTH; k++) {
        let right = sliceB[k * WIDTH + local.x];
        for (var r = 0u; r < R; r++) {
          tile.sums[r] = fma(vec4f(sliceA[k * ROWS + local.y + 16u * r]), right, tile.sums[r]);
        }
      }
    }
  }
  return tile;
}

fn store(tile: Tile, r: u32, j: u32, value: f32) {
  let i = tile.at + (tile.row + 16u * r) * p.c.z + (tile.column + j) * p.c.w;
  c[i] = select(value, c[i] + value, p.add == 1u);
}

@compute @workgroup_size(WIDTH, 16)
fn product(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let tile = multiply(group.x + group.y * groups.x, local);
  for (var r = 0u; r < R && tile.row + 16u * r < p.m; r++) {
    for (var j = 0u; j < 4u && tile.column + j < p.n; j++) { store(tile, r, j, tile.sums[r][j]); }
  }
}

@compute @workgroup_size(WIDTH, 16)
fn productBias(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let tile = multiply(group.x + group.y * groups.x, local);
  for (var r = 0u; r < R && tile.row + 16u * r < p.m; r++) {
    for (var j = 0u; j < 4u && tile.column + j < p.n; j++) {
      store(tile, r, j, tile.sums[r][j] + bias[tile.column + j]);
    }
  }
}
