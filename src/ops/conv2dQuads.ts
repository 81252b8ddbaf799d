// Weight gradients where a load brings four images and a lane is an output channel, for adapters whose loads are dear.
import slowSource from '../../shaders/conv2d.quadRowsW.wgsl'
import source from '../../shaders/conv2d.quadsW.wgsl'
import { kernels } from '../gpu/kernel.ts'
import type { Tensor } from '../tensor.ts'
import type { Geometry } from './conv2dGeometry.ts'
import type { ConvKernel } from './conv2dKernel.ts'
import { imagesFill, lanesFit } from './conv2dLanes.ts'
import { byParts } from './conv2dParts.ts'

/** All nine taps at once, for 3x3 at stride 1. */
const nine_ = kernels<'main'>(source)
/** A kernel row a workgroup, for the other strides and for 1x1. */
const rows_ = kernels<'main'>(slowSource)

export const quads: ConvKernel = {
  dW: { fits: (gpu, g) => lanesFit(gpu, g) && g.n % 4 === 0, fills: imagesFill, run: weight },
}

/**
 * Workgroups a weight gradient is spread over: one for a quarter of a millisecond's multiply-adds, since parts of it cost a
 * second dispatch, which adds them up, and their bytes. Two for the smallest, since a processor has two cores at least; no
 * more than sixteen, which fill most.
 */
const workgroups = (multiplyAdds: number): number => Math.min(16, Math.max(2, Math.ceil(multiplyAdds / 2e6)))

function weight(g: Geometry, x: Tensor, dy: Tensor, dw: Tensor, add: 0 | 1): void {
  const { n, c, h, k, oh, ow, kh, kw: TAPS, strideW: S, padT: padTop, padL: padLeft } = g
  const LANES = x.gpu.info.subgroupSize
  const C = Math.min(8, LANES, c)
  const quads = n / 4
  const strips = Math.ceil(ow / 2)
  const tiles = [Math.ceil(k / LANES), Math.ceil(c / C)]
  const nine = TAPS === 3 && S === 1
  const each = tiles[0] * tiles[1] * (nine ? 1 : kh)
  const parts = Math.min(8, strips * quads, Math.ceil(workgroups(n * c * k * oh * ow * kh * TAPS) / each))
  const params = { quads, c, h, w: g.w, k, oh, ow, padTop, padLeft, strips, parts }
  byParts(parts, dw, add, (partial) => {
    if (nine) {
      nine_.main({ x, dy, partial }, params, { groups: [parts, ...tiles] }, { header: { LANES, C } })
    } else {
      const header = { LANES, C, TAPS, S }
      rows_.main({ x, dy, partial }, { ...params, kh }, { groups: [parts * kh, ...tiles] }, { header })
    }
  })
}
