// Weight gradients of 3x3 without subgroups, a lane being an image: for adapters whose loads are dear.
import source from '../../shaders/conv2d.imagesW.wgsl'
import { kernels } from '../gpu/kernel.ts'
import type { Tensor } from '../tensor.ts'
import type { Geometry } from './conv2dGeometry.ts'
import type { ConvKernel } from './conv2dKernel.ts'
import { byParts } from './conv2dParts.ts'
import { tileFit } from './conv2dTile.ts'

const images_ = kernels<'main'>(source)

/** Images side by side, and channels of an invocation. */
const LANES = 8
const K = 8
const C = 2

export const images: ConvKernel = {
  dW: { fits: (gpu, g) => tileFit(gpu, g) && g.kw === 3, fills: (_, g) => 2 * g.n > LANES, run: weight },
}

function weight(g: Geometry, x: Tensor, dy: Tensor, dw: Tensor, add: 0 | 1): void {
  const { n, c, h, w, k, oh, ow, padT: padTop, padL: padLeft, strideW: S } = g
  const tiles = [Math.ceil(k / K), Math.ceil(c / C)]
  const blocks = Math.ceil(n / LANES)
  const parts = tiles[0] * tiles[1] < 16 && blocks * oh >= 8 ? 8 : 1
  const params = { n, c, h, w, k, oh, ow, padTop, padLeft, blocks, parts }
  const header = { LANES, K, C, S }
  byParts(parts * LANES, dw, add, (partial) =>
    images_.main({ x, dy, partial }, params, { groups: [parts, ...tiles] }, { header }),
  )
}
