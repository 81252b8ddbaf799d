// The contest of a convolution's pass: the kernels that its plan knows for the shape, on seeded numbers.
import { backwardOf } from '../autograd.ts'
import type { Engine } from '../engine.ts'
import { conv2dBy } from '../ops/conv2d.ts'
import { type ConvPass, type ConvShape, convKey, geometryOf } from '../ops/conv2dKey.ts'
import { ableKernels } from '../ops/conv2dPlan.ts'
import { stream } from '../random.ts'
import { type Layout, type Shape, sizeOf } from '../tensor.ts'
import type { Candidate, Contest } from './contest.ts'

/** Throws InputError for a shape that is none. */
export function conv2dContest(engine: Engine, shape: ConvShape, pass: ConvPass): Contest {
  const g = geometryOf(shape)
  const { n, c, h, w: width, k, kernel, stride = 1, padding = 0, bias = false } = shape
  const given = (purpose: string, dims: Shape, layout: Layout = 'row') => {
    const random = stream(1, purpose)
    const values = Float32Array.from({ length: sizeOf(dims) }, () => 2 * random.uniform() - 1)
    return engine.tensor(values, dims, { layout, label: purpose })
  }
  const x = given('x', [n, c, h, width], 'chwn')
  const w = given('w', [k, c, kernel, kernel])
  const b = bias ? given('b', [k]) : null
  const dy = given('dy', [n, k, g.oh, g.ow], 'chwn')
  const wanted = { forward: null, dX: x, dW: w }[pass]
  if (wanted) wanted.requiresGrad = true
  const candidates = ableKernels(engine.gpu, g)[pass].map((kernel): Candidate => {
    const call = () => conv2dBy({ [pass]: kernel }, x, w, b, { stride, padding })
    if (!wanted) return { kernel, record: call }
    const gradients = backwardOf(call(), dy)
    return { kernel, record: () => gradients()[0] }
  })
  return { key: convKey(g, pass)!, candidates, reference: candidates.find(({ kernel }) => kernel === 'generic')! }
}
