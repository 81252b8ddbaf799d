import source from '../../shaders/rows.wgsl'
import { ShapeError } from '../errors.ts'
import { kernels } from '../gpu/kernel.ts'
import type { Scalar } from '../gpu/scalar.ts'
import { showShape, type Tensor } from '../tensor.ts'

const rows_ = kernels<'place'>(source)

/** Writes the rows of src [n, m] into dst [total, m] from row `offset` on; rows beyond the end are dropped. No gradient. */
export function placeRows(src: Tensor, dst: Tensor, offset: number | Scalar): void {
  const [rows, columns] = src.shape
  const [total, width] = dst.shape
  if (src.shape.length !== 2 || dst.shape.length !== 2 || columns !== width) {
    throw new ShapeError(`placeRows: ${showShape(src.shape)} into ${showShape(dst.shape)}`)
  }
  rows_.place({ src, dst }, { rows, columns, offset, total }, { threads: [rows * columns] })
}
