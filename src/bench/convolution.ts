// The convolutions: forward, input gradient, weight gradient, each alone.
import { conv2d } from '../ops/conv2d.ts'
import { backwardOf, bytesOf, type Expected, type Family, type Inputs, type Work } from './work.ts'

/** 16@28 and so on: as many channels in as out, 3x3, stride 1. */
const square = ['16@28', '32@14', '64@7', '16@32', '32@16', '64@8', '8@14', '16@7', '32@4', '8@7', '16@4', '32@2'].map(
  (text) => {
    const [channels, side] = text.split('@')
    return `64x${channels}x${side}x${side}:${channels}:3`
  },
)
const stems = ['64x1x28x28:16:3', '64x3x32x32:16:3', '64x1x14x14:8:3'].map((shape) => `${shape} !dX`)
const strided = ['64x16x28x28:32:3/2', '64x32x14x14:64:3/2', '64x16x32x32:32:3/2', '64x8x14x14:16:3/2']
const pointwise = ['64x16x28x28:32:1/2', '64x32x14x14:64:1/2', '64x16x32x32:32:1/2', '64x16x28x28:32:1']

export const convolution: Family = {
  op: 'conv2d',
  syntax: 'NxCxHxW:K:SIDE[/STRIDE], padding SIDE/2; 64x16x28x28:16:3',
  pattern: /^(\d+)x(\d+)x(\d+)x(\d+):(\d+):(\d+)(?:\/(\d+))?$/,
  passes: ['forward', 'dX', 'dW'],
  shapes: [...square, ...stems, ...strided, ...pointwise],
  quick: [square[0], square[1], square[2], square[6], strided[0]],
  make,
}

interface Sizes {
  n: number
  c: number
  h: number
  w: number
  k: number
  side: number
  stride: number
  padding: number
  oh: number
  ow: number
}

function make(inputs: Inputs, [n, c, h, w, k, side, given]: readonly number[], pass: string): Work {
  const stride = given || 1
  const padding = Math.floor(side / 2)
  const [oh, ow] = [h, w].map((size) => Math.floor((size + 2 * padding - side) / stride) + 1)
  const sizes = { n, c, h, w, k, side, stride, padding, oh, ow }
  const x = inputs.picture('x', [n, c, h, w], pass === 'dX')
  const weight = inputs.uniform('w', [k, c, side, side], { grad: pass === 'dW' })
  const flops = 2 * n * k * oh * ow * c * side * side
  const numbers = { ...sizes, add: 0 }
  const call = () => conv2d(x.tensor, weight.tensor, null, { stride, padding })
  if (pass === 'forward') {
    const shape = [n, k, oh, ow]
    return {
      flops,
      bytes: bytesOf(x.tensor, weight.tensor) + 4 * n * k * oh * ow,
      record: () => [call()],
      want: [forward(sizes, x.values, weight.values)],
      open: {
        inputs: { x: x.tensor, w: weight.tensor },
        output: { name: 'y', shape, layout: 'chwn' },
        numbers,
      },
    }
  }
  const y = call()
  const dy = inputs.picture('dy', [n, k, oh, ow])
  const toX = pass === 'dX'
  const [other, result] = toX ? [weight.tensor, x.tensor] : [x.tensor, weight.tensor]
  return {
    flops,
    bytes: bytesOf(dy.tensor, other, result),
    record: backwardOf(y, dy.tensor),
    want: [toX ? inputGradient(sizes, weight.values, dy.values) : weightGradient(sizes, x.values, dy.values)],
    open: {
      inputs: { [toX ? 'w' : 'x']: other, dy: dy.tensor },
      output: { name: toX ? 'dx' : 'dw', shape: result.shape, layout: result.layout },
      numbers,
    },
  }
}

/** The row-major index as coordinates. */
function at(index: number, shape: readonly number[]): number[] {
  const place: number[] = []
  let rest = index
  for (let i = shape.length - 1; i >= 0; i--) {
    place[i] = rest % shape[i]
    rest = Math.floor(rest / shape[i])
  }
  return place
}

function forward({ n, c, h, w, k, side, stride, padding, oh, ow }: Sizes, x: Float32Array, wt: Float32Array): Expected {
  return (index) => {
    const [image, out, row, column] = at(index, [n, k, oh, ow])
    let sum = 0
    for (let channel = 0; channel < c; channel++)
      for (let i = 0; i < side; i++)
        for (let j = 0; j < side; j++) {
          const [r, s] = [row * stride + i - padding, column * stride + j - padding]
          if (r < 0 || r >= h || s < 0 || s >= w) continue
          sum += x[((image * c + channel) * h + r) * w + s] * wt[((out * c + channel) * side + i) * side + j]
        }
    return sum
  }
}

function inputGradient(
  { n, c, h, w, k, side, stride, padding, oh, ow }: Sizes,
  wt: Float32Array,
  dy: Float32Array,
): Expected {
  return (index) => {
    const [image, channel, row, column] = at(index, [n, c, h, w])
    let sum = 0
    for (let out = 0; out < k; out++)
      for (let i = 0; i < side; i++)
        for (let j = 0; j < side; j++) {
          const [r, s] = [(row + padding - i) / stride, (column + padding - j) / stride]
          if (!Number.isInteger(r) || !Number.isInteger(s) || r < 0 || r >= oh || s < 0 || s >= ow) continue
          sum += dy[((image * k + out) * oh + r) * ow + s] * wt[((out * c + channel) * side + i) * side + j]
        }
    return sum
  }
}

function weightGradient(
  { n, c, h, w, k, side, stride, padding, oh, ow }: Sizes,
  x: Float32Array,
  dy: Float32Array,
): Expected {
  return (index) => {
    const [out, channel, i, j] = at(index, [k, c, side, side])
    let sum = 0
    for (let image = 0; image < n; image++)
      for (let row = 0; row < oh; row++)
        for (let column = 0; column < ow; column++) {
          const [r, s] = [row * stride + i - padding, column * stride + j - padding]
          if (r < 0 || r >= h || s < 0 || s >= w) continue
          sum += dy[((image * k + out) * oh + row) * ow + column] * x[((image * c + channel) * h + r) * w + s]
        }
    return sum
  }
}
