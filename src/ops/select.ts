// Choosing among elements: the greatest, where it is, the k best. NaN counts as greater than any number.
import source from '../../shaders/select.wgsl'
import { record } from '../autograd.ts'
import { checkOptions, InputError, ShapeError } from '../errors.ts'
import { kernels } from '../gpu/kernel.ts'
import { empty, showShape, type Tensor } from '../tensor.ts'
import { axesOf, axisOf, checkFloat, keptStrides, loops } from './axes.ts'
import { fill } from './copy.ts'
import { REDUCE, type ReduceOptions, reducedForm, rowsOf } from './reduce.ts'

const select_ = kernels<'top' | 'backward'>(source)
const ALL_BITS = 0xffffffff

/**
 * The greatest element over axes, -Infinity over none; the first of equal ones takes the gradient. Throws ShapeError.
 */
export function max(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkOptions('max', options, REDUCE)
  checkFloat('max', x)
  const axes = axesOf('max', x.shape, options.axes)
  const { shape, layout } = reducedForm(x, axes, options.keepDims ?? false)
  const y = empty(x.gpu, shape, 'f32', layout, 'max')
  const indices = empty(x.gpu, shape, 'i32', layout, 'max indices')
  const choice = choose('max', x, axes, keptStrides(x.shape, axes, layout), 0, 1)
  if (x.size > 0) choice.forward(y, indices)
  else fill(y, Number.NEGATIVE_INFINITY)
  return record('max', y, [x], (dy, [dx]) => {
    if (dx && x.size > 0) choice.backward(indices, dy, dx.to, dx.add)
  })
}

export interface ArgmaxOptions {
  /** Leave the axis in the shape with size 1. Default false. */
  keepDims?: boolean
  /** Of equal elements take the last instead of the first. Default false. */
  last?: boolean
}

/**
 * Where the greatest element along an axis is, the first of equal ones: i32. Throws ShapeError for an axis without
 * elements.
 */
export function argmax(x: Tensor, axis = -1, options: ArgmaxOptions = {}): Tensor {
  checkOptions('argmax', options, ['keepDims', 'last'])
  const { keepDims = false, last = false } = options
  checkFloat('argmax', x)
  const axes = [axisOf('argmax', x.shape, axis)]
  if (x.shape[axes[0]] === 0) throw new ShapeError(`argmax: no elements along axis ${axis} of ${showShape(x.shape)}`)
  const { shape, layout } = reducedForm(x, axes, keepDims)
  const values = empty(x.gpu, shape, 'f32', layout, 'argmax values')
  const indices = empty(x.gpu, shape, 'i32', layout, 'argmax')
  choose('argmax', x, axes, keptStrides(x.shape, axes, layout), 0, 1, { last }).forward(values, indices)
  return indices
}

export interface TopkOptions {
  /** false: the least elements, the least first. Default true. */
  largest?: boolean
}

/**
 * The k greatest elements along an axis, the greatest first, of equal ones the lower index first; values
 * (differentiable) and i32 indices with k in the place of the axis. Throws InputError unless k is from 0 to the size of
 * the axis.
 */
export function topk(x: Tensor, k: number, axis = -1, options: TopkOptions = {}): { values: Tensor; indices: Tensor } {
  checkOptions('topk', options, ['largest'])
  checkFloat('topk', x)
  const along = axisOf('topk', x.shape, axis)
  if (!(Number.isInteger(k) && k >= 0 && k <= x.shape[along])) {
    throw new InputError(`topk: k must be from 0 to ${x.shape[along]}, the size of axis ${axis}, got ${k}`)
  }
  const shape = x.shape.map((size, i) => (i === along ? k : size))
  const values = empty(x.gpu, shape, 'f32', x.layout, 'topk')
  const indices = empty(x.gpu, shape, 'i32', x.layout, 'topk indices')
  const choice = choose('topk', x, [along], values.strides, values.strides[along], k, options)
  choice.forward(values, indices)
  record('topk', values, [x], (dy, [dx]) => {
    if (dx) choice.backward(indices, dy, dx.to, dx.add)
  })
  return { values, indices }
}

/**
 * The dispatches of one choice: `strides` say where an output lies in the results, `place` how far its k values are
 * apart.
 */
function choose(
  op: string,
  x: Tensor,
  axes: readonly number[],
  strides: readonly number[],
  place: number,
  k: number,
  { largest = true, last = false }: TopkOptions & ArgmaxOptions = {},
) {
  const { kept, reduced, lanes } = rowsOf(op, x, axes, strides, true)
  const [outer, inner] = [loops(kept), loops(reduced)]
  const params = {
    ...{ outputs: kept.n, length: reduced.n, k, place, flip: largest ? 0 : ALL_BITS, last: last ? ALL_BITS : 0 },
    ...{ keptRank: outer.rank, kept: outer.axes, reducedRank: inner.rank, reduced: inner.axes },
  }
  const grid = { groups: [k === 0 ? 0 : Math.ceil(kept.n / (64 / lanes))] }
  return {
    forward: (values: Tensor, indices: Tensor) =>
      select_.top({ x, values, indices }, { ...params, add: 0 }, grid, { constants: { LANES: lanes } }),
    backward: (chosen: Tensor, dy: Tensor, dx: Tensor, add: 0 | 1) =>
      select_.backward({ chosen, dy, dx }, { ...params, add }, { threads: [kept.n * reduced.n] }),
  }
}
