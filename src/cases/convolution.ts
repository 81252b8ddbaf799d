// The convolutions: forward, input gradient, weight gradient, each alone; and as frozen networks have them, with bias,
// residual and ReLU in the same call.
import { backwardOf, noGrad } from '../autograd.ts'
import { conv2d } from '../ops/conv2d.ts'
import type { Geometry } from '../ops/conv2dGeometry.ts'
import { type ConvShape, geometryOf } from '../ops/conv2dKey.ts'
import { bytesOf, type Expected, type Family, type Inputs, type Work } from './work.ts'

/** 16@28 and so on: as many channels in as out, 3x3, stride 1. */
const square = ['16@28', '32@14', '64@7', '16@32', '32@16', '64@8', '8@14', '16@7', '32@4', '8@7', '16@4', '32@2'].map(
  (text) => {
    const [channels, side] = text.split('@')
    return `64x${channels}x${side}x${side}:${channels}:3`
  },
)
/** Of the standard student of cross-quality distillation. */
const student = ['64x16x14x14:16:3', '64x32x7x7:32:3', '64x64x4x4:64:3', '64x16x14x14:32:3/2', '64x32x7x7:64:3/2']
const stems = ['64x1x28x28:16:3', '64x3x32x32:16:3', '64x1x14x14:8:3'].map((shape) => `${shape} !dX`)
const strided = ['64x16x28x28:32:3/2', '64x32x14x14:64:3/2', '64x16x32x32:32:3/2', '64x8x14x14:16:3/2']
const pointwise = ['64x16x28x28:32:1/2', '64x32x14x14:64:1/2', '64x16x32x32:32:1/2', '64x16x28x28:32:1']
/** What frozen networks do: teachers in a step, and one picture. */
const frozen = [...square.slice(0, 3), ...['1x16x28x28:16:3', '1x32x14x14:32:3', '1x64x7x7:64:3']]

const trained = (shape: string) => `${shape} !folded`

export const convolution: Family = {
  op: 'conv2d',
  syntax: 'NxCxHxW:K:SIDE[/STRIDE], padding SIDE/2; 64x16x28x28:16:3',
  pattern: /^(\d+)x(\d+)x(\d+)x(\d+):(\d+):(\d+)(?:\/(\d+))?$/,
  passes: ['forward', 'dX', 'dW', 'folded'],
  shapes: [
    ...[...square, ...student, ...stems, ...strided, ...pointwise].map(trained),
    ...frozen.map((shape) => `${shape} !forward !dX !dW`),
  ],
  quick: [square[0], square[1], square[2], square[6], strided[0]].map(trained),
  make: (inputs, sizes, pass) => make(inputs, convShape(sizes), pass),
}

/** The groups of the pattern as a shape. */
function convShape([n, c, h, w, k, kernel, stride]: readonly number[]): Required<Omit<ConvShape, 'bias'>> {
  return { n, c, h, w, k, kernel, stride: stride || 1, padding: Math.floor(kernel / 2) }
}

/** The shape that a bench writes as `text`. */
export const convShapeOf = (text: string) =>
  convShape(
    convolution.pattern
      .exec(text)!
      .slice(1)
      .map((size) => Number(size ?? 0)),
  )

function make(inputs: Inputs, shape: ReturnType<typeof convShape>, pass: string): Work {
  const g = geometryOf(shape)
  const { n, c, h, w, k, oh, ow } = g
  const { kernel: side, stride, padding } = shape
  const x = inputs.picture('x', [n, c, h, w], pass === 'dX')
  const weight = inputs.uniform('w', [k, c, side, side], { grad: pass === 'dW' })
  const flops = 2 * n * k * oh * ow * c * side * side
  const numbers = { n, c, h, w, k, side, stride, padding, oh, ow, add: 0 }
  const output = { name: 'y', shape: [n, k, oh, ow], layout: x.tensor.layout }
  if (pass === 'folded') {
    const b = inputs.uniform('b', [k])
    const r = inputs.picture('r', output.shape)
    const sum = forward(g, x.values, weight.values)
    const options = { stride, padding, residual: r.tensor, relu: true }
    const tensors = { x: x.tensor, w: weight.tensor, b: b.tensor, r: r.tensor }
    return {
      flops,
      bytes: bytesOf(...Object.values(tensors), r.tensor),
      record: () => [noGrad(inputs.engine.gpu, () => conv2d(x.tensor, weight.tensor, b.tensor, options))],
      want: [(i) => Math.max(0, sum(i) + b.values[Math.floor(i / (oh * ow)) % k] + r.values[i])],
      open: { inputs: tensors, output, numbers },
    }
  }
  const call = () => conv2d(x.tensor, weight.tensor, null, { stride, padding })
  if (pass === 'forward') {
    return {
      flops,
      bytes: bytesOf(x.tensor, weight.tensor) + 4 * n * k * oh * ow,
      record: () => [call()],
      want: [forward(g, x.values, weight.values)],
      open: { inputs: { x: x.tensor, w: weight.tensor }, output, numbers },
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
    want: [toX ? inputGradient(g, weight.values, dy.values) : weightGradient(g, x.values, dy.values)],
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

function forward(
  { n, c, h, w, k, kh, strideH: stride, padT: padding, oh, ow }: Geometry,
  x: Float32Array,
  wt: Float32Array,
): Expected {
  return (index) => {
    const [image, out, row, column] = at(index, [n, k, oh, ow])
    let sum = 0
    for (let channel = 0; channel < c; channel++)
      for (let i = 0; i < kh; i++)
        for (let j = 0; j < kh; j++) {
          const [r, s] = [row * stride + i - padding, column * stride + j - padding]
          if (r < 0 || r >= h || s < 0 || s >= w) continue
          sum += x[((image * c + channel) * h + r) * w + s] * wt[((out * c + channel) * kh + i) * kh + j]
        }
    return sum
  }
}

function inputGradient(
  { n, c, h, w, k, kh, strideH: stride, padT: padding, oh, ow }: Geometry,
  wt: Float32Array,
  dy: Float32Array,
): Expected {
  return (index) => {
    const [image, channel, row, column] = at(index, [n, c, h, w])
    let sum = 0
    for (let out = 0; out < k; out++)
      for (let i = 0; i < kh; i++)
        for (let j = 0; j < kh; j++) {
          const [r, s] = [(row + padding - i) / stride, (column + padding - j) / stride]
          if (!Number.isInteger(r) || !Number.isInteger(s) || r < 0 || r >= oh || s < 0 || s >= ow) continue
          sum += dy[((image * k + out) * oh + r) * ow + s] * wt[((out * c + channel) * kh + i) * kh + j]
        }
    return sum
  }
}

function weightGradient(
  { n, c, h, w, k, kh, strideH: stride, padT: padding, oh, ow }: Geometry,
  x: Float32Array,
  dy: Float32Array,
): Expected {
  return (index) => {
    const [out, channel, i, j] = at(index, [k, c, kh, kh])
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
