// pictures: one batch of pictures as the network wants them, straight from the bytes of the data set.
//   x[n, c, oy, ox] = (mean of source values / 255 - mean[c]) / deviation[c],  layout chwn
// A source value is the byte of channel c; or, with one channel in x, GREY: 0.299 r + 0.587 g + 0.114 b; or EDGES: the
// length of the Sobel gradient of grey, over 4 (a step from black to white is 255), the border's pixels repeated outside.
// One invocation makes one output value: it finds its picture through the index, shifts and flips it as the augmentation
// stream says (what lies outside is byte 0), and averages the source pixels its output pixel covers:
//   AREA       rows floor(oy*H/OH) to ceil((oy+1)*H/OH) - 1, equal weights
//   BILINEAR   the two neighbours of (oy + 0.5) * H/OH - 0.5, clamped
//   ANTIALIAS  triangle of half-width max(1, H/OH), weights outside dropped, the rest renormalised
// Two calls with the same counter see the same augmented picture at two qualities. Data sets larger than one binding
// come in chunks, a dispatch each; a picture of another chunk is left alone. A streamed batch is a chunk in batch order.
struct Params {
  mean: vec4f, deviation: vec4f,
  n: u32, channels: u32, h: u32, w: u32, oh: u32, ow: u32, mode: u32, first: u32, count: u32, direct: u32,
  shift: u32, flip: u32, key0: u32, key1: u32, counter: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> bytes: array<u32>;
@group(0) @binding(2) var<storage, read> index: array<u32>;
@group(0) @binding(3) var<storage, read_write> x: array<f32>;

const AREA = 0u;
const BILINEAR = 1u;
override MODALITY = 0u;
const GREY = 1u;
const EDGES = 2u;

fn turn(x: vec2u, by: u32) -> vec2u {
  let sum = x.x + x.y;
  return vec2u(sum, ((x.y << by) | (x.y >> (32u - by))) ^ sum);
}

fn threefry(key: vec2u, counter: vec2u) -> vec2u {
  var keys = vec3u(key, 0x1BD11BDAu ^ key.x ^ key.y);
  var x = counter + key;
  for (var s = 1u; s <= 5u; s++) {
    let by = select(vec4u(17u, 29u, 16u, 24u), vec4u(13u, 15u, 26u, 6u), s % 2u == 1u);
    x = turn(turn(turn(turn(x, by.x), by.y), by.z), by.w);
    keys = keys.yzx;
    x += vec2u(keys.x, keys.y + s);
  }
  return x;
}

// First source position, number of positions, centre (or fraction) and half-width of one output pixel along one axis.
struct Span { start: i32, count: u32, centre: f32, support: f32 }

fn span(o: u32, size: u32, out: u32) -> Span {
  let scale = f32(size) / f32(out);
  if (p.mode == AREA) {
    let start = (o * size) / out;
    return Span(i32(start), ((o + 1u) * size + out - 1u) / out - start, 0.0, 0.0);
  }
  if (p.mode == BILINEAR) {
    let at = max((f32(o) + 0.5) * scale - 0.5, 0.0);
    return Span(i32(floor(at)), 2u, at - floor(at), 0.0);
  }
  let support = max(1.0, scale);
  let centre = (f32(o) + 0.5) * scale;
  let start = max(i32(floor(centre - support + 0.5)), 0);
  let end = min(i32(floor(centre + support + 0.5)), i32(size));
  return Span(start, u32(end - start), centre, support);
}

fn weight(s: Span, i: u32) -> f32 {
  if (p.mode == AREA) { return 1.0; }
  if (p.mode == BILINEAR) { return select(1.0 - s.centre, s.centre, i == 1u); }
  return max(0.0, 1.0 - abs((f32(s.start + i32(i)) + 0.5 - s.centre) / s.support));
}

fn byteAt(at: u32) -> f32 {
  return f32((bytes[at / 4u] >> (8u * (at % 4u))) & 0xffu);
}

// `at` is a pixel of a picture's first channel.
fn greyAt(at: u32) -> f32 {
  if (p.channels < 3u) { return byteAt(at); }
  let plane = p.h * p.w;
  return 0.299 * byteAt(at) + 0.587 * byteAt(at + plane) + 0.114 * byteAt(at + 2u * plane);
}

fn edgeAt(picture: u32, y: u32, x: u32) -> f32 {
  let rows = picture + p.w * vec3u(max(y, 1u) - 1u, y, min(y + 1u, p.h - 1u));
  let columns = vec3u(max(x, 1u) - 1u, x, min(x + 1u, p.w - 1u));
  var across = 0.0;
  var down = 0.0;
  for (var i = 0u; i < 3u; i++) {
    let strength = select(1.0, 2.0, i == 1u);
    across += strength * (greyAt(rows[i] + columns.z) - greyAt(rows[i] + columns.x));
    down += strength * (greyAt(rows.z + columns[i]) - greyAt(rows.x + columns[i]));
  }
  return sqrt(across * across + down * down) / 4.0;
}

@compute @workgroup_size(64)
fn view(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.n * select(p.channels, 1u, MODALITY > 0u) * p.oh * p.ow) { return; }
  let n = i % p.n;
  let ox = (i / p.n) % p.ow;
  let oy = (i / (p.n * p.ow)) % p.oh;
  let c = i / (p.n * p.ow * p.oh);
  var row = n;
  if (p.direct == 0u) { row = index[n] - p.first; }
  if (row >= p.count) { return; }
  var dy = 0;
  var dx = 0;
  var mirrored = false;
  if (p.shift > 0u || p.flip > 0u) {
    let words = threefry(vec2u(p.key0, p.key1), vec2u(p.counter + n, 0u));
    let range = 2u * p.shift + 1u;
    dy = i32(((words.x & 0xffffu) * range) >> 16u) - i32(p.shift);
    dx = i32(((words.x >> 16u) * range) >> 16u) - i32(p.shift);
    mirrored = p.flip > 0u && (words.y & 1u) == 1u;
  }
  let plane = (row * p.channels + c) * p.h * p.w;
  let ys = span(oy, p.h, p.oh);
  let xs = span(ox, p.w, p.ow);
  var total = 0.0;
  var weights = 0.0;
  for (var a = 0u; a < ys.count; a++) {
    let y = clamp(ys.start + i32(a), 0, i32(p.h) - 1) + dy;
    let wy = weight(ys, a);
    for (var b = 0u; b < xs.count; b++) {
      let column = clamp(xs.start + i32(b), 0, i32(p.w) - 1);
      let source = select(column, i32(p.w) - 1 - column, mirrored) + dx;
      let wx = wy * weight(xs, b);
      weights += wx;
      if (y < 0 || y >= i32(p.h) || source < 0 || source >= i32(p.w)) { continue; }
      let at = plane + u32(y) * p.w + u32(source);
      var value = 0.0;
      if (MODALITY == GREY) { value = greyAt(at); }
      else if (MODALITY == EDGES) { value = edgeAt(plane, u32(y), u32(source)); }
      else { value = byteAt(at); }
      total += wx * value;
    }
  }
  x[i] = (total / weights / 255.0 - p.mean[c]) / p.deviation[c];
}
