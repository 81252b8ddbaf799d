// randAugment: one of torchvision's 14 operations on each picture of a batch, in bytes, as Pillow computes them.
//   Brightness, Color, Contrast, Sharpness   trunc( d + factor (x - d) ) held to 0 ... 255, where d is 0, the pixel's grey,
//                                            the picture's mean grey, or the pixel smoothed by (1 1 1, 1 5 1, 1 1 1) / 13
//   Posterize x & mask,  Solarize x or 255 - x from the threshold on
//   AutoContrast (x - low) 255 / (high - low), rounded down (where that is whole, Pillow's float64 may give one less);
//   Equalize by the channel's cumulated histogram
//   shears, translations, rotation           the nearest pixel that an affine map in 1/65536 pixels leads to, else 0
// grey = (19595 r + 38470 g + 7471 b + 32768) >> 16. All but Color, Sharpness and the affine ones are tables of 256.
// x, y: [n, 3, h, w] bytes. operations: 8 numbers a picture: the operation, its factor, the affine map.
struct Params { n: u32, h: u32, w: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> operations: array<i32>;
@group(0) @binding(3) var<storage, read_write> made: array<u32>;
@group(0) @binding(4) var<storage, read> tables: array<u32>;
@group(0) @binding(5) var<storage, read_write> y: array<u32>;

const BRIGHTNESS = 6;
const COLOR = 7;
const CONTRAST = 8;
const SHARPNESS = 9;
const POSTERIZE = 10;
const SOLARIZE = 11;
const AUTOCONTRAST = 12;
const EQUALIZE = 13;

fn byteAt(at: u32) -> u32 {
  return (x[at / 4u] >> (8u * (at % 4u))) & 0xffu;
}

// `at` is a pixel of a picture's first channel.
fn greyAt(at: u32) -> u32 {
  let plane = p.h * p.w;
  return (19595u * byteAt(at) + 38470u * byteAt(at + plane) + 7471u * byteAt(at + 2u * plane) + 32768u) >> 16u;
}

fn blend(value: u32, toward: u32, factor: f32) -> u32 {
  return u32(clamp(f32(toward) + factor * (f32(value) - f32(toward)), 0.0, 255.0));
}

var<workgroup> counts: array<atomic<u32>, 768>;
var<workgroup> greys: atomic<u32>;

fn count(c: u32, value: u32) -> u32 {
  return atomicLoad(&counts[256u * c + value]);
}

fn stretched(c: u32, value: u32) -> u32 {
  var low = 0u;
  while (low < 255u && count(c, low) == 0u) { low++; }
  var high = 255u;
  while (high > 0u && count(c, high) == 0u) { high--; }
  if (high <= low) { return value; }
  return min(255u * (max(value, low) - low) / (high - low), 255u);
}

fn equalized(c: u32, value: u32) -> u32 {
  var last = 255u;
  while (count(c, last) == 0u) { last--; }
  let step = (p.h * p.w - count(c, last)) / 255u;
  if (step == 0u) { return value; }
  var below = step / 2u;
  for (var i = 0u; i < value; i++) { below += count(c, i); }
  return min(below / step, 255u);
}

// A workgroup a picture: its histograms, then an invocation a value: made[n, c, value].
@compute @workgroup_size(256)
fn look(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) value: u32) {
  let n = group.x;
  let plane = p.h * p.w;
  let operation = operations[8u * n];
  if (operation == CONTRAST || operation >= AUTOCONTRAST) {
    for (var i = value; i < plane; i += 256u) {
      let at = 3u * n * plane + i;
      for (var c = 0u; c < 3u; c++) { atomicAdd(&counts[256u * c + byteAt(at + c * plane)], 1u); }
      atomicAdd(&greys, greyAt(at));
    }
  }
  workgroupBarrier();
  let factor = bitcast<f32>(operations[8u * n + 1u]);
  for (var c = 0u; c < 3u; c++) {
    var result = value;
    if (operation == BRIGHTNESS) { result = blend(value, 0u, factor); }
    if (operation == CONTRAST) {
      let sum = atomicLoad(&greys);
      result = blend(value, (2u * (sum % plane) + plane) / (2u * plane) + sum / plane, factor);
    }
    if (operation == POSTERIZE) { result = value & u32(operations[8u * n + 1u]); }
    if (operation == SOLARIZE && f32(value) >= factor) { result = 255u - value; }
    if (operation == AUTOCONTRAST) { result = stretched(c, value); }
    if (operation == EQUALIZE) { result = equalized(c, value); }
    made[768u * n + 256u * c + value] = result;
  }
}

fn smoothed(at: u32, px: u32, py: u32) -> u32 {
  if (px == 0u || py == 0u || px == p.w - 1u || py == p.h - 1u) { return byteAt(at); }
  var sum = 4u * byteAt(at);
  for (var i = 0u; i < 9u; i++) { sum += byteAt(at + i % 3u - 1u + (i / 3u) * p.w - p.w); }
  return (2u * sum + 13u) / 26u;
}

fn moved(row: u32, plane: u32, px: u32, py: u32) -> u32 {
  let map = row + 2u;
  let sx = (operations[map] * i32(px) + operations[map + 1u] * i32(py) + operations[map + 2u]) >> 16u;
  let sy = (operations[map + 3u] * i32(px) + operations[map + 4u] * i32(py) + operations[map + 5u]) >> 16u;
  if (sx < 0 || sy < 0 || sx >= i32(p.w) || sy >= i32(p.h)) { return 0u; }
  return byteAt(plane + u32(sy) * p.w + u32(sx));
}

fn changed(i: u32) -> u32 {
  let size = p.h * p.w;
  let n = i / (3u * size);
  if (n >= p.n) { return 0u; }
  let c = (i / size) % 3u;
  let px = i % p.w;
  let py = (i / p.w) % p.h;
  let row = 8u * n;
  let operation = operations[row];
  let value = byteAt(i);
  if (operation == 0) { return value; }
  if (operation < BRIGHTNESS) { return moved(row, i - py * p.w - px, px, py); }
  if (operation == COLOR) { return blend(value, greyAt(i - c * size), bitcast<f32>(operations[row + 1u])); }
  if (operation == SHARPNESS) { return blend(value, smoothed(i, px, py), bitcast<f32>(operations[row + 1u])); }
  return tables[768u * n + 256u * c + value];
}

@compute @workgroup_size(64)
fn change(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = 4u * (id.x + id.y * groups.x * 64u);
  if (i >= p.n * 3u * p.h * p.w) { return; }
  y[i / 4u] = changed(i) | (changed(i + 1u) << 8u) | (changed(i + 2u) << 16u) | (changed(i + 3u) << 24u);
}
