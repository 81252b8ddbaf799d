// One helper carries the work: seeded inputs, forward and backward on the GPU, the same in float64, comparison. A case
// in a test file is then one line.
import * as assert from 'uvu/assert'
import { backward } from '../src/autograd.ts'
import { type Layout, type Shape, sizeOf, stridesOf, type Tensor } from '../src/tensor.ts'
import { engine } from './device.ts'

/** A small generator for test inputs: values in (-1, 1), the same for the same seed. */
export function uniform(size: number, seed = 1): Float32Array {
  let state = (seed * 2654435761) >>> 0 || 1
  const out = new Float32Array(size)
  for (let i = 0; i < size; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    out[i] = ((state >>> 0) / 4294967296) * 2 - 1
  }
  return out
}

/** f over operands of these shapes, repeated to `to`, in float64. */
export function broadcast(f: (...values: number[]) => number, shapes: Shape[], to: Shape) {
  const inner = stridesOf(to, 'row')
  const at = (shape: Shape, i: number) => {
    const strides = stridesOf(shape, 'row')
    return shape.reduce((sum, size, d) => {
      const axis = d + to.length - shape.length
      return sum + (size === 1 ? 0 : (Math.floor(i / inner[axis]) % to[axis]) * strides[d])
    }, 0)
  }
  return (...operands: Float64Array[]) =>
    Float64Array.from({ length: sizeOf(to) }, (_, i) => f(...operands.map((x, k) => x[at(shapes[k], i)])))
}

export interface Tolerance {
  atol?: number
  rtol?: number
}

/** Every element within atol + rtol·|want|; NaN only against NaN. The message names the worst element. */
export function allclose(got: ArrayLike<number>, want: ArrayLike<number>, tolerance: Tolerance = {}, what = ''): void {
  const { atol = 1e-5, rtol = 1e-4 } = tolerance
  assert.is(got.length, want.length, `${what}: ${got.length} values, expected ${want.length}`)
  let worst = 0
  let at = -1
  for (let i = 0; i < want.length; i++) {
    if (Object.is(got[i], want[i]) || got[i] === want[i]) continue
    const ratio = Math.abs(got[i] - want[i]) / (atol + rtol * Math.abs(want[i]))
    if (!(ratio <= worst)) {
      worst = Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio
      at = i
      if (worst === Number.POSITIVE_INFINITY) break
    }
  }
  assert.ok(worst <= 1, `${what}: element ${at} is ${got[at]}, expected ${want[at]} (${worst.toFixed(1)} x tolerance)`)
}

export interface Input {
  shape: Shape
  data?: ArrayLike<number>
  layout?: Layout
  /** false: no gradient is asked for. */
  grad?: boolean
}

export interface OpCase {
  name: string
  inputs: Input[]
  /** The op under test. */
  op: (...x: Tensor[]) => Tensor
  /** The same function in float64, of logical row-major arrays. */
  reference: (...x: Float64Array[]) => Float64Array
  tolerance?: Tolerance
  /** false where only the forward exists or the point is a kink. */
  gradient?: boolean
  seed?: number
}

/**
 * Checks forward against the reference, and each gradient against a central difference of the *reference* (never of
 * float32 GPU output) along one random direction, in float64.
 */
export async function checkOp({
  name,
  inputs,
  op,
  reference,
  tolerance,
  gradient = true,
  seed = 7,
}: OpCase): Promise<void> {
  const values = inputs.map((x, i) => Float64Array.from(x.data ?? uniform(sizeOf(x.shape), seed + 31 * i)))
  const tensors = inputs.map((x, i) =>
    engine.tensor(values[i], x.shape, { layout: x.layout, requiresGrad: gradient && x.grad !== false }),
  )
  const y = op(...tensors)
  const want = reference(...values)
  allclose(await y.read(), want, tolerance, `${name} forward`)
  if (!gradient) return
  const upstream = uniform(want.length, seed + 1000)
  backward(y, engine.tensor(upstream, y.shape, { layout: y.layout }))
  for (const [i, tensor] of tensors.entries()) {
    if (inputs[i].grad === false) continue
    const got = await tensor.grad!.read()
    const direction = uniform(values[i].length, seed + 2000 + i)
    const h = 1e-5
    const shifted = (sign: number) => {
      const moved = values.map((v, j) => (j === i ? v.map((a, k) => a + sign * h * direction[k]) : v))
      return reference(...moved).reduce((sum, a, k) => sum + a * upstream[k], 0)
    }
    const numeric = (shifted(1) - shifted(-1)) / (2 * h)
    let analytic = 0
    let scale = 0
    got.forEach((g, k) => {
      analytic += g * direction[k]
      scale += Math.abs(g * direction[k])
    })
    const bound = 1e-4 * Math.max(scale, 1e-2)
    const message = `${name} gradient of input ${i}: directional derivative ${analytic}, expected ${numeric}`
    assert.ok(Math.abs(analytic - numeric) <= bound, message)
  }
}
