// Products of matrices. Everything is one strided kernel: a transpose swaps two strides, a broadcast batch has stride 0,
// and the gradient of a broadcast operand sums over the batches it was repeated along.
import source from '../../shaders/matmul.wgsl'
import { record } from '../autograd.ts'
import { checkOptions, ShapeError } from '../errors.ts'
import { kernels } from '../gpu/kernel.ts'
import { empty, type Shape, showShape, type Tensor, viewAs } from '../tensor.ts'
import { checkFloat } from './axes.ts'

const matmul_ = kernels<'product' | 'productBias'>(source)

export interface MatmulOptions {
  /** Swap the last two axes of `a`. */
  transposeA?: boolean
  /** Swap the last two axes of `b`. */
  transposeB?: boolean
}

/** A tensor seen as [batch, batch, rows, columns], with the strides of a row-major or channel-major layout. */
export interface Matrices {
  tensor: Tensor
  sizes: readonly number[]
  strides: readonly number[]
}

export function matrices(tensor: Tensor, swap = false, shape = tensor.shape, steps = tensor.strides): Matrices {
  const missing = 4 - shape.length
  const [b0, b1, m, n] = [...new Array(missing).fill(1), ...shape]
  const [s0, s1, s, t] = [...new Array(missing).fill(0), ...steps]
  return swap
    ? { tensor, sizes: [b0, b1, n, m], strides: [s0, s1, t, s] }
    : { tensor, sizes: [b0, b1, m, n], strides: [s0, s1, s, t] }
}

const flipped = ({ tensor, sizes: [b0, b1, m, n], strides: [s0, s1, s, t] }: Matrices): Matrices => ({
  tensor,
  sizes: [b0, b1, n, m],
  strides: [s0, s1, t, s],
})

/** c = a b (+ bias), or c += a b. Batch axes of size 1 repeat in a and b, and are summed into in c. */
export function product(a: Matrices, b: Matrices, c: Matrices, add: 0 | 1, bias?: Tensor): void {
  const [, , m, n] = c.sizes
  const k = a.sizes[3]
  const summed = [0, 1].map((i) => (c.sizes[i] !== 1 ? 1 : a.sizes[i] === 1 ? b.sizes[i] : a.sizes[i]))
  const strides = (v: Matrices) => v.strides.map((s, i) => (i < 2 && v.sizes[i] === 1 ? 0 : s))
  const params = {
    m,
    n,
    k,
    add,
    batch: [c.sizes[0], c.sizes[1], ...summed],
    a: strides(a),
    b: strides(b),
    c: strides(c),
  }
  const grid = { threads: [Math.ceil(n / 4) * Math.ceil(m / 4) * c.sizes[0] * c.sizes[1]] }
  const buffers = { a: a.tensor, b: b.tensor, c: c.tensor }
  if (bias) matmul_.productBias({ ...buffers, bias }, params, grid)
  else matmul_.product(buffers, params, grid)
}

/** The batch axes of the result, and those along which neither operand has size 1 only. */
function batchOf(a: Shape, b: Shape): { batch: number[]; kept: number[] } | null {
  const rank = Math.max(a.length, b.length)
  const sizes = [a, b].map((s) => [...new Array(rank - s.length).fill(1), ...s])
  const batch = sizes[0].map((d, i) => (d === 1 ? sizes[1][i] : d))
  if (!sizes.every((s) => s.every((d, i) => d === 1 || d === batch[i]))) return null
  return { batch, kept: batch.flatMap((_, i) => (sizes[0][i] === 1 && sizes[1][i] === 1 ? [] : [i - rank])) }
}

/** What a shape, or strides, say of the kept batch axes and of the last two; `none` of an axis that there is not. */
const withBatch = (of: readonly number[], kept: readonly number[], none: number): number[] => [
  ...kept.map((axis) => of.slice(0, -2).at(axis) ?? none),
  ...of.slice(-2),
]

/**
 * a b over the last two axes, batch axes broadcast as in NumPy, at most two of them larger than 1. A vector on the left
 * is a row, on the right a column, and its axis is missing from the result; the transposes leave vectors alone. Layouts
 * may differ. Throws ShapeError when ranks or inner sizes do not fit.
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  checkOptions('matmul', options, ['transposeA', 'transposeB'])
  const { transposeA = false, transposeB = false } = options
  checkFloat('matmul', a, b)
  const marks = `${showShape(a.shape)}${transposeA ? 'ᵀ' : ''} x ${showShape(b.shape)}${transposeB ? 'ᵀ' : ''}`
  const [rankA, rankB] = [a.shape.length, b.shape.length]
  if (Math.min(rankA, rankB) < 1) throw new ShapeError(`matmul: a scalar has no rows, ${marks}`)
  const batches = batchOf(a.shape.slice(0, -2), b.shape.slice(0, -2))
  if (!batches) throw new ShapeError(`matmul: batches do not broadcast, ${marks}`)
  const { batch, kept } = batches
  if (kept.length > 2) throw new ShapeError(`matmul: at most two batch axes larger than 1, ${marks}`)
  // The kernel has two batch axes: of more, those that are 1 everywhere are left out.
  const many = batch.length > 2
  const seen = (t: Tensor, swap: boolean) =>
    many && t.shape.length > 2
      ? matrices(t, swap, withBatch(t.shape, kept, 1), withBatch(t.strides, kept, 0))
      : matrices(t, swap)
  const viewA = (t: Tensor) => seen(t, transposeA && rankA > 1)
  const viewB = (t: Tensor) => seen(t, rankB === 1 || transposeB)
  const [left, right] = [viewA(a), viewB(b)]
  const [m, k, n] = [left.sizes[2], left.sizes[3], right.sizes[3]]
  if (k !== right.sizes[2]) throw new ShapeError(`matmul: inner sizes differ, ${marks}`)

  const y = empty(a.gpu, [...batch, ...(rankA > 1 ? [m] : []), ...(rankB > 1 ? [n] : [])], 'f32', 'row', 'matmul')
  const whole = [...batch, m, n]
  const viewY = (t: Tensor) => matrices(viewAs(t, many ? withBatch(whole, kept, 1) : whole))
  product(left, right, viewY(y), 0)
  return record('matmul', y, [a, b], (dy, [da, db]) => {
    if (da) product(viewY(dy), flipped(right), viewA(da.to), da.add)
    if (db) product(flipped(left), viewY(dy), viewB(db.to), db.add)
  })
}
