// Products of matrices. Everything is one strided kernel: a transpose swaps two strides, a broadcast batch has stride 0,
// and the gradient of a broadcast operand sums over the batches it was repeated along.
import source from '../../shaders/matmul.wgsl'
import { record } from '../autograd.ts'
import { ShapeError } from '../errors.ts'
import { kernels } from '../gpu/kernel.ts'
import { empty, type Shape, showShape, type Tensor, viewAs } from '../tensor.ts'

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

export function matrices(tensor: Tensor, swap = false): Matrices {
  const missing = 4 - tensor.shape.length
  const [b0, b1, m, n] = [...new Array(missing).fill(1), ...tensor.shape]
  const [s0, s1, s, t] = [...new Array(missing).fill(0), ...tensor.strides]
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
  // Two forms: large tiles for large matrices, and one that still makes enough workgroups for a classifier's head.
  const large = m >= 64 && n >= 64
  const [R, WIDTH] = large ? [4, 16] : [1, 4]
  const groups = [Math.ceil(n / (4 * WIDTH)) * Math.ceil(m / (16 * R)) * c.sizes[0] * c.sizes[1]]
  const buffers = { a: a.tensor, b: b.tensor, c: c.tensor }
  const variant = { header: { R }, constants: { WIDTH } }
  if (bias) matmul_.productBias({ ...buffers, bias }, params, { groups }, variant)
  else matmul_.product(buffers, params, { groups }, variant)
}

function broadcastBatch(a: Shape, b: Shape): number[] | null {
  const rank = Math.max(a.length, b.length)
  const at = (s: Shape, i: number) => s[s.length - rank + i] ?? 1
  const sizes = Array.from({ length: rank }, (_, i) => (at(a, i) === 1 ? at(b, i) : at(a, i)))
  return sizes.every((d, i) => [1, d].includes(at(a, i)) && [1, d].includes(at(b, i))) ? sizes : null
}

/**
 * a b over the last two axes, ranks 1 to 4, batch axes broadcast as in NumPy. A vector on the left is a row, on the
 * right a column, and its axis is missing from the result; the transposes leave vectors alone. Layouts may differ.
 * Throws ShapeError when ranks or inner sizes do not fit.
 */
export function matmul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false }: MatmulOptions = {}): Tensor {
  const marks = `${showShape(a.shape)}${transposeA ? 'ᵀ' : ''} x ${showShape(b.shape)}${transposeB ? 'ᵀ' : ''}`
  const [rankA, rankB] = [a.shape.length, b.shape.length]
  if (Math.min(rankA, rankB) < 1 || Math.max(rankA, rankB) > 4)
    throw new ShapeError(`matmul: ranks 1 to 4, got ${marks}`)
  const viewA = (t: Tensor) => matrices(t, transposeA && rankA > 1)
  const viewB = (t: Tensor) => matrices(t, rankB === 1 || transposeB)
  const [left, right] = [viewA(a), viewB(b)]
  const batch = broadcastBatch(a.shape.slice(0, -2), b.shape.slice(0, -2))
  if (!batch) throw new ShapeError(`matmul: batches do not broadcast, ${marks}`)
  const [m, k, n] = [left.sizes[2], left.sizes[3], right.sizes[3]]
  if (k !== right.sizes[2]) throw new ShapeError(`matmul: inner sizes differ, ${marks}`)

  const full = [...batch, m, n]
  const y = empty(a.gpu, [...batch, ...(rankA > 1 ? [m] : []), ...(rankB > 1 ? [n] : [])], 'f32', 'row', 'matmul')
  const viewY = (t: Tensor) => matrices(viewAs(t, full))
  product(left, right, viewY(y), 0)
  return record('matmul', y, [a, b], (dy, [da, db]) => {
    if (da) product(viewY(dy), flipped(right), viewA(da.to), da.add)
    if (db) product(flipped(left), viewY(dy), viewB(db.to), db.add)
  })
}
