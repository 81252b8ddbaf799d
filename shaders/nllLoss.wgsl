// nllLoss: of place i of row n with label y, x being logarithms of probabilities,
//   each[n, i] = -(1 - smoothing) w[y] x[n, y, i] - smoothing / C Σ_c w[c] x[n, c, i],   counted[n, i] = w[y];
// both 0 where y is `ignored`, NaN and 0 where y is no class; neither has a gradient. x lies [N][C][inner], labels
// [N][inner], weights w [C] (all 1 unless WEIGHTED). A thread computes a place; backwards an element of dx.
struct Params { places: u32, classes: u32, inner: u32, ignores: u32, ignored: i32, smoothing: f32, nan: f32, add: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<i32>;
@group(0) @binding(3) var<storage, read> w: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> each: array<f32>;
@group(0) @binding(6) var<storage, read_write> counted: array<f32>;
@group(0) @binding(7) var<storage, read_write> dx: array<f32>;

override WEIGHTED: bool = false;

fn weight(c: u32) -> f32 {
  if (WEIGHTED) { return w[c]; }
  return 1.0;
}

fn isIgnored(label: i32) -> bool {
  return p.ignores == 1u && label == p.ignored;
}

fn isClass(label: i32) -> bool {
  return label >= 0 && u32(label) < p.classes;
}

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let place = id.x + id.y * groups.x * 64u;
  if (place >= p.places) { return; }
  let label = labels[place];
  if (isIgnored(label) || !isClass(label)) {
    each[place] = select(p.nan, 0.0, isIgnored(label));
    counted[place] = 0.0;
    return;
  }
  let first = place / p.inner * p.classes * p.inner + place % p.inner;
  let own = weight(u32(label));
  var loss = -(1.0 - p.smoothing) * own * x[first + u32(label) * p.inner];
  if (p.smoothing > 0.0) {
    var all = 0.0;
    for (var c = 0u; c < p.classes; c++) { all += weight(c) * x[first + c * p.inner]; }
    loss -= p.smoothing / f32(p.classes) * all;
  }
  each[place] = loss;
  counted[place] = own;
}

@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.places * p.classes) { return; }
  let c = i / p.inner % p.classes;
  let place = i / p.inner / p.classes * p.inner + i % p.inner;
  let label = labels[place];
  var g = 0.0; // whatever dy is, which the mean of nothing makes infinite
  if (!isIgnored(label) && isClass(label)) {
    g = -dy[place] * weight(c) * (select(0.0, 1.0 - p.smoothing, c == u32(label)) + p.smoothing / f32(p.classes));
  }
  dx[i] = select(g, dx[i] + g, p.add == 1u);
}
