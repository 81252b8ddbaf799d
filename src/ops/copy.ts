// Moving elements without changing them: one strided kernel, and the views that need none.
import source from '../../shaders/copy.wgsl'
import { record } from '../autograd.ts'
import { checkOptions, InputError, ShapeError } from '../errors.ts'
import { kernels } from '../gpu/kernel.ts'
import {
  type Destination,
  type DType,
  empty,
  type Layout,
  type Shape,
  sameShape,
  showShape,
  sizeOf,
  type Tensor,
  viewAs,
} from '../tensor.ts'
import { axisOf, runs, walk } from './axes.ts'

const copy_ = kernels<'strided' | 'scaled' | 'fill'>(source)
/** Where the elements of a block lie in a tensor: at `start`, `strides` apart along the axes of the block. */
export interface Place {
  tensor: Tensor
  start?: number
  strides: readonly number[]
}

/** Moves a block of `shape` from x to y, bit for bit. */
export function move(op: string, shape: Shape, x: Place, y: Place): void {
  const params = block(op, shape, x, y)
  copy_.strided({ x: x.tensor, y: y.tensor }, params, { threads: [params.threads] })
}

/** y = scale · x, or y += scale · x, for a block of f32. */
export function moveScaled(op: string, shape: Shape, x: Place, y: Place, scale: number, add: 0 | 1): void {
  const params = { ...block(op, shape, x, y), scale, add }
  copy_.scaled({ x: x.tensor, y: y.tensor }, params, { threads: [params.threads] })
}

function block(op: string, shape: Shape, x: Place, y: Place) {
  const walked = runs(walk(op, shape, [y.strides, x.strides], 0))
  return { ...walked, xStart: x.start ?? 0, yStart: y.start ?? 0, scale: 1, add: 0, bits: 0 }
}

const WORDS: Record<DType, (value: number) => ArrayBufferView> = {
  f32: (value) => Float32Array.of(value),
  i32: (value) => Int32Array.of(value),
  u32: (value) => Uint32Array.of(value),
}

/** Sets every element of y. */
export function fill(y: Tensor, value: number): void {
  const bits = new Uint32Array(WORDS[y.dtype](value).buffer)[0]
  const whole = { tensor: y, strides: y.strides }
  const params = { ...block('fill', y.shape, whole, whole), bits }
  copy_.fill({ y }, params, { threads: [params.threads] })
}

/** The gradient of a block that was taken out of x at `place`: dy goes back there, the rest of dx gets 0. */
function putBack(op: string, dy: Tensor, dx: Destination, place: Omit<Place, 'tensor'>): void {
  const { to, add } = dx
  if (add === 0 && dy.size < to.size) fill(to, 0)
  moveScaled(op, dy.shape, { tensor: dy, strides: dy.strides }, { ...place, tensor: to }, 1, add)
}

/**
 * The same tensor in another layout; x itself where it has it already. Throws ShapeError for chwn of another rank than
 * 4.
 */
export function toLayout(x: Tensor, layout: Layout): Tensor {
  if (x.layout === layout) return x
  const y = empty(x.gpu, x.shape, x.dtype, layout, 'toLayout')
  move('toLayout', x.shape, { tensor: x, strides: x.strides }, { tensor: y, strides: y.strides })
  return record('toLayout', y, [x], (dy, [dx]) => {
    if (dx) putBack('toLayout', dy, dx, { strides: x.strides })
  })
}

/**
 * The same elements in row-major order under another shape; one size may be -1. A view of a row-major tensor, a copy of
 * a channel-major one. Throws ShapeError where the counts differ.
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const known = sizeOf(shape.filter((d) => d !== -1))
  const free = shape.length - shape.filter((d) => d !== -1).length
  const sizes = shape.map((d) => (d === -1 ? x.size / known : d))
  if (free > 1 || !sizes.every((d) => Number.isInteger(d) && d >= 0) || sizeOf(sizes) !== x.size) {
    throw new ShapeError(`reshape: ${showShape(x.shape)} can't become ${showShape(shape)}`)
  }
  const row = toLayout(x, 'row')
  return record('reshape', viewAs(row, sizes), [row], (dy, [dx]) => dx?.pass(viewAs(dy, row.shape)))
}

/** The axes from `start` to `end` (the end included) as one: [N, C, H, W] becomes [N, C·H·W]. */
export function flatten(x: Tensor, start = 1, end = -1): Tensor {
  if (x.shape.length === 0) return reshape(x, [1])
  const [first, last] = [axisOf('flatten', x.shape, start), axisOf('flatten', x.shape, end)]
  if (first > last) throw new ShapeError(`flatten: axis ${start} comes after axis ${end} in ${showShape(x.shape)}`)
  const middle = sizeOf(x.shape.slice(first, last + 1))
  return reshape(x, [...x.shape.slice(0, first), middle, ...x.shape.slice(last + 1)])
}

