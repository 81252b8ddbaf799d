import source from '../../shaders/conv2d.wgsl'
import { record } from '../autograd.ts'
import { kernels } from '../gpu/kernel.ts'
import { empty, type Tensor } from '../tensor.ts'
import type { Backward, Conv2dOptions, Forward, Geometry } from './conv2dGeometry.ts'
import { checkResidual, geometry } from './conv2dGeometry.ts'
import { imagesWeight } from './conv2dImages.ts'
import { lanesForward, lanesInput, lanesWeight } from './conv2dLanes.ts'
import { type ConvPlan, planConv2d } from './conv2dPlan.ts'
import { quadsWeight } from './conv2dQuads.ts'
import { rowsFinish, rowsForward } from './conv2dRows.ts'
import { sharedForward, sharedInput, sharedWeight } from './conv2dShared.ts'
import { plainFinishes, plainForward, plainInput, stripFinishes, stripForward, stripInput } from './conv2dStrip.ts'
import { tileForward, tileInput, tileWeight } from './conv2dTile.ts'
import { tinyFinishes, tinyForward, tinyInput, tinyWeight } from './conv2dTiny.ts'
import { add } from './pointwise.ts'
import { relu } from './relu.ts'

export type { Conv2dOptions } from './conv2dGeometry.ts'

const conv2d_ = kernels<'forward' | 'backwardX' | 'backwardW' | 'backwardB'>(source)

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
  const { residual, relu: rectify } = options
  if (residual || rectify) {
    checkResidual(g, residual)
    const wantsGradient = x.gpu.recording && [x, w, bias, residual].some((t) => t?.requiresGrad)
    if (wantsGradient || !FINISHES[plan.forward](g)) {
      const sum = conv2dBy(wanted, x, w, bias, { ...options, residual: null, relu: false })
      const y = residual ? add(sum, residual) : sum
      return rectify ? relu(y) : y
    }
  }
  const y = empty(x.gpu, [g.n, g.k, g.oh, g.ow], 'f32', 'chwn', 'conv2d')
  FORWARD[plan.forward](g, x, w, bias, y, { residual, relu: rectify })
  return record('conv2d', y, bias ? [x, w, bias] : [x, w], (dy, [dx, dw, db]) => {
    if (dx) INPUT[plan.dX](g, w, dy, dx.to, dx.add)
    if (dw) WEIGHT[plan.dW](g, x, dy, dw.to, dw.add)
    if (db) conv2d_.backwardB({ dy, db: db.to }, { ...g, add: db.add }, { groups: [g.k] })
  })
}

/** Which of them add the residual and rectify. */
const FINISHES: Record<ConvPlan['forward'], (g: Geometry) => boolean> = {
  tiny: tinyFinishes,
  strip: stripFinishes,
  plain: plainFinishes,
  rows: rowsFinish,
  tile: () => true,
  shared: () => true,
  lanes: () => false,
  generic: () => false,
}

const FORWARD: Record<ConvPlan['forward'], Forward> = {
  tiny: tinyForward,
  strip: stripForward,
  plain: plainForward,
  lanes: lanesForward,
  rows: rowsForward,
  tile: tileForward,
  shared: sharedForward,
  generic: (g, x, w, bias, y) => conv2d_.forward({ x, w, b: bias ?? w, y }, { ...g, add: 0 }, { threads: [y.size] }),
}
const INPUT: Record<ConvPlan['dX'], Backward> = {
  tiny: tinyInput,
  strip: stripInput,
  plain: plainInput,
  lanes: lanesInput,
  tile: tileInput,
  shared: sharedInput,
  generic: (g, w, dy, dx, add) => conv2d_.backwardX({ w, dy, dx }, { ...g, add }, { threads: [dx.size] }),
}
const WEIGHT: Record<ConvPlan['dW'], Backward> = {
  tiny: tinyWeight,
  quads: quadsWeight,
  images: imagesWeight,
  lanes: lanesWeight,
  tile: tileWeight,
  shared: sharedWeight,
  generic: (g, x, dy, dw, add) => conv2d_.backwardW({ x, dy, dw }, { ...g, add }, { groups: [dw.size] }),
}
