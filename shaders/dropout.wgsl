// dropout: y = x / (1 - p) where element i's random number is at least p, else 0 (Srivastava et al. 2014). The number of
// element i, as it lies in memory, is the upper 24 bits of word i of what random.wgsl draws at (…, count). Backward draws
// the same numbers again. An invocation does the two elements of a block.
struct Params { n: u32, add: u32, key0: u32, key1: u32, count: u32, threshold: u32, scale: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

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

fn drop(i: u32, word: u32) {
  if (i >= p.n) { return; }
  let value = select(0.0, x[i] * p.scale, (word >> 8u) >= p.threshold);
  if (p.add == 1u) { y[i] += value; } else { y[i] = value; }
}

@compute @workgroup_size(64)
fn apply(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (2u * i >= p.n) { return; }
  let words = threefry(vec2u(p.key0, p.key1), vec2u(i, p.count));
  drop(2u * i, words.x);
  drop(2u * i + 1u, words.y);
}
