// conv2d.tinyW: weight gradient of a 3x3 convolution of pictures of 2x2, padding 1, stride 1; a lane is an output channel,
// a vec4 four images.
//   dw[k, c, i, j] = sum over images and over the pairs of pixels, of dy and of x, that tap i, j brings together   (+ dw if add)
// Layout: x and dy are [C][2][2][N / 4] of vec4, four pixels (00, 01, 10, 11) a picture. An invocation owns one output and
// C input channels and adds up the products of all pairs of pixels, a 4x4 matrix an input channel; at the end the taps
// are sums of its elements. Each lane reads x of one input channel; shuffles show it to all.
enable subgroups;
struct Params { quads: u32, c: u32, k: u32, add: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;

// From the header: LANES of a subgroup, C <= LANES.

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let k = group.x * LANES + lane;
  let c0 = group.y * C;
  // Columns are pixels of x, rows those of dy.
  var sums: array<mat4x4f, C>;
  for (var quad = 0u; quad < p.quads; quad++) {
    let at = 4u * (c0 + lane % C) * p.quads + quad;
    let own = mat4x4f(x[at], x[at + p.quads], x[at + 2u * p.quads], x[at + 3u * p.quads]);
    let first = 4u * k * p.quads + quad;
    let g = transpose(mat4x4f(dy[first], dy[first + p.quads], dy[first + 2u * p.quads], dy[first + 3u * p.quads]));
    for (var c = 0u; c < C; c++) {
      sums[c] += g * mat4x4f(
        subgroupShuffle(own[0], c), subgroupShuffle(own[1], c), subgroupShuffle(own[2], c), subgroupShuffle(own[3], c));
    }
  }
  for (var c = 0u; c < C; c++) {
    if (k < p.k && c0 + c < p.c) {
      let s = sums[c];
      let at = (k * p.c + c0 + c) * 9u;
      put(at, vec3f(s[0].w, s[0].z + s[1].w, s[1].z));
      put(at + 3u, vec3f(s[0].y + s[2].w, s[0].x + s[1].y + s[2].z + s[3].w, s[1].x + s[3].z));
      put(at + 6u, vec3f(s[2].y, s[2].x + s[3].y, s[3].x));
    }
  }
}

fn put(at: u32, row: vec3f) {
  let before = select(vec3f(), vec3f(dw[at], dw[at + 1u], dw[at + 2u]), p.add == 1u);
  dw[at] = before.x + row.x;
  dw[at + 1u] = before.y + row.y;
  dw[at + 2u] = before.z + row.z;
}
