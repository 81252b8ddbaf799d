// Two gradients of one network, compared on the device.
import source from '../../shaders/agree.wgsl'
import { noGrad } from '../autograd.ts'
import { ShapeError } from '../errors.ts'
import { kernels } from '../gpu/kernel.ts'
import { sameShape, showShape, type Tensor } from '../tensor.ts'
import { mul } from './pointwise.ts'
import { sum } from './reduce.ts'

const agree_ = kernels<'join'>(source)

/**
 * extra = a + extra where the two agree (dot product above 0), else extra = a: in place, without a gradient of its own.
 * Both are row-major float32. Throws ShapeError for shapes that differ and other layouts.
 */
export function addWhereAgreeing(a: Tensor, extra: Tensor): void {
  if (!sameShape(a.shape, extra.shape)) {
    throw new ShapeError(`addWhereAgreeing: ${showShape(a.shape)} and ${showShape(extra.shape)} differ`)
  }
  if (a.layout !== 'row' || extra.layout !== 'row') {
    throw new ShapeError(`addWhereAgreeing: layouts ${a.layout} and ${extra.layout}, needs row-major tensors`)
  }
  const dot = noGrad(a.gpu, () => sum(mul(a, extra)))
  agree_.join({ a, dot, extra }, { n: a.size }, { threads: [a.size] })
}
