// 3x3 convolutions for adapters where a load from a buffer is dear: as much as fifty multiply-adds on llvmpipe.
// Forward and input gradient; the weight gradient is in conv2dQuads.ts.
import plainSource from '../../shaders/conv2d.plain.wgsl'
import plain2Source from '../../shaders/conv2d.plain2.wgsl'
import stripSource from '../../shaders/conv2d.strip.wgsl'
import strip2Source from '../../shaders/conv2d.strip2.wgsl'
import stripXSource from '../../shaders/conv2d.stripX.wgsl'
import type { Gpu } from '../gpu/gpu.ts'
import { type Kernel, kernels } from '../gpu/kernel.ts'
import type { Tensor } from '../tensor.ts'
import { type Geometry, isCentred, isSimple, type Sum } from './conv2dGeometry.ts'
import { type Backward, type ConvKernel, type Finish, type Fits, passes, type Terms } from './conv2dKernel.ts'
import { hasLanes, imagesFill, imagesFit } from './conv2dLanes.ts'
import { byChannels, inOnePart } from './conv2dParts.ts'

/** Images side by side without subgroups. */
const PLAIN_LANES = 8

interface Way {
  kernel: Kernel
  /** Output channels of an invocation, and input channels whose weights it keeps. */
  M: number
  KEPT: number
  /** Its weights may lie in any order; else as those of a forward pass. */
  strided: boolean
  /** Shuffles spread the weights. */
  shuffles: boolean
}

const stripX = kernels<'main'>(stripXSource).main

const WAYS = {
  strip: { kernel: kernels<'main'>(stripSource).main, M: 8, KEPT: 64, strided: true, shuffles: true },
  strip2: { kernel: kernels<'main'>(strip2Source).main, M: 16, KEPT: 32, strided: false, shuffles: true },
  plain: { kernel: kernels<'main'>(plainSource).main, M: 8, KEPT: 32, strided: true, shuffles: false },
  plain2: { kernel: kernels<'main'>(plain2Source).main, M: 4, KEPT: 32, strided: false, shuffles: false },
} satisfies Record<string, Way>

const lanesOf = ({ info }: Gpu, { shuffles }: Pick<Way, 'shuffles'>) => (shuffles ? info.subgroupSize : PLAIN_LANES)

function shapeFits(_gpu: Gpu, g: Geometry): boolean {
  return isSimple(g) && g.kw === 3 && g.strideW <= 2 && g.n > 0
}

/** `back` is the input gradient at stride 2, where there is one. */
function both(fits: Fits, fills: Fits, one: Way, two: Way, back?: Backward): ConvKernel {
  const way = (g: Geometry) => (g.strideH === 1 ? one : two)
  const wide = (gpu: Gpu, g: Geometry, columns: number) => imagesFit(lanesOf(gpu, way(g)), g.n, 1, columns, 4)
  const { forward, dX } = passes((g, terms, sum, add, finish) => run(way(g), terms, sum, add, finish))
  return {
    forward: {
      fits: (gpu, g) => fits(gpu, g) && wide(gpu, g, g.ow),
      fills,
      finishes: (g) => inOnePart(way(g).KEPT)(g),
      run: forward,
    },
    dX: {
      fits: (gpu, g) => fits(gpu, g) && (g.strideH === 1 || (back !== undefined && isCentred(g))) && wide(gpu, g, g.w),
      fills,
      run: (g, ...tensors) => (g.strideH === 1 ? dX : back!)(g, ...tensors),
    },
  }
}

/**
 * Where the processor computes: conv2d.plain keeps 12 KiB of weights an invocation, and WGSL promises 8. Safari takes no
 * function of more, GPUs of Macs fail in any browser.
 */
function plainFits(gpu: Gpu, g: Geometry): boolean {
  return gpu.info.software && shapeFits(gpu, g)
}

export const strip = both((gpu, g) => hasLanes(gpu) && shapeFits(gpu, g), imagesFill, WAYS.strip, WAYS.strip2, input)
export const plain = both(plainFits, (_, g) => 2 * g.n > PLAIN_LANES, WAYS.plain, WAYS.plain2)

/** The input gradient at stride 2. */
function input(g: Geometry, w: Tensor, dy: Tensor, dx: Tensor, add: 0 | 1): void {
  const { n, c, h, k, oh, ow } = g
  const { M, KEPT } = WAYS.strip
  const LANES = w.gpu.info.subgroupSize
  const strips = Math.ceil(g.w / 8)
  const blocks = Math.ceil(n / LANES)
  const groups = gridOf(strips * blocks, Math.ceil(c / M))
  const header = { LANES, M, SETS: Math.ceil(M / LANES), KEPT }
  const params = { n, c, h, w: g.w, oh, ow, strips, blocks }
  byChannels(KEPT, k, { x: dy, w, b: null, y: dx }, add, {}, (tensors, { c0: k0, channels }) => {
    stripX({ dy: tensors.x, w, dx: tensors.y }, { ...params, k0, channels }, { groups }, { header })
  })
}

/** A workgroup copies its weights once for so many strips, as long as there are workgroups for some processors. */
const STRIPS = 4
const FEWEST = 8

function gridOf(strips: number, tiles: number): number[] {
  const groups = Math.max(Math.ceil(strips / STRIPS), Math.ceil(FEWEST / tiles))
  return [Math.min(strips, groups), tiles]
}

function run({ kernel, M, KEPT, strided, shuffles }: Way, terms: Terms, sum: Sum, add: 0 | 1, finish: Finish): void {
  const { c, kh, wBase, wC, wI, wJ, ...sizes } = sum
  const strides: Record<string, number> = strided ? { wBase, wC, wI, wJ } : {}
  const LANES = lanesOf(terms.x.gpu, { shuffles })
  const strips = Math.ceil(sizes.ow / 4)
  const blocks = Math.ceil(sizes.n / LANES)
  const groups = gridOf(strips * blocks, Math.ceil(sizes.k / M))
  const header = { LANES, M, SETS: Math.ceil(M / LANES), KEPT, RESIDUAL: finish.residual ? 1 : 0 }
  const params = { ...sizes, ...strides, strips, blocks }
  byChannels(KEPT, c, terms, add, finish, (tensors, part) => {
    kernel(tensors, { ...params, ...part }, { groups }, { header })
  })
}
