// The convolutions of software adapters, where a load from a buffer costs as much as fifty multiply-adds: 3x3.
// Forward and input gradient; the weight gradient is in conv2dQuads.ts.
import plainSource from '../../shaders/conv2d.plain.wgsl'
import stripSource from '../../shaders/conv2d.strip.wgsl'
import strip2Source from '../../shaders/conv2d.strip2.wgsl'
import type { Gpu } from '../gpu/gpu.ts'
import { kernels } from '../gpu/kernel.ts'
import type { Tensor } from '../tensor.ts'
import { type Finish, type Geometry, isSimple } from './conv2dGeometry.ts'
import { hasLanes } from './conv2dLanes.ts'
import { addOrWrite } from './conv2dParts.ts'

/** Kernels; output channels of an invocation, and input channels whose weights it keeps. */
const WAYS = {
  strip: { kernel: kernels<'main'>(stripSource).main, M: 8, KEPT: 64 },
  strip2: { kernel: kernels<'main'>(strip2Source).main, M: 16, KEPT: 32 },
  plain: { kernel: kernels<'main'>(plainSource).main, M: 8, KEPT: 32 },
} as const
type Way = keyof typeof WAYS

/** Images side by side without subgroups. */
const PLAIN_LANES = 8

function shapeFits(gpu: Gpu, g: Geometry, lanes: number, strides: number): boolean {
  return gpu.info.software && isSimple(g) && g.kw === 3 && g.strideW <= strides && 2 * g.n > lanes
}

export function stripFit(gpu: Gpu, g: Geometry): boolean {
  return hasLanes(gpu) && shapeFits(gpu, g, gpu.info.subgroupSize, 2)
}

/** Also the input gradient, which at stride 1 is such a convolution. */
export function stripFitInput(gpu: Gpu, g: Geometry): boolean {
  return stripFit(gpu, g) && g.strideH === 1
}

export function plainFit(gpu: Gpu, g: Geometry): boolean {
  return shapeFits(gpu, g, PLAIN_LANES, 1)
}

const wayOf = (g: Geometry): Way => (g.strideH === 1 ? 'strip' : 'strip2')

/** Can the forward pass finish with residual and ReLU? */
export const stripFinishes = (g: Geometry): boolean => g.c <= WAYS[wayOf(g)].KEPT
export const plainFinishes = (g: Geometry): boolean => g.c <= WAYS.plain.KEPT

type Forward = (g: Geometry, x: Tensor, w: Tensor, bias: Tensor | null, y: Tensor, finish: Finish) => void
type Input = (g: Geometry, w: Tensor, dy: Tensor, dx: Tensor, add: 0 | 1) => void

const forward =
  (way: (g: Geometry) => Way): Forward =>
  (g, x, w, b, y, finish) => {
    const { n, c, h, k, oh, ow, padT: padTop, padL: padLeft } = g
    const weights: Record<string, number> =
      g.strideH === 1 ? { wBase: 0, wK: c * 9, wC: 9, wI: 3, wJ: 1 } : { wK: c * 9 }
    run(way(g), { x, w, b, y }, c, { n, h, w: g.w, k, oh, ow, padTop, padLeft, ...weights }, 0, finish)
  }
export const stripForward = forward(wayOf)
export const plainForward = forward(() => 'plain')

/** The forward sum over dy: channels change roles, taps are mirrored, the padding is what is left of the kernel. */
const input =
  (way: Way): Input =>
  (g, w, dy, dx, add) => {
    const { n, c, h, k, oh, ow } = g
    const sizes = { n, h: oh, w: ow, k: c, oh: h, ow: g.w, padTop: 2 - g.padT, padLeft: 2 - g.padL }
    const weights = { wBase: 8, wK: 9, wC: c * 9, wI: -3, wJ: -1 }
    run(way, { x: dy, w, b: null, y: dx }, k, { ...sizes, ...weights }, add, {})
  }
export const stripInput = input('strip')
export const plainInput = input('plain')

type Sizes = { n: number; k: number; oh: number; ow: number } & Record<string, number>

function run(
  way: Way,
  { x, w, b, y }: { x: Tensor; w: Tensor; b: Tensor | null; y: Tensor },
  c: number,
  sizes: Sizes,
  add: 0 | 1,
  { residual, relu }: Finish,
): void {
  const { kernel, M, KEPT } = WAYS[way]
  const LANES = way === 'plain' ? PLAIN_LANES : x.gpu.info.subgroupSize
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