/** Axis i of the result is axis `order[i]` of x; reversed where no order is given. Row-major. Throws ShapeError. */
export function permute(x: Tensor, order: readonly number[] = x.shape.map((_, i) => -1 - i)): Tensor {
  const axes = order.map((axis) => axisOf('permute', x.shape, axis))
  if (axes.length !== x.shape.length || new Set(axes).size !== axes.length) {
    throw new ShapeError(`permute: [${order}] is no order of the axes of ${showShape(x.shape)}`)
  }
  const shape = axes.map((axis) => x.shape[axis])
  const y = empty(x.gpu, shape, x.dtype, 'row', 'permute')
  const strides = axes.map((axis) => x.strides[axis])
  move('permute', shape, { tensor: x, strides }, { tensor: y, strides: y.strides })
  return record('permute', y, [x], (dy, [dx]) => {
    if (dx) putBack('permute', dy, dx, { strides })
  })
}

/** Two axes exchanged, the last two by default. Row-major. Throws ShapeError. */
export function transpose(x: Tensor, a = -2, b = -1): Tensor {
  const order = x.shape.map((_, i) => i)
  const [i, j] = [axisOf('transpose', x.shape, a), axisOf('transpose', x.shape, b)]
  order[i] = j
  order[j] = i
  return permute(x, order)
}

export interface SliceOptions {
  starts: readonly number[]
  ends: readonly number[]
  /** The axes that these speak of; the first ones by default. */
  axes?: readonly number[]
  /** 1 by default; negative steps walk backwards. */
  steps?: readonly number[]
}

/**
 * From each start up to, but without, each end, as in Python: negative numbers count from the end of the axis, numbers
 * beyond it stop there (so -Infinity ends a walk backwards at index 0). Keeps the layout. Throws ShapeError for lists
 * of different lengths or repeated axes, InputError for a step of 0 and for fractions.
 */
export function slice(x: Tensor, options: SliceOptions): Tensor {
  checkOptions('slice', options, ['starts', 'ends', 'axes', 'steps'])
  const { starts, ends, axes = starts.map((_, i) => i), steps = starts.map(() => 1) } = options
  const named = axes.map((axis) => axisOf('slice', x.shape, axis))
  const alike = [ends.length, axes.length, steps.length, new Set(named).size].every((n) => n === starts.length)
  if (!alike)
    throw new ShapeError(`slice: starts [${starts}], ends [${ends}], axes [${axes}], steps [${steps}] don't match`)
  const bad = steps.find((step) => !Number.isInteger(step) || step === 0)
  if (bad !== undefined) throw new InputError(`slice: a step is a whole number other than 0, got ${bad}`)
  const part = [...starts, ...ends].find((at) => Math.trunc(at) !== at)
  if (part !== undefined) throw new InputError(`slice: starts and ends are whole numbers or infinite, got ${part}`)
  const [shape, strides] = [[...x.shape], [...x.strides]]
  let start = 0
  named.forEach((axis, i) => {
    const [size, step] = [x.shape[axis], steps[i]]
    const clamp = (v: number) => Math.min(Math.max(v < 0 ? v + size : v, step > 0 ? 0 : -1), step > 0 ? size : size - 1)
    const first = clamp(starts[i])
    shape[axis] = Math.max(0, Math.ceil((clamp(ends[i]) - first) / step))
    strides[axis] = x.strides[axis] * step
    start += first * x.strides[axis]
  })
  const y = empty(x.gpu, shape, x.dtype, x.layout, 'slice')
  move('slice', shape, { tensor: x, start, strides }, { tensor: y, strides: y.strides })
  return record('slice', y, [x], (dy, [dx]) => {
    if (dx) putBack('slice', dy, dx, { start, strides })
  })
}

/** Tensors end to end along an axis. The layout of the first. Throws ShapeError where other sizes differ. */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  if (tensors.length === 0) throw new InputError('concat: needs at least one tensor, got none')
  const [first] = tensors
  const at = axisOf('concat', first.shape, axis)
  for (const { shape, dtype } of tensors) {
    if (dtype !== first.dtype) throw new InputError(`concat: ${first.dtype} and ${dtype} don't go together`)
    if (shape.length === first.shape.length && shape.every((d, i) => i === at || d === first.shape[i])) continue
    throw new ShapeError(`concat: ${showShape(shape)} doesn't continue ${showShape(first.shape)} along axis ${axis}`)
  }
  const shape = [...first.shape]
  shape[at] = tensors.reduce((n, x) => n + x.shape[at], 0)
  const y = empty(first.gpu, shape, first.dtype, first.layout, 'concat')
  return join('concat', tensors, y, y.strides, (x) => x.shape[at] * y.strides[at])
}

/** Tensors of one shape along a new axis. Row-major. Throws ShapeError where shapes differ. */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  if (tensors.length === 0) throw new InputError('stack: needs at least one tensor, got none')
  const [first] = tensors
  for (const x of tensors) {
    if (x.dtype !== first.dtype) throw new InputError(`stack: ${first.dtype} and ${x.dtype} don't go together`)
    if (!sameShape(x.shape, first.shape)) {
      throw new ShapeError(`stack: ${showShape(x.shape)} and ${showShape(first.shape)} differ`)
    }
  }
  const at = axisOf('stack', [...first.shape, 1], axis)
  const shape = [...first.shape.slice(0, at), tensors.length, ...first.shape.slice(at)]
  const y = empty(first.gpu, shape, first.dtype, 'row', 'stack')
  const strides = y.strides.filter((_, i) => i !== at)
  return join('stack', tensors, y, strides, () => y.strides[at])
}

