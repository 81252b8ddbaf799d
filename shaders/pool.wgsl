// pool: y[i, j] = mean or maximum of x[i stride - pad + k dilation, ...] over the cells k of the kernel that lie in x.
// A layout is planes x height x width x lanes: channel-major has C planes and N lanes, row-major N C planes and one lane.
// An invocation makes one element; neighbours lie side by side. Backward gathers: an element of x sums, in order, over
// the windows that hold it. `at` is where in its plane a maximum was found, the first one among equals. A NaN is greater
// than all, and the maximum of no cells is -Infinity.
struct Params {
  planes: u32, lanes: u32, add: u32, includePad: u32,
  h: i32, w: i32, oh: i32, ow: i32,
  kh: i32, kw: i32, strideH: i32, strideW: i32,
  dilationH: i32, dilationW: i32, padT: i32, padL: i32,
  padB: i32, padR: i32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read> foundAt: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> at: array<u32>;
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;

const NOWHERE = 0xffffffffu;
const LEAST_BITS = 0xff800000u; // of -Infinity

struct Element { plane: u32, row: i32, column: i32, lane: u32 }

// The element at index i of a tensor whose planes have `rows` rows and `columns` columns, and back.
fn element(i: u32, rows: i32, columns: i32) -> Element {
  let line = i / p.lanes / u32(columns);
  let column = i / p.lanes % u32(columns);
  return Element(line / u32(rows), i32(line % u32(rows)), i32(column), i % p.lanes);
}
fn indexOf(e: Element, rows: i32, columns: i32) -> u32 {
  return ((e.plane * u32(rows) + u32(e.row)) * u32(columns) + u32(e.column)) * p.lanes + e.lane;
}
fn inX(e: Element, row: i32, column: i32) -> u32 { return indexOf(Element(e.plane, row, column, e.lane), p.h, p.w); }
fn inY(e: Element, row: i32, column: i32) -> u32 { return indexOf(Element(e.plane, row, column, e.lane), p.oh, p.ow); }

// First and end of the cells k with low <= start + k dilation < high.
fn cells(start: i32, kernel: i32, dilation: i32, low: i32, high: i32) -> vec2i {
  let first = max(0, low - start + dilation - 1) / dilation;
  return vec2i(first, max(first, min(kernel, max(0, high - start + dilation - 1) / dilation)));
}

// First and end of the windows that reach position t, counted from the start of the padding.
fn windows(t: i32, kernel: i32, dilation: i32, stride: i32, count: i32) -> vec2i {
  return vec2i(max(0, t - (kernel - 1) * dilation + stride - 1) / stride, min(count, t / stride + 1));
}

// How many cells a window's mean divides by. Padding counts where asked, what lies beyond it never.
fn cellCount(row: i32, column: i32) -> f32 {
  let pads = select(vec4i(), vec4i(p.padT, p.padL, p.padB, p.padR), p.includePad == 1u);
  let rows = cells(row * p.strideH - p.padT, p.kh, p.dilationH, -pads.x, p.h + pads.z);
  let columns = cells(column * p.strideW - p.padL, p.kw, p.dilationW, -pads.y, p.w + pads.w);
  return f32((rows.y - rows.x) * (columns.y - columns.x));
}

@compute @workgroup_size(64)
fn average(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  let e = element(i, p.oh, p.ow);
  if (e.plane >= p.planes) { return; }
  let top = e.row * p.strideH - p.padT;
  let left = e.column * p.strideW - p.padL;
  let rows = cells(top, p.kh, p.dilationH, 0, p.h);
  let columns = cells(left, p.kw, p.dilationW, 0, p.w);
  var sum = 0.0;
  for (var kh = rows.x; kh < rows.y; kh++) {
    for (var kw = columns.x; kw < columns.y; kw++) { sum += x[inX(e, top + kh * p.dilationH, left + kw * p.dilationW)]; }
  }
  y[i] = sum / cellCount(e.row, e.column);
}

@compute @workgroup_size(64)
fn averageBackward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  let e = element(i, p.h, p.w);
  if (e.plane >= p.planes) { return; }
  let down = e.row + p.padT;
  let across = e.column + p.padL;
  let rows = windows(down, p.kh, p.dilationH, p.strideH, p.oh);
  let columns = windows(across, p.kw, p.dilationW, p.strideW, p.ow);
  var g = 0.0;
  for (var row = rows.x; row < rows.y; row++) {
    if ((down - row * p.strideH) % p.dilationH != 0) { continue; }
    for (var column = columns.x; column < columns.y; column++) {
      if ((across - column * p.strideW) % p.dilationW != 0) { continue; }
      g += dy[inY(e, row, column)] / cellCount(row, column);
    }
  }
  dx[i] = select(g, dx[i] + g, p.add == 1u);
}

@compute @workgroup_size(64)
fn maximum(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  let e = element(i, p.oh, p.ow);
  if (e.plane >= p.planes) { return; }
  let top = e.row * p.strideH - p.padT;
  let left = e.column * p.strideW - p.padL;
  let rows = cells(top, p.kh, p.dilationH, 0, p.h);
  let columns = cells(left, p.kw, p.dilationW, 0, p.w);
  var best = 0.0;
  var place = NOWHERE;
  for (var kh = rows.x; kh < rows.y; kh++) {
    for (var kw = columns.x; kw < columns.y; kw++) {
      let row = top + kh * p.dilationH;
      let column = left + kw * p.dilationW;
      let value = x[inX(e, row, column)];
      let isNan = (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u;
      if (value > best || place == NOWHERE || isNan) {
        best = value;
        place = u32(row * p.w + column);
      }
    }
  }
  y[i] = bitcast<f32>(select(bitcast<u32>(best), LEAST_BITS, place == NOWHERE));
  at[i] = place;
}

@compute @workgroup_size(64)
fn maximumBackward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  let e = element(i, p.h, p.w);
  if (e.plane >= p.planes) { return; }
  let rows = windows(e.row + p.padT, p.kh, p.dilationH, p.strideH, p.oh);
  let columns = windows(e.column + p.padL, p.kw, p.dilationW, p.strideW, p.ow);
  let place = u32(e.row * p.w + e.column);
  var g = 0.0;
  for (var row = rows.x; row < rows.y; row++) {
    for (var column = columns.x; column < columns.y; column++) {
      let o = inY(e, row, column);
      if (foundAt[o] == place) { g += dy[o]; }
    }
  }
  dx[i] = select(g, dx[i] + g, p.add == 1u);
}
