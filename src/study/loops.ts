// What the kernels compute, as plain loops in float64: the reference of the self-test. Arrays are row-major; gradients
// are those of the sum of y · dy.

type Values = ArrayLike<number>

interface ConvSizes {
  n: number
  c: number
  h: number
  w: number
  k: number
  kernel: number
  stride: number
  padding: number
}

/** x [n, c, h, w], w [k, c, kernel, kernel]. */
export function conv2d(x: Values, weight: Values, dy: Values, sizes: ConvSizes) {
  const { n, c, h, w, k, kernel, stride, padding } = sizes
  const [oh, ow] = [h, w].map((size) => Math.floor((size + 2 * padding - kernel) / stride) + 1)
  const y = new Float64Array(n * k * oh * ow)
  const dx = new Float64Array(n * c * h * w)
  const dw = new Float64Array(k * c * kernel * kernel)
  let at = 0
  for (let image = 0; image < n; image++)
    for (let out = 0; out < k; out++)
      for (let row = 0; row < oh; row++)
        for (let column = 0; column < ow; column++, at++)
          for (let channel = 0; channel < c; channel++)
            for (let i = 0; i < kernel; i++)
              for (let j = 0; j < kernel; j++) {
                const [r, s] = [row * stride + i - padding, column * stride + j - padding]
                if (r < 0 || r >= h || s < 0 || s >= w) continue
                const from = ((image * c + channel) * h + r) * w + s
                const tap = ((out * c + channel) * kernel + i) * kernel + j
                y[at] += x[from] * weight[tap]
                dx[from] += dy[at] * weight[tap]
                dw[tap] += dy[at] * x[from]
              }
  return { y, dx, dw }
}

/** x [n, c, pixels], training; momentum 0.1, eps 1e-5, running statistics from 0 and 1. */
export function batchNorm(
  x: Values,
  gamma: Values,
  beta: Values,
  dy: Values,
  { n, c, pixels }: { n: number; c: number; pixels: number },
) {
  const [y, dx] = [new Float64Array(x.length), new Float64Array(x.length)]
  const [dgamma, dbeta, runningMean, runningVar] = [0, 1, 2, 3].map(() => new Float64Array(c))
  const count = n * pixels
  for (let channel = 0; channel < c; channel++) {
    const indices: number[] = []
    for (let image = 0; image < n; image++)
      for (let pixel = 0; pixel < pixels; pixel++) indices.push((image * c + channel) * pixels + pixel)
    const mean = indices.reduce((sum, i) => sum + x[i], 0) / count
    const variance = indices.reduce((sum, i) => sum + (x[i] - mean) ** 2, 0) / count
    const scale = 1 / Math.sqrt(variance + 1e-5)
    for (const i of indices) {
      y[i] = gamma[channel] * (x[i] - mean) * scale + beta[channel]
      dbeta[channel] += dy[i]
      dgamma[channel] += dy[i] * (x[i] - mean) * scale
    }
    for (const i of indices) {
      const normalised = (x[i] - mean) * scale
      dx[i] = gamma[channel] * scale * (dy[i] - dbeta[channel] / count - (normalised * dgamma[channel]) / count)
    }
    runningMean[channel] = 0.1 * mean
    runningVar[channel] = 0.9 + (0.1 * variance * count) / (count - 1)
  }
  return { y, dx, dgamma, dbeta, runningMean, runningVar }
}

/** a [m, k], b [k, n]. */
export function matmul(a: Values, b: Values, dc: Values, { m, k, n }: { m: number; k: number; n: number }) {
  const [c, da, db] = [m * n, m * k, k * n].map((size) => new Float64Array(size))
  for (let row = 0; row < m; row++)
    for (let column = 0; column < n; column++)
      for (let i = 0; i < k; i++) {
        c[row * n + column] += a[row * k + i] * b[i * n + column]
        da[row * k + i] += dc[row * n + column] * b[i * n + column]
        db[i * n + column] += dc[row * n + column] * a[row * k + i]
      }
  return { c, da, db }
}

function probabilities(x: Values, row: number, classes: number, T: number): Float64Array {
  const scaled = Float64Array.from({ length: classes }, (_, k) => x[row * classes + k] / T)
  const most = Math.max(...scaled)
  const powers = scaled.map((value) => Math.exp(value - most))
  const sum = powers.reduce((total, value) => total + value, 0)
  return powers.map((value) => value / sum)
}

export function softmax(x: Values, dy: Values, { classes, T }: { classes: number; T: number }) {
  const [y, dx] = [new Float64Array(x.length), new Float64Array(x.length)]
  for (let row = 0; row < x.length / classes; row++) {
    const p = probabilities(x, row, classes, T)
    const inner = p.reduce((sum, value, k) => sum + value * dy[row * classes + k], 0)
    p.forEach((value, k) => {
      y[row * classes + k] = value
      dx[row * classes + k] = (value * (dy[row * classes + k] - inner)) / T
    })
  }
  return { y, dx }
}

/** ceWeight CE + weight T² KL(softmax(t / (tau T)) ‖ softmax(x / T)), mean over the rows. */
export function distillLoss(
  x: Values,
  t: Values,
  labels: Values,
  options: { classes: number; T: number; tau: number; ceWeight: number; weight: number },
) {
  const { classes, T, tau, ceWeight, weight } = options
  const dx = new Float64Array(x.length)
  let loss = 0
  for (let row = 0; row < labels.length; row++) {
    const [hard, student] = [1, T].map((temperature) => probabilities(x, row, classes, temperature))
    const target = probabilities(t, row, classes, T * tau)
    const divergence = target.reduce((sum, p, k) => sum + p * Math.log(p / student[k]), 0)
    loss += (weight * T * T * divergence - ceWeight * Math.log(hard[labels[row]])) / labels.length
    for (let k = 0; k < classes; k++) {
      const ce = ceWeight * (hard[k] - (labels[row] === k ? 1 : 0))
      dx[row * classes + k] = (ce + weight * T * (student[k] - target[k])) / labels.length
    }
  }
  return { loss, dx }
}

/** The same gradient in every step; betas 0.9 and 0.999, eps 1e-8. */
export function adamW(
  x: Values,
  dx: Values,
  options: { steps: number; lr: number; weightDecay: number },
): Float64Array {
  const { steps, lr, weightDecay } = options
  const [values, mean, square] = [Float64Array.from(x), new Float64Array(x.length), new Float64Array(x.length)]
  for (let step = 1; step <= steps; step++) {
    for (let i = 0; i < values.length; i++) {
      mean[i] = 0.9 * mean[i] + 0.1 * dx[i]
      square[i] = 0.999 * square[i] + 0.001 * dx[i] ** 2
      const unbiased = Math.sqrt(square[i] / (1 - 0.999 ** step)) + 1e-8
      values[i] -= lr * weightDecay * values[i] + (lr * mean[i]) / (1 - 0.9 ** step) / unbiased
    }
  }
  return values
}

/** Bytes [n, side, side], the pictures in reverse order: means of 2x2 pixels, scaled to [0, 1] and normalised. */
export function halved(
  images: Values,
  { n, side, mean, deviation }: { n: number; side: number; mean: number; deviation: number },
): Float64Array {
  const half = side / 2
  return Float64Array.from({ length: n * half * half }, (_, i) => {
    const [picture, row, column] = [n - 1 - Math.floor(i / half ** 2), Math.floor(i / half) % half, i % half]
    const corner = (picture * side + 2 * row) * side + 2 * column
    const sum = images[corner] + images[corner + 1] + images[corner + side] + images[corner + side + 1]
    return (sum / 4 / 255 - mean) / deviation
  })
}
