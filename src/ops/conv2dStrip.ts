// The convolutions of software adapters, where a load from a buffer costs as much as fifty multiply-adds: 3x3.
// Forward and input gradient; the weight gradient is in conv2dQuads.ts.
import plainSource from '../../shaders/conv2d.plain.wgsl'
import plain2Source from '../../shaders/conv2d.plain2.wgsl'
import stripSource from '../../shaders/conv2d.strip.wgsl'
import strip2Source from '../../shaders/conv2d.strip2.wgsl'
import type { Gpu } from '../gpu/gpu.ts'
import { kernels } from '../gpu/kernel.ts'
import type { Tensor } from '../tensor.ts'
import type { Backward, Finish, Forward, Geometry, Sum } from './conv2dGeometry.ts'
import { forwardSum, inputSum, isSimple } from './conv2dGeometry.ts'
import { hasLanes } from './conv2dLanes.ts'
import { addOrWrite } from './conv2dParts.ts'

/** Kernels; output channels of an invocation, and input channels whose weights it keeps. */
const WAYS = {
  strip: { kernel: kernels<'main'>(stripSource).main, M: 8, KEPT: 64 },
  strip2: { kernel: kernels<'main'>(strip2Source).main, M: 16, KEPT: 32 },
  plain: { kernel: kernels<'main'>(plainSource).main, M: 8, KEPT: 32 },
  plain2: { kernel: kernels<'main'>(plain2Source).main, M: 4, KEPT: 32 },
} as const
type Way = keyof typeof WAYS

/** Images side by side without subgroups. */
const PLAIN_LANES = 8

function shapeFits(gpu: Gpu, g: Geometry, lanes: number): boolean {
  return gpu.info.software && isSimple(g) && g.kw === 3 && g.strideW <= 2 && 2 * g.n > lanes
}

export function stripFit(gpu: Gpu, g: Geometry): boolean {
  return hasLanes(gpu) && shapeFits(gpu, g, gpu.info.subgroupSize)
}

/** Also the input gradient, which at stride 1 is such a convolution. */
export function stripFitInput(gpu: Gpu, g: Geometry): boolean {
  return stripFit(gpu, g) && g.strideH === 1
}

export function plainFit(gpu: Gpu, g: Geometry): boolean {
  return shapeFits(gpu, g, PLAIN_LANES)
}

export function plainFitInput(gpu: Gpu, g: Geometry): boolean {
  return plainFit(gpu, g) && g.strideH === 1
}

const stripOf = (g: Geometry): Way => (g.strideH === 1 ? 'strip' : 'strip2')
const plainOf = (g: Geometry): Way => (g.strideH === 1 ? 'plain' : 'plain2')

/** Can the forward pass finish with residual and ReLU? */
export const stripFinishes = (g: Geometry): boolean => g.c <= WAYS[stripOf(g)].KEPT
export const plainFinishes = (g: Geometry): boolean => g.c <= WAYS[plainOf(g)].KEPT

const forward =
  (way: (g: Geometry) => Way): Forward =>
  (g, x, w, b, y, finish) =>
    run(way(g), { x, w, b, y }, forwardSum(g), 0, finish)
export const stripForward = forward(stripOf)
export const plainForward = forward(plainOf)

const input =
  (way: Way): Backward =>
  (g, w, dy, dx, add) =>
    run(way, { x: dy, w, b: null, y: dx }, inputSum(g), add, {})
export const stripInput = input('strip')
export const plainInput = input('plain')

function run(
  way: Way,
  { x, w, b, y }: { x: Tensor; w: Tensor; b: Tensor | null; y: Tensor },
  sum: Sum,
  add: 0 | 1,
  { residual, relu }: Finish,
): void {
  const { kernel, M, KEPT } = WAYS[way]
  const { c, kh, wBase, wC, wI, wJ, ...sizes } = sum
  const strides: Record<string, number> = way === 'strip2' || way === 'plain2' ? {} : { wBase, wC, wI, wJ }
  const LANES = way === 'plain' || way === 'plain2' ? PLAIN_LANES : x.gpu.info.subgroupSize
  const strips = Math.ceil(sizes.ow / 4)
  const blocks = Math.ceil(sizes.n / LANES)
  const groups = [strips * blocks, Math.ceil(sizes.k / M)]
  const header = { LANES, M, SETS: Math.ceil(M / LANES), KEPT, RESIDUAL: residual ? 1 : 0 }
  for (let c0 = 0; c0 < c; c0 += KEPT) {
    const tile = { c0, channels: Math.min(KEPT, c - c0), strips, blocks, rows: sizes.oh }
    const params = { ...sizes, ...strides, ...tile, bias: b && c0 === 0 ? 1 : 0, relu: relu ? 1 : 0 }
    addOrWrite(y, c0 > 0 ? 1 : add, (to) =>
      kernel({ x, w, b: b ?? w, r: residual ?? x, y: to }, params, { groups }, { header }),
    )
  }
}
