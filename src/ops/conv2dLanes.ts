// Convolutions where a lane is an image and shuffles spread the weights: where an adapter has subgroups of a known size,
// for 1x1 and 3x3 at stride 1 and 2, all three passes but the input gradient of 3x3 at stride 2.
import lanesSource from '../../shaders/conv2d.lanes.wgsl'
import weightSource from '../../shaders/conv2d.lanesW.wgsl'
import inputSource from '../../shaders/conv2d.lanesX.wgsl'
import type { Gpu } from '../gpu/gpu.ts'
import { kernels, MAX_GROUPS } from '../gpu/kernel.ts'
import type { Tensor } from '../tensor.ts'
import { type Geometry, isCentred, isSimple } from './conv2dGeometry.ts'
import { type Backward, type ConvKernel, never, passes } from './conv2dKernel.ts'
import { addOrWrite, byParts } from './conv2dParts.ts'

const forward_ = kernels<'main'>(lanesSource)
const input_ = kernels<'main'>(inputSource)
const weight_ = kernels<'main'>(weightSource)

/** Subgroups of one known size that a workgroup can be. */
export const hasLanes = ({ info }: Gpu): boolean => info.subgroupSize >= 4 && info.subgroupSize <= 64

/** Do images fill the lanes of a subgroup? */
export const imagesFill = ({ info }: Gpu, g: Geometry): boolean => 2 * g.n > info.subgroupSize

/**
 * Is there a workgroup, whose lanes are images, for every run of `width` pixels of a row, on one axis of a grid? As
 * `runsFit` of conv2dTile.ts.
 */
export const imagesFit = (lanes: number, n: number, rows: number, columns: number, width: number): boolean =>
  rows * Math.ceil(columns / width) * Math.ceil(n / lanes) <= MAX_GROUPS

/** Kernels of 1 or 3 taps a row, stride 1 or 2, no groups, no dilation. */
export function lanesFit(gpu: Gpu, g: Geometry): boolean {
  const sizes = (g.kw === 1 || g.kw === 3) && (g.strideW === 1 || g.strideW === 2)
  const padding = g.padT === g.padL && g.padT < g.kh
  return hasLanes(gpu) && isSimple(g) && sizes && padding && g.n > 0
}

/** Channels a tile: as many as divide the work without idle rows. */
const tile = (channels: number): number => (channels > 8 ? 16 : 8)

/** Runs of four pixels an invocation. */
const runsOf = (taps: number, columns: number): number => (columns > 4 && taps === 3 ? 2 : 1)

const { forward, dX } = passes((g, { x, w, b, y }, sum, add) => {
  const [TAPS, S] = [g.kw, g.strideW]
  const LANES = x.gpu.info.subgroupSize
  const M = tile(sum.k)
  const Q = runsOf(TAPS, sum.ow)
  const runs = Math.ceil(sum.ow / (4 * Q))
  const header = { LANES, M, Q, TAPS, S, LOADS: Math.ceil((M * TAPS) / LANES) }
  const groups = [runs * sum.oh * Math.ceil(sum.n / LANES), Math.ceil(sum.k / M)]
  const params = { ...sum, runs, bias: b ? 1 : 0 }
  addOrWrite(y, add, (to) => forward_.main({ x, w, b: b ?? w, y: to }, params, { groups }, { header }))
})

const input: Backward = (g, w, dy, dx, add) => {
  if (g.strideW === 1) return dX(g, w, dy, dx, add)
  const { n, c, h, k, oh, ow } = g
  const LANES = w.gpu.info.subgroupSize
  const M = Math.min(8, LANES)
  const runs = Math.ceil(g.w / 8)
  // A quarter of the pixels is added in place, by a pipeline that compiles in no time.
  const groups = [runs * Math.ceil(add ? h / 2 : h) * Math.ceil(n / LANES), Math.ceil(c / M)]
  input_.main({ w, dy, dx }, { n, c, h, w: g.w, k, oh, ow, runs }, { groups }, { header: { LANES, M, ADD: add } })
}

function weight(g: Geometry, x: Tensor, dy: Tensor, dw: Tensor, add: 0 | 1): void {
  const { n, c, h, k, oh, ow, kh, kw, padT: padTop, padL: padLeft, strideW: S } = g
  const LANES = x.gpu.info.subgroupSize
  const KT = k > LANES ? 2 : 1
  const CQ = c > 8 ? 4 : c > 4 ? 2 : 1
  const parts = Math.min(8, n)
  const params = { n, c, h, w: g.w, k, oh, ow, kh, padTop, padLeft, parts }
  const header = { LANES, KT, CQ, TAPS: kw, S, CL: Math.ceil((4 * CQ) / LANES) }
  const groups = [parts * kh, Math.ceil(k / (KT * LANES)), Math.ceil(c / (4 * CQ))]
  byParts(parts, dw, add, (partial) => weight_.main({ x, dy, partial }, params, { groups }, { header }))
}

function forwardFits(gpu: Gpu, g: Geometry): boolean {
  const { n, oh, ow, kw } = g
  return lanesFit(gpu, g) && imagesFit(gpu.info.subgroupSize, n, oh, ow, 4 * runsOf(kw, ow))
}

/** At stride 2 for 1x1 alone: conv2d.stripX does 3x3. */
function inputFits(gpu: Gpu, g: Geometry): boolean {
  const { n, h, w, kw, strideW } = g
  const width = strideW === 1 ? 4 * runsOf(kw, w) : 8
  const known = strideW === 1 || (kw === 1 && isCentred(g))
  return lanesFit(gpu, g) && known && imagesFit(gpu.info.subgroupSize, n, h, w, width)
}

export const lanes: ConvKernel = {
  forward: { fits: forwardFits, fills: imagesFill, finishes: never, run: forward },
  dX: { fits: inputFits, fills: imagesFill, run: input },
  dW: { fits: lanesFit, fills: imagesFill, run: weight },
}
