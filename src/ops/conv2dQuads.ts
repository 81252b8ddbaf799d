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

/** Workgroups to fill a processor: parts that are not needed for it cost a dispatch that adds them up, and their bytes. */
const MANY = 16
/** Enough for less than SHORT multiply-adds, about a millisecond: the second dispatch would take longer than they save. */
const FEW = 4
const SHORT = 1e7

function weight(g: Geometry, x: Tensor, dy: Tensor, dw: Tensor, add: 0 | 1): void {
  const { n, c, h, k, oh, ow, kh, kw: TAPS, strideW: S, padT: padTop, padL: padLeft } = g
  const LANES = x.gpu.info.subgroupSize
  const C = Math.min(8, LANES)
  const quads = n / 4
  const strips = Math.ceil(ow / 2)
  const tiles = [Math.ceil(k / LANES), Math.ceil(c / C)]
  const work = n * c * k * oh * ow * kh * TAPS
  const parts = Math.min(8, strips * quads, Math.ceil((work < SHORT ? FEW : MANY) / (tiles[0] * tiles[1])))
  const params = { quads, c, h, w: g.w, k, oh, ow, padTop, padLeft, strips, parts }
  byParts(parts, dw, add, (partial) => {
    if (TAPS === 3 && S === 1) {
      nine_.main({ x, dy, partial }, params, { groups: [parts, ...tiles] }, { header: { LANES, C } })
    } else {
      const header = { LANES, C, TAPS, S }
      rows_.main({ x, dy, partial }, { ...params, kh }, { groups: [parts * kh, ...tiles] }, { header })
    }
  })
}
