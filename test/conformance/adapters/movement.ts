// Operators that move elements: shapes, order, parts, repetition.
import { cast } from '../../../src/ops/cast.ts'
import { concat, type PadOptions, pad, permute, reshape, slice } from '../../../src/ops/copy.ts'
import { indexSelect, oneHot } from '../../../src/ops/indexSelect.ts'
import { add, mul } from '../../../src/ops/pointwise.ts'
import { expand } from '../../../src/ops/reduce.ts'
import { sizeOf, type Tensor } from '../../../src/tensor.ts'
import { refuse } from '../harness.ts'
import type { Attributes, Operators } from './operator.ts'

const fromFront = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis)

function part(x: Tensor, axis: number, start: number, end: number, step = 1): Tensor {
  return slice(x, { starts: [start], ends: [end], axes: [axis], steps: [step] })
}

function split(x: Tensor, { axis = 0, split, num_outputs }: Attributes, outputs: number): Tensor[] {
  const size = x.shape[fromFront(axis, x.shape.length)]
  const even = Math.ceil(size / (num_outputs ?? outputs))
  const sizes = split ?? Array.from({ length: num_outputs ?? outputs }, (_, i) => Math.min(even, size - i * even))
  let start = 0
  return sizes.map((length) => {
    start += length
    return part(x, axis, start - length, start)
  })
}

/** What our `pad` calls ONNX's modes. */
const PAD_MODES: Record<string, PadOptions['mode']> = { constant: 'constant', reflect: 'reflect', edge: 'replicate' }

export const movement: Operators = {
  Transpose: ([x], { perm }) => permute(x, perm ?? undefined),
  Reshape: ([x], { shape, allowzero }) =>
    reshape(
      x,
      shape.map((d, i) => (d === 0 && !allowzero ? x.shape[i] : d)),
    ),
  Flatten: ([x], { axis = 1 }) => {
    const rows = sizeOf(x.shape.slice(0, fromFront(axis, x.shape.length)))
    return reshape(x, [rows, x.size / rows])
  },
  Squeeze: ([x], { axes }) => {
    const dropped = (axes ?? x.shape.flatMap((d, i) => (d === 1 ? [i] : []))).map((a) => fromFront(a, x.shape.length))
    return reshape(
      x,
      x.shape.filter((_, i) => !dropped.includes(i)),
    )
  },
  Unsqueeze: ([x], { axes }) => {
    const rank = x.shape.length + axes!.length
    const added = axes!.map((axis) => fromFront(axis, rank))
    const kept = [...x.shape]
    return reshape(
      x,
      Array.from({ length: rank }, (_, i) => (added.includes(i) ? 1 : kept.shift()!)),
    )
  },
  Slice: ([x], { starts, ends, axes, steps }) => {
    return slice(x, { starts, ends, axes: axes ?? undefined, steps: steps ?? undefined })
  },
  Gather: ([x, index], { axis = 0 }) => indexSelect(x, index, axis),
  OneHot: ([labels], { depth, values: [off, on], axis = -1 }) =>
    add(mul(oneHot(cast(labels, 'i32'), depth, axis), on - off), off),
  Concat: (inputs, { axis }) => concat(inputs, axis),
  Split: ([x], attributes, outputs) => split(x, attributes, outputs),
  Expand: ([x], { shape }) => expand(x, shape),
  Tile: ([x], { repeats }) =>
    repeats.reduce((y, times, axis) => (times === 1 ? y : concat(new Array(times).fill(y), axis)), x),
  Pad: ([x], { pads, mode = 'constant', constant_value = 0, axes }) => {
    const rank = x.shape.length
    const named = (axes ?? x.shape.map((_, i) => i)).map((axis) => fromFront(axis, rank))
    const at = (list: number[], axis: number) => list[named.indexOf(axis)] ?? 0
    const [before, after] = [pads.slice(0, named.length), pads.slice(named.length)]
    const frame = x.shape.map((_, axis) => [at(before, axis), at(after, axis)])
    const ours = PAD_MODES[mode] ?? refuse('Pad', 'mode', mode)
    return pad(x, [...frame.map((f) => f[0]), ...frame.map((f) => f[1])], { mode: ours, value: constant_value })
  },
}
