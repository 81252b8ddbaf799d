import source from '../../shaders/linear.wgsl'
import { record } from '../autograd.ts'
import { ShapeError } from '../errors.ts'
import { kernels } from '../gpu/kernel.ts'
import { empty, showShape, sizeOf, type Tensor } from '../tensor.ts'
import { checkFloat } from './axes.ts'
import { reshape } from './copy.ts'
import { matrices, product } from './matmul.ts'

const linear_ = kernels<'columnSum'>(source)

/**
 * x wᵀ + b: x [n, in], w [out, in] as in PyTorch, b [out] or nothing; the result is [n, out]. Of x [..., in] with more
 * axes every row is taken alike. One dispatch forward, at most three backward. Throws ShapeError when the shapes do not
 * fit.
 */
export function linear(x: Tensor, w: Tensor, b?: Tensor | null): Tensor {
  checkFloat('linear', x, w, ...(b ? [b] : []))
  if (x.shape.length > 2 && w.shape.length === 2 && w.shape[1] === x.shape.at(-1)) {
    const rest = x.shape.slice(0, -1)
    const rows = linear(reshape(x, [sizeOf(rest), w.shape[1]]), w, b)
    return reshape(rows, [...rest, w.shape[0]])
  }
  const [n, inner] = x.shape
  const [out] = w.shape
  if (x.shape.length !== 2 || w.shape.length !== 2 || w.shape[1] !== inner) {
    throw new ShapeError(`linear: x is [n, in] and w [out, in], got ${showShape(x.shape)} and ${showShape(w.shape)}`)
  }
  if (b && (b.shape.length !== 1 || b.shape[0] !== out)) {
    throw new ShapeError(`linear: b is [out], got ${showShape(b.shape)} for w ${showShape(w.shape)}`)
  }
  const y = empty(x.gpu, [n, out], 'f32', 'row', 'linear')
  product(matrices(x), matrices(w, true), matrices(y), 0, b ?? undefined)
  return record('linear', y, b ? [x, w, b] : [x, w], (dy, [dx, dw, db]) => {
    if (dx) product(matrices(dy), matrices(w), matrices(dx.to), dx.add)
    if (dw) product(matrices(dy, true), matrices(x), matrices(dw.to), dw.add)
    if (db) linear_.columnSum({ dy, db: db.to }, { m: n, n: out, add: db.add }, { groups: [out] })
  })
}
