// metrics: sums over the pictures of a table [columns][tableRows], rows first … first + count - 1, in a fixed
// order.
//   parts[c] = sum, or sum / count with `mean`;  running[c] += sum and running[columns] += count with `keep`
//   running[columns + 1 + b] += sum of confidence - hit over pictures whose confidence lies in (edge b, edge b + 1]:
//   the calibration error of an epoch's batches is the sum of |these| over the bins / count
// A workgroup adds up a column: SIZE invocations each every SIZEth row, then one of them all. With `keep` one workgroup
// more has an invocation a bin.
struct Params {
  count: u32, first: u32, tableRows: u32, columns: u32, mean: u32, keep: u32, bins: u32, confidence: u32, hit: u32,
  edges: array<vec4f, 4>,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> table: array<f32>;
@group(0) @binding(2) var<storage, read_write> parts: array<f32>;
@group(0) @binding(3) var<storage, read_write> running: array<f32>;

override SIZE = 64u;
var<workgroup> cells: array<f32, SIZE>;

fn edge(b: u32) -> f32 { return p.edges[b / 4u][b % 4u]; }

fn bin(b: u32, end: u32) {
  let lower = edge(b);
  let upper = edge(b + 1u);
  var gap = 0.0;
  for (var row = p.first; row < end; row++) {
    let confidence = table[p.confidence * p.tableRows + row];
    let within = (lower < confidence) & (confidence <= upper);
    gap += select(0.0, confidence - table[p.hit * p.tableRows + row], within);
  }
  running[p.columns + 1u + b] += gap;
}

@compute @workgroup_size(SIZE)
fn sums(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
  let column = group.x;
  let end = min(p.first + p.count, p.tableRows);
  if (column == p.columns) {
    if (i < p.bins) { bin(i, end); }
    return;
  }
  var sum = 0.0;
  for (var row = p.first + i; row < end; row += SIZE) { sum += table[column * p.tableRows + row]; }
  cells[i] = sum;
  workgroupBarrier();
  if (i > 0u) { return; }
  for (var j = 1u; j < SIZE; j++) { sum += cells[j]; }
  parts[column] = select(sum, sum / f32(p.count), p.mean == 1u);
  if (p.keep == 0u) { return; }
  running[column] += sum;
  if (column == 0u) { running[p.columns] += f32(end - min(p.first, end)); }
}
