// Convolutions of a few images, a lane being a place in a row: 1x1 and 3x3, forward.
import source from '../../shaders/conv2d.rows.wgsl'
import downSource from '../../shaders/conv2d.rowsDown.wgsl'
import type { Gpu } from '../gpu/gpu.ts'
import { kernels, MAX_GROUPS } from '../gpu/kernel.ts'
import { type Geometry, isSimple } from './conv2dGeometry.ts'
import type { ConvKernel, Forward } from './conv2dKernel.ts'
import { hasLanes } from './conv2dLanes.ts'
import { byChannels, inOnePart } from './conv2dParts.ts'

const rows_ = kernels<'main'>(source)
/** For 3x3 at stride 1. */
const down_ = kernels<'main'>(downSource)

/** Output channels of an invocation, and input channels whose weights it keeps. */
const M = 8
const KEPT = 64
/** Workgroups that keep the processors of a software adapter busy. */
const ENOUGH = 4

/** Subgroups for a row of runs of P pixels. */
const stripsOf = (lanes: number, n: number, ow: number, P: number) => Math.ceil((Math.ceil(ow / P) * n) / lanes)

function fits(gpu: Gpu, g: Geometry): boolean {
  const fitsGrid = stripsOf(gpu.info.subgroupSize, g.n, g.ow, 1) <= MAX_GROUPS
  return hasLanes(gpu) && isSimple(g) && (g.kw === 1 || g.kw === 3) && g.n > 0 && fitsGrid
}

/** Pixels a lane: more of them share loads and weights, as long as lanes enough are left to share out the row. */
function pixelsOf(lanes: number, n: number, ow: number): number {
  // By instructions on llvmpipe a run of P takes as long as 2 + P.
  const cost = (P: number) => stripsOf(lanes, n, ow, P) * (2 + P)
  return [1, 2, 4].reduce((best, P) => (cost(P) < cost(best) ? P : best))
}

const forward: Forward = (g, x, w, b, y, finish) => {
  const { n, c, h, k, oh, ow, kw: TAPS, strideH: stride, padT: padTop, padL: padLeft } = g
  const LANES = x.gpu.info.subgroupSize
  const walks = TAPS === 3 && stride === 1
  const P = walks ? pixelsOf(LANES, n, ow) : 1
  const strips = stripsOf(LANES, n, ow, P)
  const tiles = Math.ceil(k / M)
  const each = Math.ceil(oh / Math.ceil(ENOUGH / (strips * tiles)))
  const sizes = { n, h, w: g.w, k, oh, ow, padTop, padLeft, wK: c * TAPS * TAPS, strips, rows: each }
  const header = { LANES, M, SETS: Math.ceil(M / LANES), KEPT, RESIDUAL: finish.residual ? 1 : 0 }
  const groups = [strips * Math.ceil(oh / each), tiles]
  byChannels(KEPT, c, { x, w, b, y }, 0, finish, (tensors, part) => {
    const params = { ...sizes, ...part }
    if (walks) down_.main(tensors, params, { groups }, { header: { ...header, P } })
    else rows_.main(tensors, { ...params, stride }, { groups }, { header: { ...header, TAPS } })
  })
}

export const rows: ConvKernel = { forward: { fits, finishes: inOnePart(KEPT), run: forward } }
