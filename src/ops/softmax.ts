// Softmax and its logarithm at a temperature, along any axis of any layout.
import source from '../../shaders/softmax.wgsl'
import { record } from '../autograd.ts'
import { checkOptions, InputError } from '../errors.ts'
import { kernels } from '../gpu/kernel.ts'
import { numberOf, type Scalar } from '../gpu/scalar.ts'
import { empty, type Tensor } from '../tensor.ts'
import { axisOf, checkFloat, loops } from './axes.ts'
import { rowsOf } from './reduce.ts'

const softmax_ = kernels<'softmax' | 'logSoftmax' | 'softmaxBackward' | 'logSoftmaxBackward'>(source)

export interface SoftmaxOptions {
  /** The axis of the classes, the last by default. */
  axis?: number
  /** What the logits are divided by, 1 by default; above 0. */
  temperature?: number | Scalar
}

/**
 * softmax(x / T) along an axis, stable for any finite x. Throws InputError for T ≤ 0 or NaN, ShapeError for the axis.
 */
export function softmax(x: Tensor, options: SoftmaxOptions = {}): Tensor {
  return alongRows('softmax', 'softmax', 'softmaxBackward', x, options)
}

/**
 * log softmax(x / T) along an axis, stable for any finite x. Throws InputError for T ≤ 0 or NaN, ShapeError for the
 * axis.
 */
export function logSoftmax(x: Tensor, options: SoftmaxOptions = {}): Tensor {
  return alongRows('logSoftmax', 'logSoftmax', 'logSoftmaxBackward', x, options)
}

type Forward = 'softmax' | 'logSoftmax'
type Backward = 'softmaxBackward' | 'logSoftmaxBackward'

function alongRows(op: string, forward: Forward, backward: Backward, x: Tensor, options: SoftmaxOptions): Tensor {
  checkOptions(op, options, ['axis', 'temperature'])
  const { axis = -1, temperature = 1 } = options
  checkFloat(op, x)
  const value = numberOf(temperature)
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) {
    throw new InputError(`${op}: temperature must be a finite number above 0, got ${value}`)
  }
  const along = axisOf(op, x.shape, axis)
  const { kept, lanes } = rowsOf(op, x, [along], x.strides)
  const params = {
    ...{ rows: kept.n, ...loops(kept), classes: x.shape[along], stride: x.strides[along] },
    temperature: x.gpu.tape.atCall(temperature),
  }
  const grid = { groups: [Math.ceil(kept.n / (64 / lanes))] }
  const variant = { constants: { LANES: lanes } }
  const y = empty(x.gpu, x.shape, 'f32', x.layout, op)
  if (x.size > 0) softmax_[forward]({ x, y }, { ...params, add: 0 }, grid, variant)
  return record(op, y, [x], (dy, [dx]) => {
    if (dx && x.size > 0) softmax_[backward]({ x: y, dy, dx: dx.to }, { ...params, add: dx.add }, grid, variant)
  })
}
