// crop: pictures of any size, each brought to a canvas of one size, as Pillow resizes (bilinear, antialiased, in bytes).
//   y[n, c, oy, ox] = byte( sum_a wy[oy, a] byte( sum_b wx[ox, b] picture[fy[oy] + a, fx[ox] + b, c] ) )
// First sources f and weights w of every row and column come from the host (`pillowTaps`), in multiples of 2^-22, and
// rows are rounded to bytes before columns are made of them: sums of whole numbers, the same on every adapter.
// uploads: of each picture its bytes [height, width, 3] from a word on, then fx [w], wx [w, tapsX], fy [h], wy [h, tapsY].
// table, per picture: word where its bytes begin, its width, word of fx, tapsX, word of fy, tapsY.
// y: [n, 3, h, w] bytes, four to an invocation; only pictures first ... first + count - 1, which are there, are made.
struct Params { n: u32, h: u32, w: u32, first: u32, count: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> uploads: array<u32>;
@group(0) @binding(2) var<storage, read> table: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;

fn byteAt(at: u32) -> u32 {
  return (uploads[at / 4u] >> (8u * (at % 4u))) & 0xffu;
}

fn rounded(sum: u32) -> u32 {
  return min((sum + 2097152u) >> 22u, 255u);
}

fn value(i: u32) -> u32 {
  let plane = p.h * p.w;
  let n = i / (3u * plane);
  if (n < p.first || n >= min(p.first + p.count, p.n)) { return 0u; }
  let c = (i / plane) % 3u;
  let ox = i % p.w;
  let oy = (i / p.w) % p.h;
  let row = 6u * n;
  let width = table[row + 1u];
  let tapsX = table[row + 3u];
  let tapsY = table[row + 5u];
  let wx = table[row + 2u] + p.w + ox * tapsX;
  let wy = table[row + 4u] + p.h + oy * tapsY;
  let corner = 4u * table[row] + 3u * (uploads[table[row + 4u] + oy] * width + uploads[table[row + 2u] + ox]) + c;
  var column = 0u;
  for (var a = 0u; a < tapsY; a++) {
    let down = uploads[wy + a];
    if (down == 0u) { continue; }
    var across = 0u;
    for (var b = 0u; b < tapsX; b++) {
      across += uploads[wx + b] * byteAt(corner + 3u * (a * width + b));
    }
    column += down * rounded(across);
  }
  return rounded(column);
}

@compute @workgroup_size(64)
fn crop(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = 4u * (id.x + id.y * groups.x * 64u);
  let picture = 3u * p.h * p.w;
  if (i >= p.n * picture) { return; }
  let end = (p.first + p.count) * picture;
  if (i + 3u < p.first * picture || i >= end) { return; }
  var word = value(i) | (value(i + 1u) << 8u) | (value(i + 2u) << 16u) | (value(i + 3u) << 24u);
  // A word that two uploads share: its first bytes were made by the one before.
  let before = 8u * (max(i, p.first * picture) - i);
  word |= y[i / 4u] & ((1u << before) - 1u);
  y[i / 4u] = word;
}
