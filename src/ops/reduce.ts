// Sums over axes, and repetition along axes: each is the other's backward.
import source from '../../shaders/reduce.wgsl'
import { record } from '../autograd.ts'
import { checkOptions, ShapeError } from '../errors.ts'
import { kernels } from '../gpu/kernel.ts'
import { empty, type Shape, sameShape, showShape, sizeOf, type Tensor } from '../tensor.ts'
import { axesOf, broadcastShape, broadcastStrides, checkFloat, keptStrides, loops, type Walk, walk } from './axes.ts'
import { fill, move, moveScaled } from './copy.ts'

/** The keys of ReduceOptions. */
export const REDUCE = ['axes', 'keepDims']
const reduce_ = kernels<'sum'>(source)

export interface ReduceOptions {
  /** All axes by default, none for []. Negative ones count from the end. */
  axes?: number | readonly number[]
  /** Leave the reduced axes in the shape with size 1. Default false. */
  keepDims?: boolean
}

/** Σ over axes, accurate to a few units in the last place for long sums; the same bits each run. Throws ShapeError. */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  return total('sum', x, options, () => 1)
}

/** The mean over axes; NaN over no elements. Throws ShapeError. */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  return total('mean', x, options, (length) => 1 / length)
}

function total(op: string, x: Tensor, options: ReduceOptions, scaleOf: (length: number) => number): Tensor {
  checkOptions(op, options, REDUCE)
  const { keepDims = false } = options
  checkFloat(op, x)
  const axes = axesOf(op, x.shape, options.axes)
  const { shape, layout } = reducedForm(x, axes, keepDims)
  const length = sizeOf(axes.map((axis) => x.shape[axis]))
  const scale = scaleOf(length)
  const y = empty(x.gpu, shape, 'f32', layout, op)
  const strides = keptStrides(x.shape, axes, layout)
  if (length === 0) fill(y, 0 * scale)
  else addUp(op, x, axes, y, strides, scale, 0)
  return record(op, y, [x], (dy, [dx]) => {
    if (!dx) return
    const { to, add } = dx
    moveScaled(op, x.shape, { tensor: dy, strides }, { tensor: to, strides: to.strides }, scale, add)
  })
}

/** Shape and layout of what is left of x: channel-major only where all four axes stay. */
export function reducedForm(x: Tensor, axes: readonly number[], keepDims: boolean) {
  const kept = x.shape.map((size, i) => (axes.includes(i) ? 1 : size))
  const shape = keepDims ? kept : kept.filter((_, i) => !axes.includes(i))
  return { shape, layout: keepDims || axes.length === 0 ? x.layout : ('row' as const) }
}

/** x repeated to `shape` by NumPy's rules; -1 leaves a size as it is. Throws ShapeError where they don't fit. */
export function expand(x: Tensor, shape: Shape): Tensor {
  const missing = shape.length - x.shape.length
  const wanted = shape.map((d, i) => (d === -1 ? (x.shape[i - missing] ?? -1) : d))
  if (wanted.includes(-1))
    throw new ShapeError(`expand: ${showShape(x.shape)} has no size for -1 in ${showShape(shape)}`)
  const sizes = broadcastShape('expand', x.shape, wanted)
  const y = empty(x.gpu, sizes, x.dtype, sizes.length === 4 ? x.layout : 'row', 'expand')
  move('expand', sizes, { tensor: x, strides: broadcastStrides(x, sizes) }, { tensor: y, strides: y.strides })
  return record('expand', y, [x], (dy, [dx]) => {
    if (dx) sumTo('expand', dy, dx.to, 1, dx.add)
  })
}

/** to = scale · x summed over the axes that `to` was repeated on, or added to it: the backward of broadcasting. */
export function sumTo(op: string, x: Tensor, to: Tensor, scale: number, add: 0 | 1): void {
  const strides = broadcastStrides(to, x.shape)
  if (sameShape(x.shape, to.shape)) {
    moveScaled(op, x.shape, { tensor: x, strides: x.strides }, { tensor: to, strides }, scale, add)
    return
  }
  const missing = x.shape.length - to.shape.length
  const axes = x.shape.flatMap((size, i) => (i < missing || (to.shape[i - missing] === 1 && size !== 1) ? [i] : []))
  if (x.size > 0) addUp(op, x, axes, to, strides, scale, add)
  else if (add === 0) fill(to, 0)
}

