import { record } from '../autograd.ts'
import { empty, type Tensor } from '../tensor.ts'
import { biasGradient } from './conv2dGeneric.ts'
import { type Conv2dOptions, checkResidual, geometry } from './conv2dGeometry.ts'
import { type ConvPlan, KERNELS, planConv2d } from './conv2dPlan.ts'
import { add } from './pointwise.ts'
import { relu } from './relu.ts'

export type { Conv2dOptions } from './conv2dGeometry.ts'

/**
 * The convolution of x [N, C, H, W] with w [K, C/groups, kh, kw] plus bias [K], as PyTorch's; [N, K, OH, OW] comes out.
 * x is 'chwn', w row-major. With `residual` it is added, with `relu` what is below 0 becomes 0: in the same dispatch
 * where the kernel can and no gradient is wanted. Throws ShapeError where the shapes do not fit, InputError for an
 * option that can't be.
 */
export function conv2d(x: Tensor, w: Tensor, bias: Tensor | null = null, options: Conv2dOptions = {}): Tensor {
  return conv2dBy({}, x, w, bias, options)
}

/** conv2d by the kernels that `wanted` names, for tests and benchmarks. Throws InputError where one can't. */
export function conv2dBy(
  wanted: Partial<ConvPlan>,
  x: Tensor,
  w: Tensor,
  bias: Tensor | null = null,
  options: Conv2dOptions = {},
): Tensor {
  const g = geometry(x, w, bias, options)
  const plan = planConv2d(x.gpu, g, wanted)
  const forward = KERNELS[plan.forward].forward!
  const { residual, relu: rectify } = options
  if (residual || rectify) {
    checkResidual(g, residual)
    const wantsGradient = x.gpu.recording && [x, w, bias, residual].some((t) => t?.requiresGrad)
    if (wantsGradient || !forward.finishes(g)) {
      const sum = conv2dBy(wanted, x, w, bias, { ...options, residual: null, relu: false })
      const y = residual ? add(sum, residual) : sum
      return rectify ? relu(y) : y
    }
  }
  const y = empty(x.gpu, [g.n, g.k, g.oh, g.ow], 'f32', 'chwn', 'conv2d')
  forward.run(g, x, w, bias, y, { residual, relu: rectify })
  return record('conv2d', y, bias ? [x, w, bias] : [x, w], (dy, [dx, dw, db]) => {
    if (dx) KERNELS[plan.dX].dX!.run(g, w, dy, dx.to, dx.add)
    if (dw) KERNELS[plan.dW].dW!.run(g, x, dy, dw.to, dw.add)
    if (db) biasGradient(g, dy, db.to, db.add)
  })
}
