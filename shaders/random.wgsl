// random: the words of a Threefry-2x32 stream with 20 rounds (Salmon et al. 2011), bit for bit those of src/random.ts.
// A kernel that needs random numbers carries a copy of `turn` and `threefry`; a test keeps the copies alike. One
// invocation computes one block: words 2i and 2i+1 from counter (i, high). uniform in [0, 1) = f32(word >> 8u) / 2^24.
struct Params { blocks: u32, key0: u32, key1: u32, first: u32, high: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<vec2u>;

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

@compute @workgroup_size(64)
fn words(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < p.blocks) { y[i] = threefry(vec2u(p.key0, p.key1), vec2u(p.first + i, p.high)); }
}
