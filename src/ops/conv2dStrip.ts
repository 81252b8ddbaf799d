// The convolutions of software adapters, where a load from a buffer costs as much as fifty multiply-adds: 3x3, stride 1.
// Forward and input gradient; the weight gradient is in conv2dQuads.ts.

import stripSource from '../../shaders/conv2d.strip.wgsl'
import type { Gpu } from '../gpu/gpu.ts'
import { kernels } from '../gpu/kernel.ts'
import type { Tensor } from '../tensor.ts'
import type { Geometry } from './conv2dGeometry.ts'
import { addOrWrite } from './conv2dParts.ts'

const strip_ = kernels<'main'>(stripSource)

/** Output channels of an invocation. */
const M = 8
/** Input channels whose weights an invocation keeps. */
const KEPT = 64

export function stripFit(gpu: Gpu, g: Geometry): boolean {
  const lanes = gpu.info.subgroupSize
  const three = g.kh === 3 && g.kw === 3 && g.strideH === 1 && g.strideW === 1
  const plain = g.groups === 1 && g.dilationH === 1 && g.dilationW === 1 && g.bias === 0
  return gpu.info.software && lanes >= 4 && lanes <= 64 && three && plain && 2 * g.n > lanes
}

export function stripForward(g: Geometry, x: Tensor, w: Tensor, _bias: Tensor | null, y: Tensor): void {
  const { n, c, h, k, oh, ow, padT: padTop, padL: padLeft } = g
  const sizes = { n, h, w: g.w, k, oh, ow, padTop, padLeft }
  run(x, w, y, c, { ...sizes, wBase: 0, wK: c * 9, wC: 9, wI: 3, wJ: 1 }, 0)
}

/** The forward sum over dy: channels change roles, taps are mirrored, the padding is what is left of the kernel. */
export function stripInput(g: Geometry, w: Tensor, dy: Tensor, dx: Tensor, add: 0 | 1): void {
  const { n, c, h, k, oh, ow } = g
  const sizes = { n, h: oh, w: ow, k: c, oh: h, ow: g.w, padTop: 2 - g.padT, padLeft: 2 - g.padL }
  run(dy, w, dx, k, { ...sizes, wBase: 8, wK: 9, wC: c * 9, wI: -3, wJ: -1 }, add)
}

type Sizes = Omit<Parameters<typeof strip_.main>[1], 'strips'> & { n: number; k: number; oh: number; ow: number }

function run(x: Tensor, w: Tensor, y: Tensor, c: number, sizes: Sizes, add: 0 | 1): void {
  const LANES = x.gpu.info.subgroupSize
  const strips = Math.ceil(sizes.ow / 4)
  const blocks = Math.ceil(sizes.n / LANES)
  const groups = [strips * blocks, Math.ceil(sizes.k / M)]
  for (let c0 = 0; c0 < c; c0 += KEPT) {
    const header = { LANES, M, SETS: Math.ceil(M / LANES), KEPT }
    const params = { ...sizes, c0, channels: Math.min(KEPT, c - c0), strips, blocks, rows: sizes.oh }
    addOrWrite(y, c0 > 0 ? 1 : add, (to) => strip_.main({ x, w, y: to }, params, { groups }, { header }))
  }
}
