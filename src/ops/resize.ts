// Pictures of another size. All are weighted means along both axes; they differ in the weights: see resize.wgsl.
import source from '../../shaders/resize.wgsl'
import { record } from '../autograd.ts'
import { InputError, ShapeError } from '../errors.ts'
import { kernels } from '../gpu/kernel.ts'
import { empty, showShape, type Tensor } from '../tensor.ts'
import { checkFloat } from './axes.ts'

/** As in resize.wgsl. */
const RULES = { triangle: 0, area: 1, nearest: 2 }
/** The kernel's places are i32 products of both sizes. */
const MOST = 2 ** 28
const resize_ = kernels<'forward' | 'backward'>(source)

/**
 * Output k is the mean of the inputs floor(k n/m) to ceil((k + 1) n/m) - 1, as PyTorch's adaptive average pooling.
 * x [N, C, H, W], any layout, which is kept; size [h, w]. Throws ShapeError for another rank, an empty picture or too
 * many pixels, InputError for a size that is not made of whole numbers from 1.
 */
export function resizeArea(x: Tensor, size: readonly number[]): Tensor {
  return resize('resizeArea', x, size, 'area')
}

/** The pixel that each centre lies in, as PyTorch's `nearest-exact`; of a centre on an edge the second (PyTorch rounds). As `resizeArea` otherwise. */
export function resizeNearest(x: Tensor, size: readonly number[]): Tensor {
  return resize('resizeNearest', x, size, 'nearest')
}

/** Bilinear interpolation between half-pixel centres, clamped at the edge, not antialiased. As `resizeArea` otherwise. */
export function resizeBilinear(x: Tensor, size: readonly number[]): Tensor {
  return resize('resizeBilinear', x, size, 'triangle', (_, m) => 2 * m)
}

/**
 * A triangle filter as wide as the reduction: half-width max(1, n/m) around half-pixel centres, weights outside the
 * picture dropped and the rest renormalised (as Pillow, without its 8-bit rounding). As `resizeArea` otherwise.
 */
export function resizeBilinearAntialias(x: Tensor, size: readonly number[]): Tensor {
  return resize('resizeBilinearAntialias', x, size, 'triangle', (n, m) => 2 * Math.max(n, m))
}

function resize(
  op: string,
  x: Tensor,
  size: readonly number[],
  rule: keyof typeof RULES,
  reach: (n: number, m: number) => number = () => 0,
): Tensor {
  if (x.shape.length !== 4 || x.shape[2] === 0 || x.shape[3] === 0) {
    throw new ShapeError(`${op}: needs [N, C, H, W] with pixels, got ${showShape(x.shape)}`)
  }
  if (size.length !== 2 || !size.every((d) => Number.isInteger(d) && d >= 1)) {
    throw new InputError(`${op}: a size is two whole numbers from 1, got [${size}]`)
  }
  checkFloat(op, x)
  const far = [0, 1].find((i) => x.shape[2 + i] * size[i] > MOST)
  if (far !== undefined)
    throw new ShapeError(`${op}: ${x.shape[2 + far]} pixels to ${size[far]}, at most ${MOST} as a product`)
  const [n, c, h, w] = x.shape
  const [oh, ow] = size
  const view = x.layout === 'chwn' ? { planes: c, lanes: n } : { planes: n * c, lanes: 1 }
  const params = { ...view, h, w, oh, ow, reachH: reach(h, oh), reachW: reach(w, ow), rule: RULES[rule] }
  const y = empty(x.gpu, [n, c, oh, ow], 'f32', x.layout, op)
  resize_.forward({ x, y }, { ...params, add: 0 }, { threads: [y.size] })
  return record(op, y, [x], (dy, [dx]) => {
    if (dx) resize_.backward({ dy, dx: dx.to }, { ...params, add: dx.add }, { threads: [x.size] })
  })
}