/** Longer reductions are shared by 64 threads even where neighbouring outputs lie side by side. */
const LANE_LENGTH = 1024
/**
 * Fewer than this many workgroups leave processors idle: a long reduction is cut into parts of at least PART_LENGTH.
 */
const ENOUGH_GROUPS = 256
const PART_LENGTH = 4096

/** How one thread, or 64 of them, walk from output to output and along a reduction. */
export interface Rows {
  kept: Walk
  reduced: Walk
  lanes: 1 | 64
}

/**
 * Splits x into outputs and what is reduced. A thread per output where reductions are short, or where neighbouring
 * outputs also lie side by side in memory and there are many of them; otherwise 64 threads share one. What is reduced
 * is walked in memory order, or, with `inOrder`, in logical order.
 */
export function rowsOf(
  op: string,
  x: Tensor,
  axes: readonly number[],
  yStrides: readonly number[],
  inOrder = false,
): Rows {
  const [shape, strides] = [x.shape, x.strides]
  const others = shape.map((_, i) => i).filter((i) => !axes.includes(i))
  const pick = (of: readonly number[], which: readonly number[]) => which.map((i) => of[i])
  const kept = walk(op, pick(shape, others), [pick(strides, others), pick(yStrides, others)], 0)
  const reduced = walk(op, pick(shape, axes), [pick(strides, axes)], inOrder ? undefined : 0)
  const sideBySide = kept.strides[0].at(-1) === 1 && kept.n >= 2048 && reduced.n <= LANE_LENGTH
  return { kept, reduced, lanes: reduced.n <= 32 || sideBySide ? 1 : 64 }
}

function addUp(op: string, x: Tensor, axes: number[], y: Tensor, yStrides: number[], scale: number, add: 0 | 1): void {
  const { kept, reduced, lanes } = rowsOf(op, x, axes, yStrides)
  const { n: outputs } = kept
  const length = reduced.n
  const parts = Math.max(1, Math.min(Math.ceil(length / PART_LENGTH), Math.ceil(ENOUGH_GROUPS / Math.max(1, outputs))))
  if (parts === 1) {
    dispatch({ kept, reduced, lanes }, x, y, 1, scale, add)
    return
  }
  const partial = empty(x.gpu, [outputs, parts], 'f32', 'row', `${op} parts`)
  const side = walk(op, kept.shape, [denseStrides(kept.shape, parts), kept.strides[1]])
  const first = { n: outputs, shape: kept.shape, strides: [kept.strides[0], denseStrides(kept.shape, parts)] }
  dispatch({ kept: first, reduced, lanes }, x, partial, parts, 1, 0)
  const rest = { n: parts, shape: [parts], strides: [[1]] }
  dispatch({ kept: side, reduced: rest, lanes: parts <= 32 ? 1 : 64 }, partial, y, 1, scale, add)
}

function denseStrides(shape: readonly number[], unit: number): number[] {
  return shape.map((_, i) => unit * sizeOf(shape.slice(i + 1)))
}

function dispatch(rows: Rows, x: Tensor, y: Tensor, parts: number, scale: number, add: 0 | 1): void {
  const { kept, reduced, lanes } = rows
  const [outer, inner] = [loops(kept), loops(reduced)]
  const params = {
    outputs: kept.n,
    length: reduced.n,
    parts,
    chunk: Math.ceil(reduced.n / parts),
    ...{ keptRank: outer.rank, kept: outer.axes, reducedRank: inner.rank, reduced: inner.axes, scale, add },
  }
  const groups = [Math.ceil((kept.n * parts) / (64 / lanes))]
  reduce_.sum({ x, y }, params, { groups }, { constants: { LANES: lanes } })
}
