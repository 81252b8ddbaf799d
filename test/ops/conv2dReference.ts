// The convolution and its three gradients in float64, as loops: the specification of every conv2d kernel.
export interface ConvCase {
  n: number
  c: number
  h: number
  w: number
  k: number
  kh: number
  kw: number
  stride?: [number, number]
  /** top, left, bottom, right */
  padding?: [number, number, number, number]
  dilation?: [number, number]
  groups?: number
  bias?: boolean
}

export function outputSize({ h, w, kh, kw, stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1] }: ConvCase) {
  const oh = Math.floor((h + padding[0] + padding[2] - dilation[0] * (kh - 1) - 1) / stride[0]) + 1
  const ow = Math.floor((w + padding[1] + padding[3] - dilation[1] * (kw - 1) - 1) / stride[1]) + 1
  return [oh, ow]
}

/** Calls `each` with the flat row-major indices (NCHW, OIHW) of every product y[out] += x[input] · w[weight]. */
function products(of: ConvCase, each: (out: number, input: number, weight: number) => void): void {
  const { n, c, h, w, k, kh, kw, stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1 } = of
  const [oh, ow] = outputSize(of)
  const [channels, filters] = [c / groups, k / groups]
  for (let image = 0; image < n; image++)
    for (let filter = 0; filter < k; filter++)
      for (let row = 0; row < oh; row++)
        for (let column = 0; column < ow; column++) {
          const out = ((image * k + filter) * oh + row) * ow + column
          for (let channel = 0; channel < channels; channel++) {
            const plane = image * c + Math.floor(filter / filters) * channels + channel
            for (let i = 0; i < kh; i++) {
              const y = row * stride[0] - padding[0] + i * dilation[0]
              if (y < 0 || y >= h) continue
              for (let j = 0; j < kw; j++) {
                const x = column * stride[1] - padding[1] + j * dilation[1]
                if (x < 0 || x >= w) continue
                each(out, (plane * h + y) * w + x, ((filter * channels + channel) * kh + i) * kw + j)
              }
            }
          }
        }
}

export function convForward(of: ConvCase, x: ArrayLike<number>, w: ArrayLike<number>, b?: ArrayLike<number>) {
  const [oh, ow] = outputSize(of)
  const y = new Float64Array(of.n * of.k * oh * ow)
  products(of, (out, input, weight) => {
    y[out] += x[input] * w[weight]
  })
  return b ? y.map((v, i) => v + b[Math.floor(i / (oh * ow)) % of.k]) : y
}

export function convBackward(of: ConvCase, x: ArrayLike<number>, w: ArrayLike<number>, dy: ArrayLike<number>) {
  const [oh, ow] = outputSize(of)
  const dx = new Float64Array(x.length)
  const dw = new Float64Array(w.length)
  const db = new Float64Array(of.k)
  products(of, (out, input, weight) => {
    dx[input] += dy[out] * w[weight]
    dw[weight] += dy[out] * x[input]
  })
  for (let i = 0; i < dy.length; i++) db[Math.floor(i / (oh * ow)) % of.k] += dy[i]
  return { dx, dw, db }
}