/** Each tensor into its part of y; the parts lie `advance` elements apart. */
function join(
  op: string,
  tensors: readonly Tensor[],
  y: Tensor,
  strides: number[],
  advance: (x: Tensor) => number,
): Tensor {
  let end = 0
  const starts = tensors.map((x) => {
    const start = end
    end += advance(x)
    return start
  })
  tensors.forEach((x, i) => {
    move(op, x.shape, { tensor: x, strides: x.strides }, { tensor: y, start: starts[i], strides })
  })
  return record(op, y, tensors, (dy, destinations) => {
    destinations.forEach((dx, i) => {
      if (!dx) return
      const { to, add } = dx
      moveScaled(op, to.shape, { tensor: dy, start: starts[i], strides }, { tensor: to, strides: to.strides }, 1, add)
    })
  })
}

export interface PadOptions {
  /** What the frame holds in mode `constant`. Default 0. */
  value?: number
  /**
   * A frame of `value`, of the elements mirrored at the edge (which is not repeated), or of the edge. Default constant.
   */
  mode?: 'constant' | 'reflect' | 'replicate'
}

/**
 * x within a frame. `pads` are the elements before every axis, then those after every axis, as in ONNX: [top, left,
 * bottom, right] in two dimensions; in mode `constant` negative ones cut off. Keeps the layout. Throws ShapeError where
 * the pads don't fit the shape, InputError for another mode.
 */
export function pad(x: Tensor, pads: readonly number[], options: PadOptions = {}): Tensor {
  checkOptions('pad', options, ['value', 'mode'])
  const { value = 0, mode = 'constant' } = options
  const rank = x.shape.length
  const [before, after] = [pads.slice(0, rank), pads.slice(rank)]
  const shape = x.shape.map((size, i) => size + before[i] + after[i])
  if (pads.length !== 2 * rank || !pads.every(Number.isInteger) || !shape.every((d) => d >= 0)) {
    throw new ShapeError(`pad: pads [${pads}] don't fit ${showShape(x.shape)}`)
  }
  if (mode !== 'constant') return continued(x, before, after, mode)
  const y = empty(x.gpu, shape, x.dtype, x.layout, 'pad')
  const inner = x.shape.map((size, i) => Math.max(0, size + Math.min(0, before[i]) + Math.min(0, after[i])))
  const startOf = (t: Tensor, skip: (n: number) => number) =>
    t.strides.reduce((sum, s, i) => sum + s * skip(before[i]), 0)
  const from = { start: startOf(x, (n) => Math.max(0, -n)), strides: x.strides }
  const into = { start: startOf(y, (n) => Math.max(0, n)), strides: y.strides }
  if (sizeOf(inner) < y.size) fill(y, value)
  move('pad', inner, { ...from, tensor: x }, { ...into, tensor: y })
  return record('pad', y, [x], (dy, [dx]) => {
    if (!dx) return
    const { to, add } = dx
    if (add === 0 && sizeOf(inner) < to.size) fill(to, 0)
    moveScaled('pad', inner, { ...into, tensor: dy }, { ...from, tensor: to }, 1, add)
  })
}

/** Padding by copies of x itself, axis by axis. */
function continued(x: Tensor, before: number[], after: number[], mode: string): Tensor {
  if (mode !== 'reflect' && mode !== 'replicate') {
    throw new InputError(`pad: mode is constant, reflect or replicate, got ${mode}`)
  }
  const most = (size: number) => (mode === 'reflect' ? size - 1 : size > 0 ? Number.POSITIVE_INFINITY : 0)
  if (
    x.shape.some(
      (size, i) => Math.min(before[i], after[i]) < 0 || Math.max(before[i], after[i], 0) > Math.max(0, most(size)),
    )
  ) {
    throw new ShapeError(`pad: mode ${mode} can't continue ${showShape(x.shape)} by [${before}] and [${after}]`)
  }
  return x.shape.reduce((y, size, axis) => {
    if (before[axis] === 0 && after[axis] === 0) return y
    const part = (start: number, end: number, step: number) =>
      slice(y, { starts: [start], ends: [end < 0 ? Number.NEGATIVE_INFINITY : end], axes: [axis], steps: [step] })
    if (mode === 'reflect') {
      return concat([part(before[axis], 0, -1), y, part(size - 2, size - 2 - after[axis], -1)], axis)
    }
    const edges = (count: number, at: number) => (count > 0 ? new Array<Tensor>(count).fill(part(at, at + 1, 1)) : [])
    return concat([...edges(before[axis], 0), y, ...edges(after[axis], size - 1)], axis)
  }, x)
}
