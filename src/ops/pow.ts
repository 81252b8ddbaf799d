// Operands that are repeated or lie otherwise are copied first.
import source from '../../shaders/pow.wgsl'
import { record } from '../autograd.ts'
import { kernels } from '../gpu/kernel.ts'
import { empty, type Tensor } from '../tensor.ts'
import { alike, atCall, between, type Operand, sides, tensorsAmong, tensorsOf } from './operands.ts'

const pow_ = kernels<'forward' | 'base' | 'exponent'>(source)

/**
 * a to the power of b, element by element, with NumPy broadcasting. Whole exponents take a base below 0, others give
 * NaN there; those up to 32 are products. Throws ShapeError where the shapes don't broadcast.
 */
export function pow(a: Operand, b: Operand): Tensor {
  tensorsAmong('pow', [a, b])
  const operands = alike<Operand>('pow', [a, b])
  const inputs = tensorsOf(operands)
  const [{ gpu, shape, layout }] = inputs
  const y = empty(gpu, shape, 'f32', layout, 'pow')
  const [base, exponent] = atCall(gpu, operands)
  const { buffers, numbers, variant } = sides(base, exponent, inputs[0])
  const params = { n: y.size, ...numbers, nan: Number.NaN }
  const grid = { threads: [y.size] }
  pow_.forward({ ...buffers, y }, { ...params, add: 0 }, grid, variant)
  return record('pow', y, inputs, (dy, destinations) => {
    const [da, db] = between(base, exponent, destinations)
    if (da) pow_.base({ ...buffers, dy, dx: da.to }, { ...params, add: da.add }, grid, variant)
    if (db) pow_.exponent({ ...buffers, dy, dx: db.to }, { ...params, add: db.add }, grid, variant)
  })
}
