// Batch norm in training with ReLU, alone and with a residual.
import { backwardOf } from '../autograd.ts'
import { batchNorm } from '../ops/batchNorm.ts'
import { ACTIVATIONS, bytesOf, type Family, type Inputs, PICTURE, type Work } from './work.ts'

export const normalisation: Family = {
  op: 'batchNorm',
  ...PICTURE,
  passes: ['forward', 'backward', 'residual forward', 'residual backward'],
  shapes: [...ACTIVATIONS, '64x16x14x14', '64x32x7x7', '64x8x7x7'],
  quick: ACTIVATIONS.slice(0, 1),
  make: (inputs, sizes, pass) => norm(inputs, sizes, pass.startsWith('residual'), pass.endsWith('backward')),
}

function norm(inputs: Inputs, [n, c, h, w]: readonly number[], withResidual: boolean, back: boolean): Work {
  const { engine } = inputs
  const shape = [n, c, h, w]
  const x = inputs.picture('x', shape, back)
  const gamma = inputs.uniform('gamma', [c], { scale: 0.5, offset: 1, grad: back })
  const beta = inputs.uniform('beta', [c], { scale: 0.5, grad: back })
  const residual = withResidual ? inputs.picture('residual', shape, back) : null
  const running = { runningMean: engine.zeros([c]), runningVar: engine.full([c], 1) }
  const weights = { gamma: gamma.tensor, beta: beta.tensor, ...running }
  const call = () => batchNorm(x.tensor, weights, { train: true, relu: true, residual: residual?.tensor })
  const { of, channelOf, count } = statistics(x.values, shape)
  const before = (i: number): number => {
    const { mean, scale } = of(channelOf(i))
    const channel = channelOf(i)
    const affine = gamma.values[channel] * (x.values[i] - mean) * scale + beta.values[channel]
    return affine + (residual?.values[i] ?? 0)
  }
  const tensors = residual ? [x.tensor, residual.tensor] : [x.tensor]
  if (!back) {
    const { runningMean, runningVar } = running
    const after = [(k: number) => 0.1 * of(k).mean, (k: number) => 0.9 + (0.1 * of(k).variance * count) / (count - 1)]
    const want = [(i: number) => Math.max(0, before(i)), ...after]
    const record = () => [call(), runningMean, runningVar]
    return { flops: 0, bytes: bytesOf(...tensors, x.tensor), record, want }
  }
  const dy = inputs.picture('dy', shape)
  const through = (i: number) => (before(i) > 0 ? dy.values[i] : 0)
  const known = new Map<number, { dgamma: number; dbeta: number }>()
  const sums = (channel: number) => {
    const found = known.get(channel)
    if (found) return found
    const { mean, scale, indices } = of(channel)
    let [dgamma, dbeta] = [0, 0]
    for (const i of indices()) {
      dbeta += through(i)
      dgamma += through(i) * (x.values[i] - mean) * scale
    }
    known.set(channel, { dgamma, dbeta })
    return { dgamma, dbeta }
  }
  const dx = (i: number): number => {
    const channel = channelOf(i)
    const { mean, scale } = of(channel)
    const { dgamma, dbeta } = sums(channel)
    const normal = (x.values[i] - mean) * scale
    return gamma.values[channel] * scale * (through(i) - dbeta / count - (normal * dgamma) / count)
  }
  const want = [dx, (k: number) => sums(k).dgamma, (k: number) => sums(k).dbeta]
  const y = call()
  return {
    flops: 0,
    bytes: bytesOf(...tensors, ...tensors, dy.tensor),
    record: backwardOf(y, dy.tensor),
    want: residual ? [through, ...want] : want,
  }
}

interface Statistics {
  mean: number
  variance: number
  /** 1 / deviation. */
  scale: number
  indices: () => Generator<number>
}

/** Of every channel of [N, C, H, W], each computed when it is asked for. */
function statistics(x: Float32Array, [n, c, h, w]: readonly number[]) {
  const plane = h * w
  const count = n * plane
  const known = new Map<number, Statistics>()
  function* indicesOf(channel: number): Generator<number> {
    for (let image = 0; image < n; image++)
      for (let pixel = 0; pixel < plane; pixel++) yield (image * c + channel) * plane + pixel
  }
  const of = (channel: number) => {
    const found = known.get(channel)
    if (found) return found
    const indices = () => indicesOf(channel)
    let [sum, squares] = [0, 0]
    for (const i of indices()) sum += x[i]
    const mean = sum / count
    for (const i of indices()) squares += (x[i] - mean) ** 2
    const variance = squares / count
    const made = { mean, variance, scale: 1 / Math.sqrt(variance + 1e-5), indices }
    known.set(channel, made)
    return made
  }
  return { of, channelOf: (i: number) => Math.floor(i / plane) % c, count }
}
