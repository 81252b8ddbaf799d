// resize: y[k] = sum over j of weight(j, k) x[j] / sum of the weights, along both axes; n pixels become m.
// area:     weight 1 for floor(k n / m) <= j < ceil((k + 1) n / m).
// nearest:  weight 1 for j = floor((2 k + 1) n / 2 m), the pixel that the centre of k lies in.
// triangle: weight max(0, reach - |(2 j + 1) m - (2 k + 1) n|), half-pixel centres in whole numbers, so exact. A reach of
//           2 m is bilinear interpolation, 2 max(m, n) its antialiased form; what falls outside the picture is left out.
// Area and triangle are the same read from y to x: there the backward gathers over span(j, m, n) what the forward spreads.
// A layout is planes x height x width x lanes: channel-major has C planes and N lanes, row-major N C planes and one lane.
struct Params {
  planes: u32, lanes: u32, add: u32, rule: u32,
  h: i32, w: i32, oh: i32, ow: i32,
  reachH: i32, reachW: i32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

const AREA = 1u;
const NEAREST = 2u;

// First and end of the pixels, of n, that have a weight for pixel k of m.
fn span(k: i32, n: i32, m: i32, reach: i32) -> vec2i {
  if (p.rule == AREA) { return vec2i(k * n / m, ((k + 1) * n + m - 1) / m); }
  if (p.rule == NEAREST) { return (2 * k + 1) * n / (2 * m) + vec2i(0, 1); }
  let centre = (2 * k + 1) * n - m;
  let before = centre - reach;
  let first = select(before / (2 * m) + 1, 0, before < 0);
  return vec2i(first, min(n, (centre + reach + 2 * m - 1) / (2 * m)));
}

// First and end of the pixels, of m, that pixel j of n has a weight for.
fn readers(j: i32, n: i32, m: i32, reach: i32) -> vec2i {
  if (p.rule != NEAREST) { return span(j, m, n, reach); }
  // (2 k + 1) n is from 2 m j on and below 2 m (j + 1).
  return (2 * m * (j + vec2i(0, 1)) + n - 1) / (2 * n);
}

fn weight(j: i32, k: i32, n: i32, m: i32, reach: i32) -> f32 {
  return select(f32(reach - abs((2 * j + 1) * m - (2 * k + 1) * n)), 1.0, p.rule != 0u);
}

fn total(k: i32, n: i32, m: i32, reach: i32) -> f32 {
  let taps = span(k, n, m, reach);
  var sum = 0.0;
  for (var j = taps.x; j < taps.y; j++) { sum += weight(j, k, n, m, reach); }
  return sum;
}

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  let lane = i % p.lanes;
  let column = i32(i / p.lanes % u32(p.ow));
  let line = i / p.lanes / u32(p.ow);
  let row = i32(line % u32(p.oh));
  let plane = line / u32(p.oh);
  if (plane >= p.planes) { return; }
  let rows = span(row, p.h, p.oh, p.reachH);
  let columns = span(column, p.w, p.ow, p.reachW);
  var sum = 0.0;
  var weights = 0.0;
  for (var r = rows.x; r < rows.y; r++) {
    let rowWeight = weight(r, row, p.h, p.oh, p.reachH);
    for (var c = columns.x; c < columns.y; c++) {
      let both = rowWeight * weight(c, column, p.w, p.ow, p.reachW);
      weights += both;
      sum += both * x[((plane * u32(p.h) + u32(r)) * u32(p.w) + u32(c)) * p.lanes + lane];
    }
  }
  y[i] = sum / weights;
}

@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  let lane = i % p.lanes;
  let column = i32(i / p.lanes % u32(p.w));
  let line = i / p.lanes / u32(p.w);
  let row = i32(line % u32(p.h));
  let plane = line / u32(p.h);
  if (plane >= p.planes) { return; }
  let rows = readers(row, p.h, p.oh, p.reachH);
  let columns = readers(column, p.w, p.ow, p.reachW);
  var g = 0.0;
  for (var r = rows.x; r < rows.y; r++) {
    let rowShare = weight(row, r, p.h, p.oh, p.reachH) / total(r, p.h, p.oh, p.reachH);
    for (var c = columns.x; c < columns.y; c++) {
      let share = rowShare * weight(column, c, p.w, p.ow, p.reachW) / total(c, p.w, p.ow, p.reachW);
      g += share * dy[((plane * u32(p.oh) + u32(r)) * u32(p.ow) + u32(c)) * p.lanes + lane];
    }
  }
  dx[i] = select(g, dx[i] + g, p.add == 1u);
}
