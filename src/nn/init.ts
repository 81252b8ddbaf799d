// Weight initialisation. Drawn in float64 on the host from a named random stream, so a seed means the same weights on
// every adapter.
import type { RandomStream } from '../random.ts'
import { type Shape, sizeOf } from '../tensor.ts'

/** Kaiming normal, fan-out mode, gain of ReLU: N(0, 2 / (K·kh·kw)) for a weight [K, C, kh, kw]. */
export function kaimingNormal(shape: Shape, random: RandomStream): Float32Array {
  const [k, , kh = 1, kw = 1] = shape
  const deviation = Math.sqrt(2 / (k * kh * kw))
  return Float32Array.from({ length: sizeOf(shape) }, () => deviation * random.normal())
}

/** PyTorch's default for linear layers, weight and bias: uniform in ±1/√fanIn. */
export function linearUniform(shape: Shape, fanIn: number, random: RandomStream): Float32Array {
  const bound = 1 / Math.sqrt(fanIn)
  return Float32Array.from({ length: sizeOf(shape) }, () => bound * (2 * random.uniform() - 1))
}
