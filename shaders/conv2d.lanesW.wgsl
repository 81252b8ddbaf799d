// conv2d.lanesW: weight gradient as a sum of outer products; a lane is an output channel.
//   partial[part, k, c, i, j] = sum over the part's images n, and oh, ow, of dy[k, oh, ow, n] * x[c, oh*S + i - padTop, ow*S + j - padLeft, n]
// An invocation owns KT output channels (lane, lane + LANES, ...), 4*CQ input channels and the taps of one kernel row i:
// TAPS*KT*CQ vec4 of accumulators. Per pixel it loads KT values of dy and, for the one new column of x, one input channel
// a lane; shuffles give every lane all of them. Columns slide along the row, so each is loaded once. Images are split into
// parts, summed by conv2d.total.
enable subgroups;
struct Params {
  n: u32, c: u32, h: u32, w: u32, k: u32, oh: u32, ow: u32, kh: u32, padTop: u32, padLeft: u32, parts: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

// From the header: LANES, KT, CQ, TAPS (1 or 3), S, CL = ceil(4 * CQ / LANES).

// Column iw of the row that starts at `row` in channel 0: the tile's input channels, in every lane.
fn column(row: u32, c0: u32, lane: u32, iw: i32) -> array<vec4f, CQ> {
  var own: array<f32, CL>;
  if (iw >= 0 && iw < i32(p.w)) {
    for (var s = 0u; s < CL; s++) {
      let c = c0 + s * LANES + lane;
      let v = x[row + (min(c, p.c - 1u) * p.h * p.w + u32(iw)) * p.n];
      own[s] = select(0.0, v, c < p.c);
    }
  }
  var all: array<vec4f, CQ>;
  for (var q = 0u; q < CQ; q++) {
    let e = 4u * q;
    all[q] = vec4f(
      subgroupShuffle(own[e / LANES], e % LANES), subgroupShuffle(own[(e + 1u) / LANES], (e + 1u) % LANES),
      subgroupShuffle(own[(e + 2u) / LANES], (e + 2u) % LANES), subgroupShuffle(own[(e + 3u) / LANES], (e + 3u) % LANES));
  }
  return all;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = group.x % p.kh;
  let part = group.x / p.kh;
  let k0 = group.y * KT * LANES;
  let c0 = group.z * 4u * CQ;
  var sum: array<vec4f, TAPS * KT * CQ>;
  for (var n = part; n < p.n; n += p.parts) {
    for (var oh = 0u; oh < p.oh; oh++) {
      let ih = i32(oh * S + i) - i32(p.padTop);
      if (ih < 0 || ih >= i32(p.h)) { continue; }
      let row = u32(ih) * p.w * p.n + n;
      let edge = -i32(p.padLeft);
      var left = column(row, c0, lane, edge);
      var middle: array<vec4f, CQ>;
      if (TAPS == 3u && S == 1u) { middle = column(row, c0, lane, edge + 1); }
      for (var ow = 0u; ow < p.ow; ow++) {
        let iw = i32(ow * S) + edge;
        var right: array<vec4f, CQ>;
        if (TAPS == 3u) {
          if (S == 2u) { middle = column(row, c0, lane, iw + 1); }
          right = column(row, c0, lane, iw + 2);
        }
        for (var t = 0u; t < KT; t++) {
          let k = min(k0 + t * LANES + lane, p.k - 1u);
          let g = vec4f(dy[((k * p.oh + oh) * p.ow + ow) * p.n + n]);
          for (var q = 0u; q < CQ; q++) {
            let at = (t * CQ + q) * TAPS;
            sum[at] = fma(left[q], g, sum[at]);
            if (TAPS == 3u) {
              sum[at + 1u] = fma(middle[q], g, sum[at + 1u]);
              sum[at + 2u] = fma(right[q], g, sum[at + 2u]);
            }
          }
        }
        if (TAPS == 3u && S == 1u) {
          left = middle;
          middle = right;
        } else if (TAPS == 3u) {
          left = right;
        } else if (ow + 1u < p.ow) {
          left = column(row, c0, lane, iw + i32(S));
        }
      }
    }
  }
  for (var t = 0u; t < KT; t++) {
    let k = k0 + t * LANES + lane;
    for (var q = 0u; q < CQ; q++) {
      for (var j = 0u; j < TAPS; j++) {
        let v = sum[(t * CQ + q) * TAPS + j];
        put(part, k, c0 + 4u * q, i, j, v.x);
        put(part, k, c0 + 4u * q + 1u, i, j, v.y);
        put(part, k, c0 + 4u * q + 2u, i, j, v.z);
        put(part, k, c0 + 4u * q + 3u, i, j, v.w);
      }
    }
  }
}

fn put(part: u32, k: u32, c: u32, i: u32, j: u32, value: f32) {
  if (k < p.k && c < p.c) { partial[(((part * p.k + k) * p.c + c) * p.kh + i) * TAPS + j] = value; }
}
