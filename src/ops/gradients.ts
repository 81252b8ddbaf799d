// What training loops do to gradients besides computing them.
import { accumulate, clearOld, noGrad } from '../autograd.ts'
import { InputError } from '../errors.ts'
import { Tensor } from '../tensor.ts'
import { clamp } from './activation.ts'
import { add, div, mul, sqrt } from './pointwise.ts'
import { sum } from './reduce.ts'

/** The same values, in the same memory, without what they were computed from: no gradient goes further back than here. */
export function detach(x: Tensor): Tensor {
  return new Tensor(x.storage, x.offset, x.shape, x.dtype, x.layout)
}

/** As optimizers have them. */
interface Gradients {
  gradients: Tensor
  withoutGradient?(): readonly Tensor[]
}

/**
 * Scales all gradients of `parameters.flat` by one number so that their common L2 norm is at most `maxNorm`; call it
 * between `backward` and the optimizer's `step`. Returns the norm before, []. As torch.nn.utils.clip_grad_norm_. Throws
 * InputError for a maxNorm that is not above 0.
 */
export function clipGradNorm(flat: Gradients, maxNorm: number): Tensor {
  const { gradients } = flat
  if (!(gradients instanceof Tensor)) {
    throw new InputError('clipGradNorm: needs flat buffers, { gradients }: pass the `flat` of Parameters')
  }
  if (!(maxNorm > 0)) throw new InputError(`clipGradNorm: maxNorm ${maxNorm}, needs a number above 0`)
  return noGrad(gradients.gpu, () => {
    clearOld(flat)
    const norm = sqrt(sum(mul(gradients, gradients)))
    const share = clamp(div(maxNorm, add(norm, 1e-6)), { max: 1 })
    accumulate(mul(gradients, share), gradients, 0)
    return norm
  })
}
