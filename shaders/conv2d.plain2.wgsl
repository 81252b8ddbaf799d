// conv2d.plain2: conv2d.strip2 without subgroups; every lane keeps the weights of all its M output channels.
//   y[k, oh, ow, n] = relu(b[k] + r[k, oh, ow, n] + sum over c, i, j of w[k, c, i, j] * x[c, 2*oh + i - padTop, 2*ow + j - padLeft, n])
// b, r and relu where asked.
// Layout: x and y are [C][H][W][N]. An invocation walks down a strip four output pixels wide, for one Value and M output
// channels. Of its input rows every other one serves two output rows, `done` and `next`, the others serve `next` alone.
// A load from private memory costs a software adapter a third of one from a buffer, so weights are copied there first.
// A Value is one image or two, f32 or vec2f by the header, and `n` counts Values. Two share what is done once for both:
// computing places and reading weights. A workgroup walks several strips with its weights, those of neighbouring images
// after one another. More than KEPT input channels take several dispatches. Pixels outside the picture are read as 0.
// Loops of no fixed length are tested at their end: llvmpipe walks one that is tested first once more than it has to.
struct Params {
  n: u32, h: u32, w: u32, k: u32, oh: u32, ow: u32, padTop: i32, padLeft: i32,
  c0: u32, channels: u32, wK: u32, strips: u32, blocks: u32, bias: u32, relu: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<Value>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read> r: array<Value>;
@group(0) @binding(5) var<storage, read_write> y: array<Value>;

// From the header: LANES of a workgroup, M channels, KEPT input channels, RESIDUAL 1 where r is added, Value.

// The strip's four pixels.
struct Four { a: Value, b: Value, c: Value, d: Value }

alias Sums = array<Four, M>;
alias Kept = array<vec3f, KEPT * M * 3u>;
alias Seen = array<Value, 9>;

// What the taps of a kernel row see.
fn look(at: u32, inside: array<bool, 9>) -> Seen {
  var seen: Seen;
  seen[0] = select(Value(), x[at], inside[0]);
  seen[1] = select(Value(), x[at + p.n], inside[1]);
  seen[2] = select(Value(), x[at + 2u * p.n], inside[2]);
  seen[3] = select(Value(), x[at + 3u * p.n], inside[3]);
  seen[4] = select(Value(), x[at + 4u * p.n], inside[4]);
  seen[5] = select(Value(), x[at + 5u * p.n], inside[5]);
  seen[6] = select(Value(), x[at + 6u * p.n], inside[6]);
  seen[7] = select(Value(), x[at + 7u * p.n], inside[7]);
  seen[8] = select(Value(), x[at + 8u * p.n], inside[8]);
  return seen;
}

fn dot3(so_far: Value, left: Value, middle: Value, right: Value, w: vec3f) -> Value {
  return fma(right, Value(w.z), fma(middle, Value(w.y), fma(left, Value(w.x), so_far)));
}

fn sum(so_far: Four, x: Seen, w: vec3f) -> Four {
  return Four(
    dot3(so_far.a, x[0], x[1], x[2], w),
    dot3(so_far.b, x[2], x[3], x[4], w),
    dot3(so_far.c, x[4], x[5], x[6], w),
    dot3(so_far.d, x[6], x[7], x[8], w),
  );
}

// One strip: the pixels from column `left` on of Value n, M channels from k0 on, of which `start` has the bias.
fn walk(kept: ptr<function, Kept>, start: Sums, k0: u32, n: u32, left: u32) {
  var inside: array<bool, 9>;
  for (var q = 0; q < 9; q++) {
    let iw = 2 * i32(left) + q - p.padLeft;
    inside[q] = iw >= 0 && iw < i32(p.w);
  }
  var done: Sums;
  var next = start;
  var oh = 0;
  loop {
    let row = 2 * oh - p.padTop;
    let column = (row * i32(p.w) + 2 * i32(left) - p.padLeft) * i32(p.n);
    if (row >= 0 && row < i32(p.h)) {
      var c = 0u;
      loop {
        let seen = look(u32(i32((p.c0 + c) * p.h * p.w * p.n) + column) + n, inside);
        for (var m = 0u; m < M; m++) {
          let own = (c * M + m) * 3u;
          done[m] = sum(done[m], seen, (*kept)[own + 2u]);
          next[m] = sum(next[m], seen, (*kept)[own]);
        }
        continuing { c++; break if c >= p.channels; }
      }
    }
    for (var m = 0u; m < M; m++) {
      let live = oh > 0 && n < p.n && k0 + m < p.k;
      let at = (((k0 + m) * p.oh + u32(oh - 1)) * p.ow + left) * p.n + n;
      put(at, live && left < p.ow, done[m].a);
      put(at + p.n, live && left + 1u < p.ow, done[m].b);
      put(at + 2u * p.n, live && left + 2u < p.ow, done[m].c);
      put(at + 3u * p.n, live && left + 3u < p.ow, done[m].d);
    }
    if (row >= -1 && row + 1 < i32(p.h)) {
      var c = 0u;
      loop {
        let seen = look(u32(i32(((p.c0 + c) * p.h + 1u) * p.w * p.n) + column) + n, inside);
        for (var m = 0u; m < M; m++) { next[m] = sum(next[m], seen, (*kept)[(c * M + m) * 3u + 1u]); }
        continuing { c++; break if c >= p.channels; }
      }
    }
    done = next;
    next = start;
    continuing { oh++; break if oh > i32(p.oh); }
  }
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32,
) {
  let k0 = group.y * M;
  var kept: Kept;
  for (var e = 0u; e < p.channels * M * 3u; e++) {
    let at = (k0 + e / 3u % M) * p.wK + (p.c0 + e / (3u * M)) * 9u + e % 3u * 3u;
    kept[e] = vec3f(w[at], w[at + 1u], w[at + 2u]);
  }
  var start: Sums;
  for (var m = 0u; m < M; m++) {
    let value = Value(select(0.0, b[k0 + m], p.bias == 1u));
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
