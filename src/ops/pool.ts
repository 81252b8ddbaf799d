// Pooling over windows and over whole planes. Every layout is planes x height x width x lanes: see pool.wgsl.

import source from '../../shaders/pool.wgsl'
import globalSource from '../../shaders/poolGlobal.wgsl'
import { record } from '../autograd.ts'
import { checkOptions, InputError, ShapeError } from '../errors.ts'
import { kernels } from '../gpu/kernel.ts'
import { empty, showShape, type Tensor } from '../tensor.ts'
import { checkFloat } from './axes.ts'
import { fourPads, pair, windowCount } from './windows.ts'

const WINDOW = ['kernel', 'stride', 'padding', 'dilation', 'ceilMode']
const pool_ = kernels<'average' | 'averageBackward' | 'maximum' | 'maximumBackward'>(source)
const global_ = kernels<'forward' | 'backward'>(globalSource)

export interface PoolOptions {
  /** One number, or [height, width]. */
  kernel: number | readonly number[]
  /** The kernel's size where not given. */
  stride?: number | readonly number[]
  /** One number, [height, width] or [top, left, bottom, right]; smaller than the kernel. */
  padding?: number | readonly number[]
  dilation?: number | readonly number[]
  /** true: a last window may reach beyond the padding, but not begin there. */
  ceilMode?: boolean
}

export interface AvgPoolOptions extends PoolOptions {
  /** true: cells of the padding count as zeros; false: the mean is over cells of the picture only. */
  countIncludePad?: boolean
}

/** The mean of every plane: x [N, C, H, W], any layout, gives [N, C]. Throws ShapeError for another rank. */
export function globalAvgPool(x: Tensor): Tensor {
  const { planes, lanes, h, w } = planesOf('globalAvgPool', x)
  const [n, c] = x.shape
  const y = empty(x.gpu, [n, c], 'f32', 'row', 'globalAvgPool')
  const params = { planes, lanes, pixels: h * w }
  const grid = { threads: [n * c] }
  global_.forward({ x, y }, params, grid)
  return record('globalAvgPool', y, [x], (dy, [dx]) => {
    if (dx) global_.backward({ dy, dx: dx.to }, params, grid, { constants: { ADD: dx.add } })
  })
}

/**
 * The mean over windows of x [N, C, H, W], any layout, as PyTorch's. Throws ShapeError where the kernel is larger than
 * the padded picture, InputError for an option that can't be.
 */
export function avgPool2d(x: Tensor, options: AvgPoolOptions): Tensor {
  const params = { ...geometry('avgPool2d', x, options), includePad: (options.countIncludePad ?? true) ? 1 : 0 }
  const [n, c] = x.shape
  const y = empty(x.gpu, [n, c, params.oh, params.ow], 'f32', x.layout, 'avgPool2d')
  pool_.average({ x, y }, { ...params, add: 0 }, { threads: [y.size] })
  return record('avgPool2d', y, [x], (dy, [dx]) => {
    if (dx) pool_.averageBackward({ dy, dx: dx.to }, { ...params, add: dx.add }, { threads: [x.size] })
  })
}

/**
 * The maximum over windows of x [N, C, H, W], any layout; a NaN is greater than any number, the first of equal maxima
 * takes the gradient.
 */
export function maxPool2d(x: Tensor, options: PoolOptions): Tensor {
  return maxPool2dWithIndices(x, options).y
}

/** `maxPool2d`, and where in its plane (h W + w) each maximum was found, as u32. */
export function maxPool2dWithIndices(x: Tensor, options: PoolOptions): { y: Tensor; indices: Tensor } {
  const params = { ...geometry('maxPool2d', x, options), includePad: 0 }
  const [n, c] = x.shape
  const shape = [n, c, params.oh, params.ow]
  const y = empty(x.gpu, shape, 'f32', x.layout, 'maxPool2d')
  const at = empty(x.gpu, shape, 'u32', x.layout, 'maxPool2d indices')
  pool_.maximum({ x, y, at }, { ...params, add: 0 }, { threads: [y.size] })
  record('maxPool2d', y, [x], (dy, [dx]) => {
    if (!dx) return
    pool_.maximumBackward({ dy, foundAt: at, dx: dx.to }, { ...params, add: dx.add }, { threads: [x.size] })
  })
  return { y, indices: at }
}

function planesOf(op: string, x: Tensor) {
  if (x.shape.length !== 4) throw new ShapeError(`${op}: needs [N, C, H, W], got ${showShape(x.shape)}`)
  checkFloat(op, x)
  const [n, c, h, w] = x.shape
  return x.layout === 'chwn' ? { planes: c, lanes: n, h, w } : { planes: n * c, lanes: 1, h, w }
}

/** Checks options; the sizes of a pooling under the names the kernels use. */
function geometry(op: string, x: Tensor, options: PoolOptions) {
  const view = planesOf(op, x)
  checkOptions(op, options, op === 'avgPool2d' ? [...WINDOW, 'countIncludePad'] : WINDOW)
  const [kh, kw] = pair(op, 'kernel', options.kernel, 1)
  const [strideH, strideW] = pair(op, 'stride', options.stride ?? [kh, kw], 1)
  const [dilationH, dilationW] = pair(op, 'dilation', options.dilation ?? 1, 1)
  const [padT, padL, padB, padR] = fourPads(op, options.padding ?? 0)
  const [reachH, reachW] = [dilationH * (kh - 1), dilationW * (kw - 1)]
  if (Math.max(padT, padB) > reachH || Math.max(padL, padR) > reachW) {
    const kernel = `kernel [${kh}, ${kw}] with dilation [${dilationH}, ${dilationW}]`
    throw new InputError(`${op}: padding [${padT}, ${padL}, ${padB}, ${padR}] is not smaller than the ${kernel}`)
  }
  const round = options.ceilMode ? Math.ceil : Math.floor
  const count = (size: number, before: number, after: number, reach: number, stride: number) => {
    const windows = windowCount(size + before + after, reach, stride, round)
    return options.ceilMode && (windows - 1) * stride >= size + before ? windows - 1 : windows
  }
  const oh = count(view.h, padT, padB, reachH, strideH)
  const ow = count(view.w, padL, padR, reachW, strideW)
  if (oh < 1 || ow < 1) {
    throw new ShapeError(`${op}: the kernel [${kh}, ${kw}] is larger than the padded picture, x ${showShape(x.shape)}`)
  }
  return { ...view, oh, ow, kh, kw, strideH, strideW, dilationH, dilationW, padT, padL, padB, padR }
}
