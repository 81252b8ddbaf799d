// conv2d.rowsDown: conv2d.rows for 3x3 at stride 1, walking down: an input row is read once and serves three output rows.
//   y[k, oh, ow, n] = relu(b[k] + r[k, oh, ow, n] + sum over c, i, j of w[k, c, i, j] * x[c, oh + i - padTop, ow + j - padLeft, n])
// b, r and relu where asked.
// Layout: x and y are [C][H][W][N]; a lane is P neighbouring pixels of one image, and lanes walk a row of such runs as
// [runs][N]. An invocation computes its run in every row of a block of rows, for M output channels: `done` is complete
// after this row, `next` one row later, `last` two. A run of P costs P + 2 loads, and one reading of the weights.
// The block's weights lie in private memory, a lane keeping those of channel k0 + lane; shuffles spread them.
// More than KEPT input channels take several dispatches. Pixels outside the picture are read as 0.
// Loops of no fixed length are tested at their end: llvmpipe walks one that is tested first once more than it has to.
enable subgroups;
struct Params {
  n: u32, h: u32, w: u32, k: u32, oh: u32, ow: u32, padTop: i32, padLeft: i32,
  c0: u32, channels: u32, wK: u32, strips: u32, rows: u32, bias: u32, relu: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read> r: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

// From the header: LANES of a subgroup, M channels, SETS = ceil(M / LANES), KEPT input channels, RESIDUAL 1 where r is
// added, P pixels.

alias Pixels = array<f32, P>;
alias Sums = array<Pixels, M>;
alias Seen = array<f32, P + 2u>;

fn sum(so_far: Pixels, x: Seen, w: vec3f) -> Pixels {
  var all = so_far;
  for (var q = 0u; q < P; q++) { all[q] += dot(vec3f(x[q], x[q + 1u], x[q + 2u]), w); }
  return all;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = group.x % p.strips * LANES + lane;
  let top = i32(group.x / p.strips * p.rows);
  let bottom = min(top + i32(p.rows), i32(p.oh));
  let ow = run / p.n * P;
  let place = ow * p.n + run % p.n;
  let k0 = group.y * M;
  var kept: array<vec3f, KEPT * SETS * 3u>;
  for (var e = 0u; e < p.channels * SETS * 3u; e++) {
    let at = (k0 + e / 3u % SETS * LANES + lane) * p.wK + (p.c0 + e / (3u * SETS)) * 9u + e % 3u * 3u;
    kept[e] = vec3f(w[at], w[at + 1u], w[at + 2u]);
  }
  var start: Sums;
  for (var m = 0u; m < M; m++) {
    let own = select(0.0, b[k0 + m / LANES * LANES + lane], p.bias == 1u);
    let value = subgroupShuffle(own, m % LANES);
    for (var q = 0u; q < P; q++) { start[m][q] = value; }
  }
  let left = i32(ow) - p.padLeft;
  let column = left * i32(p.n) + i32(run % p.n);
  var inside: array<bool, P + 2u>;
  for (var q = 0u; q < P + 2u; q++) { inside[q] = left + i32(q) >= 0 && left + i32(q) < i32(p.w); }
  var done: Sums;
  var next = start;
  var last = start;
  var row = top - p.padTop;
  loop {
    if (row >= 0 && row < i32(p.h)) {
      var c = 0u;
      loop {
        let at = u32((i32((p.c0 + c) * p.h) + row) * i32(p.w * p.n) + column);
        var seen: Seen;
        for (var q = 0u; q < P + 2u; q++) { seen[q] = select(0.0, x[at + q * p.n], inside[q]); }
        var own: array<vec3f, 3u * SETS>;
        for (var s = 0u; s < 3u * SETS; s++) { own[s] = kept[c * SETS * 3u + s]; }
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
      let at = ((k0 + m) * p.oh + u32(oh)) * p.ow * p.n + place;
      let live = oh >= top && k0 + m < p.k;
      for (var q = 0u; q < P; q++) { put(at + q * p.n, live && ow + q < p.ow, done[m][q]); }
    }
    done = next;
    next = last;
    last = start;
    continuing { row++; break if row >= bottom - p.padTop + 2; }
  }
}

fn put(at: u32, live: bool, sum: f32) {
  if (!live) { return; }
  var value = sum;
  if (RESIDUAL == 1u) { value += r[at]; }
  y[at] = select(value, 0.0, p.relu == 1u && value < 0.0);
}
