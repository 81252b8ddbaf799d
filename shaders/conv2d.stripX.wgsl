// conv2d.stripX: input gradient of a 3x3 convolution at stride 2 with padding 1, where a lane is an image; the way back of
// conv2d.strip2.
//   dx[c, ih, iw, n] = sum over k, i, j of w[k, c, i, j] * dy[k, (ih + 1 - i) / 2, (iw + 1 - j) / 2, n], where both divide
// Layout: dx and dy are [..][H][W][N]. An invocation walks down a strip of dy four pixels wide, which are eight of dx, for
// one image and M input channels. Row m of dy is read once and serves three rows of dx: 2m - 1, which is complete then
// (`done`), 2m, which no other row serves, and 2m + 1 (`next`). Even columns see the middle tap of a row, odd columns the
// outer two. The strip's weights lie in private memory, a lane keeping those of channel c0 + lane; shuffles spread them.
// A workgroup walks several strips with them, those of neighbouring images after one another. More than KEPT output
// channels take several dispatches.
// Loops of no fixed length are tested at their end: llvmpipe walks one that is tested first once more than it has to.
enable subgroups;
struct Params {
  n: u32, c: u32, h: u32, w: u32, oh: u32, ow: u32, k0: u32, channels: u32, strips: u32, blocks: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

// From the header: LANES of a subgroup, M channels, SETS = ceil(M / LANES), KEPT output channels.

alias Kept = array<vec3f, KEPT * SETS * 3u>;

// Of a row of dx, for each channel.
struct Sums { even: array<vec4f, M>, odd: array<vec4f, M> }

// One strip: the pixels of dy from column `left` on of image n, M channels from c0 on.
fn walk(kept: ptr<function, Kept>, c0: u32, n: u32, left: u32) {
  var done: Sums;
  var row = 0u;
  loop {
    var middle = Sums();
    var next = Sums();
    if (row < p.oh) {
      var at = ((p.k0 * p.oh + row) * p.ow + left) * p.n + n;
      var k = 0u;
      loop {
        let d0 = select(0.0, dy[at], left < p.ow);
        let d1 = select(0.0, dy[at + p.n], left + 1u < p.ow);
        let d2 = select(0.0, dy[at + 2u * p.n], left + 2u < p.ow);
        let d3 = select(0.0, dy[at + 3u * p.n], left + 3u < p.ow);
        let near = vec4f(d0, d1, d2, d3);
        let far = vec4f(d1, d2, d3, select(0.0, dy[at + 4u * p.n], left + 4u < p.ow));
        at += p.oh * p.ow * p.n;
        var own: array<vec3f, 3u * SETS>;
        for (var s = 0u; s < 3u * SETS; s++) { own[s] = (*kept)[k * SETS * 3u + s]; }
        for (var m = 0u; m < M; m++) {
          let s = m / LANES * 3u;
          let w0 = subgroupShuffle(own[s], m % LANES);
          done.even[m] = fma(near, vec4f(w0.y), done.even[m]);
          done.odd[m] = fma(near, vec4f(w0.z), fma(far, vec4f(w0.x), done.odd[m]));
          let w1 = subgroupShuffle(own[s + 1u], m % LANES);
          middle.even[m] = fma(near, vec4f(w1.y), middle.even[m]);
          middle.odd[m] = fma(near, vec4f(w1.z), fma(far, vec4f(w1.x), middle.odd[m]));
          let w2 = subgroupShuffle(own[s + 2u], m % LANES);
          next.even[m] = fma(near, vec4f(w2.y), next.even[m]);
          next.odd[m] = fma(near, vec4f(w2.z), fma(far, vec4f(w2.x), next.odd[m]));
        }
        continuing { k++; break if k >= p.channels; }
      }
    }
    for (var m = 0u; m < M; m++) {
      let live = n < p.n && c0 + m < p.c;
      let at = (((c0 + m) * p.h + 2u * row) * p.w + 2u * left) * p.n + n;
      putRow(at - p.w * p.n, live && row > 0u, 2u * left, done.even[m], done.odd[m]);
      putRow(at, live && 2u * row < p.h, 2u * left, middle.even[m], middle.odd[m]);
    }
    done = next;
    continuing { row++; break if row > p.h / 2u; }
  }
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32,
) {
  let c0 = group.y * M;
  var kept: Kept;
  var k = 0u;
  loop {
    for (var e = 0u; e < SETS * 3u; e++) {
      let at = ((p.k0 + k) * p.c + c0 + e / 3u * LANES + lane) * 9u + e % 3u * 3u;
      kept[k * SETS * 3u + e] = vec3f(w[at], w[at + 1u], w[at + 2u]);
    }
    continuing { k++; break if k >= p.channels; }
  }
  let strips = p.strips * p.blocks;
  var strip = group.x * strips / groups.x;
  let end = (group.x + 1u) * strips / groups.x;
  loop {
    walk(&kept, c0, strip % p.blocks * LANES + lane, strip / p.blocks * 4u);
    continuing { strip++; break if strip >= end; }
  }
}

fn putRow(at: u32, live: bool, iw: u32, even: vec4f, odd: vec4f) {
  put(at, live && iw < p.w, even.x);
  put(at + p.n, live && iw + 1u < p.w, odd.x);
  put(at + 2u * p.n, live && iw + 2u < p.w, even.y);
  put(at + 3u * p.n, live && iw + 3u < p.w, odd.y);
  put(at + 4u * p.n, live && iw + 4u < p.w, even.z);
  put(at + 5u * p.n, live && iw + 5u < p.w, odd.z);
  put(at + 6u * p.n, live && iw + 6u < p.w, even.w);
  put(at + 7u * p.n, live && iw + 7u < p.w, odd.w);
}

fn put(at: u32, live: bool, sum: f32) {
  if (live) { dx[at] = sum; }
}
