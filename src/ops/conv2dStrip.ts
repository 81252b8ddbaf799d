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
  /** A lane may be two images. */
  pairs: boolean
}

const WAYS = {
  strip: { kernel: kernels<'main'>(stripSource).main, M: 8, KEPT: 64, strided: true, shuffles: true, pairs: true },
  strip2: { kernel: kernels<'main'>(strip2Source).main, M: 16, KEPT: 32, strided: false, shuffles: true, pairs: false },
  plain: { kernel: kernels<'main'>(plainSource).main, M: 4, KEPT: 64, strided: true, shuffles: false, pairs: true },
  plain2: { kernel: kernels<'main'>(plain2Source).main, M: 4, KEPT: 32, strided: false, shuffles: false, pairs: true },
} satisfies Record<string, Way>
/** Pairs made it 1.1 to 1.2 times as fast, and 3.5 s to compile instead of 1.7. */
const STRIP_X: Way = { ...WAYS.strip, pairs: false, kernel: kernels<'main'>(stripXSource).main }

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

/** A workgroup copies its weights once for so many strips, as long as there are workgroups for some processors. */
const STRIPS = 4
const FEWEST = 8

/**
 * Of n images of `channels` channels, in strips four pixels wide. A lane has two images where that leaves no more of them
 * idle: what it costs to find a place and to spread a weight is then shared.
 */
function layOut(gpu: Gpu, way: Way, [n, channels, columns]: readonly [number, number, number]) {
  const { M, KEPT, pairs } = way
  const LANES = lanesOf(gpu, way)
  const slots = (images: number) => images * LANES * Math.ceil(n / (images * LANES))
  const two = pairs && n % 2 === 0 && slots(2) === slots(1)
  const values = two ? n / 2 : n
  const strips = Math.ceil(columns / 4)
  const blocks = Math.ceil(values / LANES)
  const tiles = Math.ceil(channels / M)
  const groups = Math.max(Math.ceil((strips * blocks) / STRIPS), Math.ceil(FEWEST / tiles))
  return {
    grid: { groups: [Math.min(strips * blocks, groups), tiles] },
    header: { LANES, M, SETS: Math.ceil(M / LANES), KEPT, Value: two ? 'vec2f' : 'f32' },
    params: { n: values, strips, blocks },
  }
}

function run(way: Way, terms: Terms, sum: Sum, add: 0 | 1, finish: Finish): void {
  const { c, kh, wBase, wC, wI, wJ, ...sizes } = sum
  const strides: Record<string, number> = way.strided ? { wBase, wC, wI, wJ } : {}
  const { grid, header, params } = layOut(terms.x.gpu, way, [sizes.n, sizes.k, sizes.ow])
  const variant = { header: { ...header, RESIDUAL: finish.residual ? 1 : 0 } }
  byChannels(way.KEPT, c, terms, add, finish, (tensors, part) => {
    way.kernel(tensors, { ...sizes, ...strides, ...params, ...part }, grid, variant)
  })
}

/** The input gradient at stride 2. */
function input({ n, c, h, w: columns, k, oh, ow }: Geometry, w: Tensor, dy: Tensor, dx: Tensor, add: 0 | 1): void {
  const { grid, header, params } = layOut(w.gpu, STRIP_X, [n, c, columns / 2])
  const sizes = { c, h, w: columns, oh, ow, ...params }
  byChannels(STRIP_X.KEPT, k, { x: dy, w, b: null, y: dx }, add, {}, (tensors, { c0: k0, channels }) => {
    STRIP_X.kernel({ dy: tensors.x, w, dx: tensors.y }, { ...sizes, k0, channels }, grid, { header })
  })
}
