import source from '../../shaders/cast.wgsl'
import { InputError } from '../errors.ts'
import { kernels } from '../gpu/kernel.ts'
import { type DType, empty, type Tensor } from '../tensor.ts'
import { checkTensor } from './axes.ts'
import { move } from './copy.ts'

const cast_ = kernels<'toFloat' | 'toWhole'>(source)

/**
 * The same numbers in another dtype; x itself where it has it already. Fractions are dropped, f32 beyond a whole dtype's
 * range becomes the last f32 within it, of NaN nothing is said, and between i32 and u32 the bits stay. No gradient
 * where the dtype changes. Throws InputError for a dtype that is none.
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  checkTensor('cast', x)
  if (!['f32', 'i32', 'u32'].includes(dtype)) throw new InputError(`cast: dtype '${dtype}', needs f32, i32 or u32`)
  if (x.dtype === dtype) return x
  const y = empty(x.gpu, x.shape, dtype, x.layout, 'cast')
  const [n, grid] = [x.size, { threads: [x.size] }]
  if (dtype === 'f32') cast_.toFloat({ x, y }, { n, unsigned: x.dtype === 'u32' ? 1 : 0 }, grid)
  else if (x.dtype === 'f32') cast_.toWhole({ x, y }, { n, unsigned: dtype === 'u32' ? 1 : 0 }, grid)
  else move('cast', x.shape, { tensor: x, strides: x.strides }, { tensor: y, strides: y.strides })
  return y
}
