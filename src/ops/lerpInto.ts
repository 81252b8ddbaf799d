import { accumulate, noGrad } from '../autograd.ts'
import { ShapeError } from '../errors.ts'
import type { Scalar } from '../gpu/scalar.ts'
import { sameShape, type Tensor } from '../tensor.ts'
import { checkFloat } from './axes.ts'
import { toLayout } from './copy.ts'
import { add, mul, sub } from './pointwise.ts'

/**
 * target becomes target + weight (source - target), in place and without a gradient, as torch's lerp_: with weight 1 a
 * copy, with a small one a moving average, of the `flat.values` of two networks a mean teacher (Tarvainen & Valpola
 * 2017). Throws ShapeError where the shapes differ.
 */
export function lerpInto(target: Tensor, source: Tensor, weight: number | Scalar = 1): void {
  checkFloat('lerpInto', target, source)
  if (!sameShape(target.shape, source.shape)) throw new ShapeError(`lerpInto: ${source} into ${target}`)
  noGrad(target.gpu, () => {
    // In this order the target is exactly the source where the weight is 1.
    const kept = sub(target, mul(target, weight))
    accumulate(toLayout(add(kept, mul(source, weight)), target.layout), target, 0)
  })
}
