// Axes: which ones an option names, how shapes broadcast, and the shortest walk over several tensors at once.
import { InputError, quote, ShapeError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { type Layout, type Shape, showShape, sizeOf, stridesOf, Tensor } from '../tensor.ts'

/** Strided kernels keep shapes and strides in two vec4 of their Params. */
const MOST_AXES = 8

/** The axis from 0. Negative ones count from the end. Throws ShapeError where the shape has no such axis. */
export function axisOf(op: string, shape: Shape, axis: number): number {
  const from0 = axis < 0 ? axis + shape.length : axis
  if (Number.isInteger(axis) && from0 >= 0 && from0 < shape.length) return from0
  throw new ShapeError(`${op}: there is no axis ${axis} in ${showShape(shape)}`)
}

/** Several axes from 0, ascending; all of them when none are given. Throws ShapeError for unknown or repeated ones. */
export function axesOf(op: string, shape: Shape, axes?: number | readonly number[]): number[] {
  if (axes === undefined) return shape.map((_, i) => i)
  const found = (typeof axes === 'number' ? [axes] : axes).map((axis) => axisOf(op, shape, axis))
  if (new Set(found).size < found.length) throw new ShapeError(`${op}: axes [${axes}] name one twice`)
  return found.sort((a, b) => a - b)
}

/** The common shape by NumPy's rules. Throws ShapeError where two sizes differ and neither is 1. */
export function broadcastShape(op: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const [m, n] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1]
    if (m !== n && m !== 1 && n !== 1)
      throw new ShapeError(`${op}: ${showShape(a)} and ${showShape(b)} don't broadcast`)
    return m === 1 ? n : m
  })
}

/** The strides of x seen as `shape`: 0 along every axis it is repeated on. */
export function broadcastStrides(x: Tensor, shape: Shape): number[] {
  const missing = shape.length - x.shape.length
  return shape.map((size, i) =>
    i < missing || (x.shape[i - missing] === 1 && size !== 1) ? 0 : x.strides[i - missing],
  )
}

/** The layout of a result: that of an operand of the same shape, channel-major where operands differ. */
export function commonLayout(shape: Shape, operands: readonly Tensor[]): Layout {
  if (shape.length !== 4) return 'row'
  const whole = operands.filter((x) => x.size === sizeOf(shape) && x.shape.length === 4)
  return (whole.length > 0 ? whole : operands).some((x) => x.layout === 'chwn') ? 'chwn' : 'row'
}

/** `shape` with size 1 at `axes`, and the strides of a tensor that has this shape with or without those axes. */
export function keptStrides(shape: Shape, axes: readonly number[], layout: Layout): number[] {
  const kept = shape.map((size, i) => (axes.includes(i) ? 1 : size))
  return stridesOf(kept, layout).map((stride, i) => (axes.includes(i) ? 0 : stride))
}

/** A loop nest over n elements, the last axis innermost: sizes, and strides for each operand. */
export interface Walk {
  n: number
  shape: number[]
  strides: number[][]
}

/**
 * The same elements in fewer axes: those of size 1 are dropped and neighbours that lie end to end in every operand are
 * one. With `by`, axes are first put into the memory order of that operand (so a dense one is walked 0, 1, 2, …).
 */
export function walk(op: string, shape: Shape, strides: readonly (readonly number[])[], by?: number): Walk {
  let axes = shape.map((size, i) => ({ size, strides: strides.map((s) => s[i]) })).filter((axis) => axis.size !== 1)
  if (by !== undefined) axes = axes.sort((a, b) => Math.abs(b.strides[by]) - Math.abs(a.strides[by]))
  const merged: typeof axes = []
  for (const inner of axes) {
    const outer = merged.at(-1)
    if (outer?.strides.every((s, k) => s === inner.strides[k] * inner.size)) {
      merged[merged.length - 1] = { size: outer.size * inner.size, strides: inner.strides }
    } else merged.push(inner)
  }
  if (merged.length > MOST_AXES) throw new ShapeError(`${op}: ${showShape(shape)} has more than ${MOST_AXES} axes`)
  return {
    n: sizeOf(shape),
    shape: merged.map((a) => a.size),
    strides: strides.map((_, k) => merged.map((a) => a.strides[k])),
  }
}

/** A walk as `array<vec4, 8>` of Params: (size, strides of up to three operands) for each axis, the innermost first. */
export function loops({ shape, strides }: Walk): { rank: number; axes: number[] } {
  const axes = shape.map((size, i) => [size, ...[0, 1, 2].map((k) => strides[k]?.[i] ?? 0)])
  if (axes.length === 0) axes.push([1, 0, 0, 0])
  return { rank: axes.length, axes: axes.reverse().flat() }
}

/** Elements that one thread handles: finding its place costs more than the arithmetic. */
const RUN = 8

/**
 * A walk dealt out to threads: a thread takes up to `run` elements of an innermost line, `width` apart, so that
 * neighbouring threads still touch neighbouring elements.
 */
export function runs(walked: Walk, run = RUN): { rank: number; axes: number[]; width: number; threads: number } {
  const inner = walked.shape.at(-1) ?? 1
  const width = Math.max(1, Math.ceil(inner / run))
  return { ...loops(walked), width, threads: walked.n === 0 ? 0 : (walked.n / inner) * width }
}

/**
 * The same in Values, as a kernel calls what it loads: four elements where the innermost lines of all that are `tensors`
 * lie alike and come in fours, which a processor loads at less than half the price, else one. What is no tensor has
 * strides of 0. On a GPU, which is full with many threads alone, a thread has no more elements than without Values.
 */
export function runsOfValues(gpu: Gpu, walked: Walk, tensors: readonly boolean[]) {
  const { n, shape, strides } = walked
  const inner = shape.length - 1
  const fours =
    inner >= 0 &&
    shape[inner] % 4 === 0 &&
    strides.every((own, k) => !tensors[k] || own.every((s, i) => (i === inner ? s === 1 : s % 4 === 0)))
  if (!fours) return { header: { Value: 'f32' }, params: runs(walked) }
  const values: Walk = {
    n: n / 4,
    shape: shape.map((size, i) => (i === inner ? size / 4 : size)),
    strides: strides.map((own) => own.map((s, i) => (i === inner ? s : s / 4))),
  }
  return { header: { Value: 'vec4f' }, params: runs(values, gpu.info.software ? RUN : RUN / 4) }
}

/** Throws InputError for what is no tensor; `where` names the operation, and the operand where that helps. */
export function checkTensor(where: string, x: unknown): asserts x is Tensor {
  if (!(x instanceof Tensor)) throw new InputError(`${where}: needs a tensor, got ${quote(x)}`)
}

/** Throws InputError for a tensor that holds no f32, and for what is no tensor. */
export function checkFloat(op: string, ...tensors: Tensor[]): void {
  for (const x of tensors) {
    checkTensor(op, x)
    if (x.dtype !== 'f32') throw new InputError(`${op}: needs f32, got ${x}; cast(x, 'f32') makes it so`)
  }
}
