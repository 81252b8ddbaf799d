// Convolutions that stage what a workgroup shares in its memory, for GPUs: the weights of a tile forward and in the input
// gradient, a patch of x and dy in the weight gradient.
import source from '../../shaders/conv2d.shared.wgsl'
import weightSource from '../../shaders/conv2d.sharedW.wgsl'
import inputSource from '../../shaders/conv2d.sharedX.wgsl'
import type { Gpu } from '../gpu/gpu.ts'
import { kernels } from '../gpu/kernel.ts'
import type { Tensor } from '../tensor.ts'
import { type Geometry, isCentred } from './conv2dGeometry.ts'
import { always, type Backward, type ConvKernel, passes } from './conv2dKernel.ts'
import { addOrWrite, bound, byParts, partsUpTo } from './conv2dParts.ts'
import { runsFit, tileFit } from './conv2dTile.ts'

const sum_ = kernels<'main'>(source)
const input_ = kernels<'main'>(inputSource)
const weight_ = kernels<'main'>(weightSource)

/** Invocations of a workgroup, and input channels whose weights it holds. */
const WG = 64
const CHUNK = 8

/** Below so many invocations of eight channels each, four: a large one has some 17,000 lanes to fill. */
const ENOUGH = 32_768

/** Workgroups that the parts of a weight gradient are spread over. */
const SPREAD = 256

/** Channels of an invocation. */
function channelsOf(places: number, channels: number): number {
  return places * Math.ceil(channels / 8) < ENOUGH ? 4 : 8
}

const { forward, dX } = passes((g, terms, { kh, ...sum }, add, finish) => {
  const runs = Math.ceil(sum.ow / 4)
  const places = sum.n * runs * sum.oh
  const M = channelsOf(places, sum.k)
  const groups = [Math.ceil(places / WG), Math.ceil(sum.k / M)]
  const params = { ...sum, runs, places, bias: terms.b ? 1 : 0, relu: finish.relu ? 1 : 0 }
  const header = { WG, M, CHUNK, TAPS: g.kw, S: g.strideW, RESIDUAL: finish.residual ? 1 : 0 }
  addOrWrite(terms.y, add, (y) => sum_.main(bound({ ...terms, y }, finish), params, { groups }, { header }))
})

const input: Backward = (g, w, dy, dx, add) => {
  if (g.strideW === 1) return dX(g, w, dy, dx, add)
  const { n, c, h, k, oh, ow, kw: TAPS } = g
  const runs = Math.ceil(g.w / 8)
  const places = n * runs * h
  const M = channelsOf(places, c)
  const params = { n, c, h, w: g.w, k, oh, ow, runs, places }
  const groups = [Math.ceil(places / WG), Math.ceil(c / M)]
  addOrWrite(dx, add, (to) => input_.main({ w, dy, dx: to }, params, { groups }, { header: { WG, M, CHUNK, TAPS } }))
}

function weight(g: Geometry, x: Tensor, dy: Tensor, dw: Tensor, add: 0 | 1): void {
  const { n, c, h, w, k, oh, ow, kw: TAPS, padT: padTop, padL: padLeft, strideW: S } = g
  const [K, C] = [k, c].map((channels) => (channels > 8 ? 16 : 8))
  const tiles = [Math.ceil(k / K), Math.ceil(c / C)]
  const runs = Math.ceil(ow / 4)
  const blocks = Math.ceil(n / 8)
  const units = oh * runs * blocks
  const parts = partsUpTo(Math.min(units, Math.ceil(SPREAD / (tiles[0] * tiles[1]))))
  const params = { quads: n / 4, c, h, w, k, oh, ow, padTop, padLeft, runs, blocks, units, parts }
  const header = { K, C, WG: (K / 4) * C * TAPS, TAPS, S }
  byParts(parts, dw, add, (partial) =>
    weight_.main({ x, dy, partial }, params, { groups: [parts, ...tiles] }, { header }),
  )
}

function inputFits(gpu: Gpu, g: Geometry): boolean {
  const slow = g.strideW > 1
  return tileFit(gpu, g) && (!slow || isCentred(g)) && runsFit(g.n, g.h, g.w, slow ? 8 : 4)
}

export const shared: ConvKernel = {
  forward: { fits: (gpu, g) => tileFit(gpu, g) && runsFit(g.n, g.oh, g.ow, 4), finishes: always, run: forward },
  dX: { fits: inputFits, run: input },
  // A load brings four images; a workgroup has lanes for eight input channels.
  dW: { fits: (gpu, g) => tileFit(gpu, g) && g.n % 4 === 0, fills: (_, g) => g.c > 4, run: weight },
}
