// 3x3 convolutions of pictures of 2x2, all three passes: five ninths of the taps lie outside.
import source from '../../shaders/conv2d.tiny.wgsl'
import weightSource from '../../shaders/conv2d.tinyW.wgsl'
import type { Gpu } from '../gpu/gpu.ts'
import { kernels } from '../gpu/kernel.ts'
import type { Tensor } from '../tensor.ts'
import { type Geometry, isSimple } from './conv2dGeometry.ts'
import { type ConvKernel, passes } from './conv2dKernel.ts'
import { hasLanes, imagesFill } from './conv2dLanes.ts'
import { byChannels, inOnePart } from './conv2dParts.ts'

const sum_ = kernels<'main'>(source)
const weight_ = kernels<'main'>(weightSource)

/** Output channels of an invocation, and input channels whose weights it keeps. */
const M = 8
const KEPT = 64
/** Workgroups that a tile of output channels is spread over. */
const SPREAD = 2

function fits(gpu: Gpu, g: Geometry): boolean {
  const same = g.padT === 1 && g.padL === 1 && g.h === 2 && g.w === 2 && g.oh === 2 && g.ow === 2
  return hasLanes(gpu) && isSimple(g) && g.kw === 3 && g.strideW === 1 && same && g.n > 0
}

const { forward, dX } = passes((_, terms, sum, add, finish) => {
  const { n, c, k, wBase, wK, wC, wI, wJ } = sum
  const LANES = terms.x.gpu.info.subgroupSize
  const blocks = Math.ceil(n / LANES)
  const stride = Math.min(blocks, SPREAD)
  const groups = [stride, Math.ceil(k / M)]
  const header = { LANES, M, SETS: Math.ceil(M / LANES), KEPT, RESIDUAL: finish.residual ? 1 : 0 }
  const params = { n, k, wBase, wK, wC, wI, wJ, blocks, stride }
  byChannels(KEPT, c, terms, add, finish, (tensors, part) => {
    sum_.main(tensors, { ...params, ...part }, { groups }, { header })
  })
})

function weight({ n, c, k }: Geometry, x: Tensor, dy: Tensor, dw: Tensor, add: 0 | 1): void {
  const LANES = x.gpu.info.subgroupSize
  const C = Math.min(8, LANES)
  const groups = [Math.ceil(k / LANES), Math.ceil(c / C)]
  weight_.main({ x, dy, dw }, { quads: n / 4, c, k, add }, { groups }, { header: { LANES, C } })
}

export const tiny: ConvKernel = {
  forward: { fits, fills: imagesFill, finishes: inOnePart(KEPT), run: forward },
  dX: { fits, fills: imagesFill, run: dX },
  // A load brings four images.
  dW: { fits: (gpu, g) => fits(gpu, g) && g.n % 4 === 0, fills: imagesFill, run: weight },
}
