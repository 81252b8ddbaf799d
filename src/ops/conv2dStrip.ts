// The convolutions of software adapters, where a load from a buffer costs as much as fifty multiply-adds: 3x3.
// Forward and input gradient; the weight gradient is in conv2dQuads.ts.

import stripSource from '../../shaders/conv2d.strip.wgsl'
import strip2Source from '../../shaders/conv2d.strip2.wgsl'
import type { Gpu } from '../gpu/gpu.ts'
import { kernels } from '../gpu/kernel.ts'
import type { Tensor } from '../tensor.ts'
import type { Finish, Geometry } from './conv2dGeometry.ts'
import { addOrWrite } from './conv2dParts.ts'

const strip_ = kernels<'main'>(stripSource)
const strip2_ = kernels<'main'>(strip2Source)

/** Output channels of an invocation, and input channels whose weights it keeps, by stride. */
const TILES = { 1: { M: 8, KEPT: 64 }, 2: { M: 16, KEPT: 32 } } as const

export function stripFit(gpu: Gpu, g: Geometry): boolean {
  const lanes = gpu.info.subgroupSize
  const three = g.kh === 3 && g.kw === 3 && g.strideH === g.strideW && g.strideH <= 2
  const plain = g.groups === 1 && g.dilationH === 1 && g.dilationW === 1
  return gpu.info.software && lanes >= 4 && lanes <= 64 && three && plain && 2 * g.n > lanes
}

/** Also the input gradient, which at stride 1 is such a convolution. */
export function stripFitInput(gpu: Gpu, g: Geometry): boolean {
  return stripFit(gpu, g) && g.strideH === 1
}

/** Can the forward pass finish with residual and ReLU? */
export function stripFinishes(g: Geometry): boolean {
  return g.c <= TILES[g.strideH as 1 | 2].KEPT
}

export function stripForward(g: Geometry, x: Tensor, w: Tensor, bias: Tensor | null, y: Tensor, finish: Finish): void {
  const { n, c, h, k, oh, ow, padT: padTop, padL: padLeft } = g
  const sizes = { n, h, w: g.w, k, oh, ow, padTop, padLeft }
  if (g.strideH === 1) {
    run(strip_.main, 1, { x, w, b: bias, y }, c, { ...sizes, wBase: 0, wK: c * 9, wC: 9, wI: 3, wJ: 1 }, 0, finish)
  } else {
    run(strip2_.main, 2, { x, w, b: bias, y }, c, { ...sizes, wK: c * 9 }, 0, finish)
  }
}

/** The forward sum over dy: channels change roles, taps are mirrored, the padding is what is left of the kernel. */
export function stripInput(g: Geometry, w: Tensor, dy: Tensor, dx: Tensor, add: 0 | 1): void {
  const { n, c, h, k, oh, ow } = g
  const sizes = { n, h: oh, w: ow, k: c, oh: h, ow: g.w, padTop: 2 - g.padT, padLeft: 2 - g.padL }
  const weights = { wBase: 8, wK: 9, wC: c * 9, wI: -3, wJ: -1 }
  run(strip_.main, 1, { x: dy, w, b: null, y: dx }, k, { ...sizes, ...weights }, add, {})
}

type Sizes = { n: number; k: number; oh: number; ow: number } & Record<string, number>

function run(
  kernel: typeof strip_.main,
  stride: 1 | 2,
  { x, w, b, y }: { x: Tensor; w: Tensor; b: Tensor | null; y: Tensor },
  c: number,
  sizes: Sizes,
  add: 0 | 1,
  { residual, relu }: Finish,
): void {
  const { M, KEPT } = TILES[stride]
  const LANES = x.gpu.info.subgroupSize
  const strips = Math.ceil(sizes.ow / 4)
  const blocks = Math.ceil(sizes.n / LANES)
  const groups = [strips * blocks, Math.ceil(sizes.k / M)]
  const header = { LANES, M, SETS: Math.ceil(M / LANES), KEPT, RESIDUAL: residual ? 1 : 0 }
  for (let c0 = 0; c0 < c; c0 += KEPT) {
    const tile = { c0, channels: Math.min(KEPT, c - c0), strips, blocks, rows: sizes.oh }
    const params = { ...sizes, ...tile, bias: b && c0 === 0 ? 1 : 0, relu: relu ? 1 : 0 }
    addOrWrite(y, c0 > 0 ? 1 : add, (to) =>
      kernel({ x, w, b: b ?? w, r: residual ?? x, y: to }, params, { groups }, { header }),
    )
  }
}
