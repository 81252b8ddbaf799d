// Batch norm of a network that only runs is a factor and an offset per channel: both go into the convolution before it.
//   w'[k] = w[k] · γ[k] / √(var[k] + ε),   b'[k] = β[k] - mean[k] · γ[k] / √(var[k] + ε)
import { accumulate, noGrad } from '../autograd.ts'
import { BATCH_NORM_EPS } from '../ops/batchNorm.ts'
import { reshape } from '../ops/copy.ts'
import { add, div, mul, sqrt, sub } from '../ops/pointwise.ts'
import { persistent, type Tensor } from '../tensor.ts'
import type { Parameters } from './parameters.ts'

/** Weights and biases of a network's convolutions with their batch norms in them, by the convolution's name. */
export type Folded = ReadonlyMap<string, { weight: Tensor; bias: Tensor }>

/** Folds each norm into its convolution: into new tensors, or into those of an earlier fold. */
export function foldNorms(
  parameters: Parameters,
  pairs: readonly { conv: string; norm: string }[],
  earlier?: Folded,
): Folded {
  const { gpu } = parameters
  return noGrad(gpu, () => {
    const folded = new Map<string, { weight: Tensor; bias: Tensor }>()
    for (const { conv, norm } of pairs) {
      const weight = parameters.get(`${conv}.weight`)
      const of = (part: string) => parameters.get(`${norm}.${part}`)
      const factor = div(of('weight'), sqrt(add(of('running_var'), BATCH_NORM_EPS)))
      const to = earlier?.get(conv) ?? {
        weight: persistent(gpu, weight.shape, null, 'f32', 'row', `${conv}, folded`),
        bias: persistent(gpu, factor.shape, null, 'f32', 'row', `${conv} bias, folded`),
      }
      accumulate(mul(weight, reshape(factor, [factor.size, 1, 1, 1])), to.weight, 0)
      accumulate(sub(of('bias'), mul(of('running_mean'), factor)), to.bias, 0)
      folded.set(conv, to)
    }
    return folded
  })
}
