// What the field for a kernel of one's own starts with: a plain kernel that passes the check.

const sizes = 'n: u32, c: u32, h: u32, w: u32, k: u32, side: u32, stride: u32, padding: u32, oh: u32, ow: u32'
/** The last name is what is written. */
const head = (name: string, about: string, names: string[], params: string) => `// ${name}: ${about}
// threads: elements
struct Params { elements: u32${params} }
@group(0) @binding(0) var<uniform> p: Params;
${names
  .map((each, i) => {
    const access = i === names.length - 1 ? 'read_write' : 'read'
    return `@group(0) @binding(${i + 1}) var<storage, ${access}> ${each}: array<f32>;`
  })
  .join('\n')}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.elements) { return; }`

const rowSum = `  let row = i / p.classes * p.classes;
  var most = x[row];
  for (var c = 1u; c < p.classes; c++) { most = max(most, x[row + c]); }
  var total = 0.0;
  for (var c = 0u; c < p.classes; c++) { total += exp(x[row + c] - most); }`

/** Case → WGSL. Everything in it may be changed. */
export const EXAMPLES: Record<string, { shape: string; source: string }> = {
  'relu forward': {
    shape: '64x16x28x28',
    source: `// relu4: four elements a thread.
// threads: elements / 4
struct Params { n: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (4u * id.x < p.n) { y[id.x] = max(x[id.x], vec4f(0.0)); }
}
`,
  },
  'relu backward': {
    shape: '64x16x28x28',
    source: `${head('drelu', 'an element a thread.', ['x', 'dy', 'dx'], '')}
  dx[i] = select(0.0, dy[i], x[i] > 0.0);
}
`,
  },
  'add forward': {
    shape: '64x16x28x28',
    source: `${head('plus', 'an element a thread.', ['a', 'b', 'y'], '')}
  y[i] = a[i] + b[i];
}
`,
  },
  'conv2d forward': {
    shape: '64x16x28x28:16:3',
    source: `${head('direct', 'an output a thread; lane = image.', ['x', 'w', 'y'], `, ${sizes}`)}
  let image = i % p.n;
  let pixel = i / p.n;
  let column = pixel % p.ow;
  let row = pixel / p.ow % p.oh;
  let to = pixel / p.ow / p.oh;
  var sum = 0.0;
  for (var c = 0u; c < p.c; c++) {
    for (var a = 0u; a < p.side; a++) {
      for (var b = 0u; b < p.side; b++) {
        let h = row * p.stride + a - p.padding; // below 0 it wraps around, and is too large
        let s = column * p.stride + b - p.padding;
        if (h < p.h && s < p.w) {
          sum += x[((c * p.h + h) * p.w + s) * p.n + image] * w[((to * p.c + c) * p.side + a) * p.side + b];
        }
      }
    }
  }
  y[i] = sum;
}
`,
  },
  'conv2d dX': {
    shape: '64x16x28x28:16:3',
    source: `${head('gather', 'an input a thread; lane = image.', ['w', 'dy', 'dx'], `, ${sizes}`)}
  let image = i % p.n;
  let pixel = i / p.n;
  let column = pixel % p.w;
  let row = pixel / p.w % p.h;
  let c = pixel / p.w / p.h;
  var sum = 0.0;
  for (var k = 0u; k < p.k; k++) {
    for (var a = 0u; a < p.side; a++) {
      for (var b = 0u; b < p.side; b++) {
        let r = row + p.padding - a; // below 0 it wraps around, and is too large
        let s = column + p.padding - b;
        if (r % p.stride == 0u && s % p.stride == 0u && r / p.stride < p.oh && s / p.stride < p.ow) {
          let place = ((k * p.oh + r / p.stride) * p.ow + s / p.stride) * p.n + image;
          sum += dy[place] * w[((k * p.c + c) * p.side + a) * p.side + b];
        }
      }
    }
  }
  dx[i] = sum;
}
`,
  },
  'conv2d dW': {
    shape: '64x16x28x28:16:3',
    source: `${head('alone', 'a weight a thread, which is far too few threads.', ['x', 'dy', 'dw'], `, ${sizes}`)}
  let b = i % p.side;
  let a = i / p.side % p.side;
  let c = i / (p.side * p.side) % p.c;
  let k = i / (p.side * p.side * p.c);
  var sum = 0.0;
  for (var row = 0u; row < p.oh; row++) {
    for (var column = 0u; column < p.ow; column++) {
      let h = row * p.stride + a - p.padding; // below 0 it wraps around, and is too large
      let s = column * p.stride + b - p.padding;
      if (h >= p.h || s >= p.w) { continue; }
      for (var image = 0u; image < p.n; image++) {
        sum += dy[((k * p.oh + row) * p.ow + column) * p.n + image] * x[((c * p.h + h) * p.w + s) * p.n + image];
      }
    }
  }
  dw[i] = sum;
}
`,
  },
  'matmul forward': {
    shape: '256x256:256',
    source: `${head('product', 'an element a thread.', ['a', 'b', 'y'], ', m: u32, k: u32, n: u32')}
  let row = i / p.n;
  let column = i % p.n;
  var sum = 0.0;
  for (var t = 0u; t < p.k; t++) { sum += a[row * p.k + t] * b[t * p.n + column]; }
  y[i] = sum;
}
`,
  },
  'linear forward': {
    shape: '64x64:10',
    source: `${head('classify', 'an element a thread.', ['x', 'w', 'b', 'y'], ', inFeatures: u32, outFeatures: u32')}
  let row = i / p.outFeatures;
  let to = i % p.outFeatures;
  var sum = b[to];
  for (var t = 0u; t < p.inFeatures; t++) { sum += x[row * p.inFeatures + t] * w[to * p.inFeatures + t]; }
  y[i] = sum;
}
`,
  },
  'softmax forward': {
    shape: '256x10',
    source: `${head('share', 'an element a thread; each adds up its row.', ['x', 'y'], ', classes: u32')}
${rowSum}
  y[i] = exp(x[i] - most) / total;
}
`,
  },
  'softmax backward': {
    shape: '256x10',
    source: `${head('slope', 'an element a thread; each adds up its row.', ['x', 'dy', 'dx'], ', classes: u32')}
${rowSum}
  var inner = 0.0;
  for (var c = 0u; c < p.classes; c++) { inner += dy[row + c] * exp(x[row + c] - most) / total; }
  dx[i] = exp(x[i] - most) / total * (dy[i] - inner);
}
`,
  },
  'globalAvgPool forward': {
    shape: '64x64x7x7',
    source: `${head('mean', 'a picture and channel a thread; lane = channel.', ['x', 'y'], ', n: u32, c: u32, h: u32, w: u32')}
  let image = i / p.c;
  let channel = i % p.c;
  let plane = p.h * p.w;
  var sum = 0.0;
  for (var pixel = 0u; pixel < plane; pixel++) { sum += x[(channel * plane + pixel) * p.n + image]; }
  y[i] = sum / f32(plane);
}
`,
  },
  'globalAvgPool backward': {
    shape: '64x64x7x7',
    source: `${head('spread', 'an element a thread; lane = image.', ['dy', 'dx'], ', n: u32, c: u32, h: u32, w: u32')}
  let image = i % p.n;
  let channel = i / (p.n * p.h * p.w);
  dx[i] = dy[image * p.c + channel] / f32(p.h * p.w);
}
`,
  },
}
