// conv2d.strip: 3x3 convolution at stride 1 where a lane is one image or two; also the input gradient, which is the same
// sum with weight strides swapped and taps mirrored.
//   y[k, oh, ow, n] = relu(b[k] + r[k, oh, ow, n] + sum over c, i, j of w[k, c, i, j] * x[c, oh + i - padTop, ow + j - padLeft, n])
// b, r and relu where asked.
// Layout: x and y are [C][H][W][N], so the lanes of a subgroup read neighbours. An invocation walks down a strip four
// pixels wide, for one Value and M output channels. An input row is read once and serves three output rows, which are
// sums in three arrays: `done` is complete after this row, `next` one row later, `last` two. The strip's weights lie in
// private memory, a lane keeping those of channel k0 + lane; shuffles spread them.
// A Value is one image or two, f32 or vec2f by the header, and `n` counts Values. Two share what is done once for both:
// computing places and reading weights. A workgroup walks several strips with its weights, those of neighbouring images
// after one another. More than KEPT input channels take several dispatches. Pixels outside the picture are read as 0.
// Software adapters pay some fifty multiply-adds for any load from a buffer: this form has the fewest loads.
// Loops of no fixed length are tested at their end: llvmpipe walks one that is tested first once more than it has to.
enable subgroups;
struct Params {
  n: u32, h: u32, w: u32, k: u32, oh: u32, ow: u32, padTop: i32, padLeft: i32,
  c0: u32, channels: u32, wBase: i32, wK: i32, wC: i32, wI: i32, wJ: i32,
  strips: u32, blocks: u32, bias: u32, relu: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<Value>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read> r: array<Value>;
@group(0) @binding(5) var<storage, read_write> y: array<Value>;

// From the header: LANES of a subgroup, M channels, SETS = ceil(M / LANES), KEPT input channels, RESIDUAL
// 1 where r is added, and Value.

// The strip's four pixels.
struct Four { a: Value, b: Value, c: Value, d: Value }

alias Sums = array<Four, M>;
alias Kept = array<vec3f, KEPT * SETS * 3u>;
alias Seen = array<Value, 6>;

// What the taps of a kernel row see.
fn look(at: u32, inside: array<bool, 6>) -> Seen {
  var seen: Seen;
  seen[0] = select(Value(), x[at], inside[0]);
  seen[1] = select(Value(), x[at + p.n], inside[1]);
  seen[2] = select(Value(), x[at + 2u * p.n], inside[2]);
  seen[3] = select(Value(), x[at + 3u * p.n], inside[3]);
  seen[4] = select(Value(), x[at + 4u * p.n], inside[4]);
  seen[5] = select(Value(), x[at + 5u * p.n], inside[5]);
  return seen;
}

fn dot3(so_far: Value, left: Value, middle: Value, right: Value, w: vec3f) -> Value {
  return fma(right, Value(w.z), fma(middle, Value(w.y), fma(left, Value(w.x), so_far)));
}

fn sum(so_far: Four, x: Seen, w: vec3f) -> Four {
  return Four(
    dot3(so_far.a, x[0], x[1], x[2], w),
    dot3(so_far.b, x[1], x[2], x[3], w),
    dot3(so_far.c, x[2], x[3], x[4], w),
    dot3(so_far.d, x[3], x[4], x[5], w),
  );
}

fn weightRow(k: u32, c: u32, i: i32) -> vec3f {
  let at = p.wBase + i32(k) * p.wK + i32(p.c0 + c) * p.wC + i * p.wI;
  return vec3f(w[at], w[at + p.wJ], w[at + 2 * p.wJ]);
}

// One strip: the pixels from column `left` on of Value n, M channels from k0 on, of which `start` has the bias.
fn walk(kept: ptr<function, Kept>, start: Sums, k0: u32, n: u32, left: u32) {
  var inside: array<bool, 6>;
  for (var q = 0; q < 6; q++) {
    let iw = i32(left) + q - p.padLeft;
    inside[q] = iw >= 0 && iw < i32(p.w);
  }
  var done: Sums;
  var next = start;
  var last = start;
  var row = -p.padTop;
  loop {
    if (row >= 0 && row < i32(p.h)) {
      var at = u32(((i32(p.c0 * p.h) + row) * i32(p.w) + i32(left) - p.padLeft) * i32(p.n)) + n;
      var c = 0u;
      loop {
        let seen = look(at, inside);
        at += p.h * p.w * p.n;
        var own: array<vec3f, 3u * SETS>;
        for (var s = 0u; s < 3u * SETS; s++) { own[s] = (*kept)[c * SETS * 3u + s]; }
        for (var m = 0u; m < M; m++) {
          let s = m / LANES * 3u;
          done[m] = sum(done[m], seen, subgroupShuffle(own[s + 2u], m % LANES));
          next[m] = sum(next[m], seen, subgroupShuffle(own[s + 1u], m % LANES));
          last[m] = sum(last[m], seen, subgroupShuffle(own[s], m % LANES));
        }
        continuing { c++; break if c >= p.channels; }
      }
    }
    let oh = row + p.padTop - 2;
    for (var m = 0u; m < M; m++) {
      let live = oh >= 0 && n < p.n && k0 + m < p.k;
      let at = (((k0 + m) * p.oh + u32(oh)) * p.ow + left) * p.n + n;
      put(at, live && left < p.ow, done[m].a);
      put(at + p.n, live && left + 1u < p.ow, done[m].b);
      put(at + 2u * p.n, live && left + 2u < p.ow, done[m].c);
      put(at + 3u * p.n, live && left + 3u < p.ow, done[m].d);
    }
    done = next;
    next = last;
    last = start;
    continuing { row++; break if row >= i32(p.oh) - p.padTop + 2; }
  }
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32,
) {
  let k0 = group.y * M;
  var kept: Kept;
  var c = 0u;
  loop {
    for (var s = 0u; s < SETS; s++) {
      let k = k0 + s * LANES + lane;
      let at = (c * SETS + s) * 3u;
      kept[at] = weightRow(k, c, 0);
      kept[at + 1u] = weightRow(k, c, 1);
      kept[at + 2u] = weightRow(k, c, 2);
    }
    continuing { c++; break if c >= p.channels; }
  }
  var start: Sums;
  for (var m = 0u; m < M; m++) {
    let own = select(0.0, b[k0 + m / LANES * LANES + lane], p.bias == 1u);
    let value = Value(subgroupShuffle(own, m % LANES));
    start[m] = Four(value, value, value, value);
  }
  let strips = p.strips * p.blocks;
  var strip = group.x * strips / groups.x;
  let end = (group.x + 1u) * strips / groups.x;
  loop {
    walk(&kept, start, k0, strip % p.blocks * LANES + lane, strip / p.blocks * 4u);
    continuing { strip++; break if strip >= end; }
  }
}

fn put(at: u32, live: bool, sum: Value) {
  if (!live) { return; }
  var value = sum;
  if (RESIDUAL == 1u) { value += r[at]; }
  if (p.relu == 1u) { value = select(value, Value(), value < Value()); }
  y[at] = value;
}
