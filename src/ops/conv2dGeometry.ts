// What a convolution is: shapes and options checked, and the sizes under the names the kernels use.
import { checkOptions, InputError, quote, ShapeError } from '../errors.ts'
import { showShape, Tensor } from '../tensor.ts'
import { checkFloat } from './axes.ts'
import { fourPads, pair, windowCount } from './windows.ts'

export interface Conv2dOptions {
  /** One number, or [height, width]. */
  stride?: number | readonly number[]
  /** Zeros around the picture: one number, [height, width] or [top, left, bottom, right]. */
  padding?: number | readonly number[]
  dilation?: number | readonly number[]
  groups?: number
  /** Added before the ReLU; of the output's shape and layout. */
  residual?: Tensor | null
  relu?: boolean
}

/** The sizes of a convolution. */
export interface Geometry {
  n: number
  c: number
  h: number
  w: number
  k: number
  oh: number
  ow: number
  groups: number
  kh: number
  kw: number
  strideH: number
  strideW: number
  padT: number
  padL: number
  dilationH: number
  dilationW: number
  /** 1 with a bias, else 0. */
  bias: number
}

/** Throws ShapeError where shapes do not fit each other, InputError for an option that can't be. */
export function geometry(x: Tensor, w: Tensor, bias: Tensor | null, options: Conv2dOptions): Geometry {
  for (const operand of bias ? [x, w, bias] : [x, w]) {
    if (!(operand instanceof Tensor))
      throw new InputError(
        `conv2d: needs tensors, got ${quote(operand)}; options come after the bias, which may be null`,
      )
  }
  checkOptions('conv2d', options, ['stride', 'padding', 'dilation', 'groups', 'residual', 'relu'])
  const { groups = 1 } = options
  const shapes = `x ${showShape(x.shape)}, w ${showShape(w.shape)}`
  if (x.shape.length !== 4 || w.shape.length !== 4) throw new ShapeError(`conv2d: needs rank 4 twice, got ${shapes}`)
  checkFloat('conv2d', x, w, ...(bias ? [bias] : []))
  if (x.layout !== 'chwn' || w.layout !== 'row') {
    const how = "make x with { layout: 'chwn' } or by toLayout(x, 'chwn')"
    throw new ShapeError(`conv2d: ${shapes} are ${x.layout} and ${w.layout}, must be chwn and row; ${how}`)
  }
  const [strideH, strideW] = pair('conv2d', 'stride', options.stride ?? 1, 1)
  const [dilationH, dilationW] = pair('conv2d', 'dilation', options.dilation ?? 1, 1)
  const [padT, padL, padB, padR] = fourPads('conv2d', options.padding ?? 0)
  const [n, c, h, width] = x.shape
  const [k, channels, kh, kw] = w.shape
  if (!Number.isInteger(groups) || groups < 1)
    throw new InputError(`conv2d: groups is ${groups}, it must be a whole number from 1`)
  if (c !== channels * groups || k % groups !== 0 || c === 0 || k === 0)
    throw new ShapeError(`conv2d: channels do not fit, ${shapes}, groups ${groups}`)
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== k)) {
    throw new ShapeError(`conv2d: bias ${showShape(bias.shape)} for w ${showShape(w.shape)}, it must be [${k}]`)
  }
  const oh = windowCount(h + padT + padB, dilationH * (kh - 1), strideH)
  const ow = windowCount(width + padL + padR, dilationW * (kw - 1), strideW)
  if (oh < 1 || ow < 1 || kh < 1 || kw < 1) {
    throw new ShapeError(
      `conv2d: the kernel is larger than the padded picture, ${shapes}, padding [${padT}, ${padL}, ${padB}, ${padR}], dilation [${dilationH}, ${dilationW}]`,
    )
  }
  return {
    ...{ n, c, h, w: width, k, oh, ow, groups, kh, kw },
    ...{ strideH, strideW, padT, padL, dilationH, dilationW, bias: bias ? 1 : 0 },
  }
}

/** A square kernel with equal strides, no groups and no dilation: what all but the generic kernels need. */
export const isSimple = (g: Geometry): boolean =>
  g.kh === g.kw && g.strideH === g.strideW && g.groups === 1 && g.dilationH === 1 && g.dilationW === 1

/** Padding that keeps the middle tap on the pixel. */
export const isCentred = ({ kh, padT, padL }: Geometry): boolean => padT === (kh - 1) / 2 && padL === padT

/** A forward pass: a sum over channels c and taps i, j of x times w[wBase + k wK + c wC + i wI + j wJ]. */
export function forwardSum({ n, c, h, w, k, oh, ow, kh, kw, padT: padTop, padL: padLeft }: Geometry) {
  return { n, c, h, w, k, oh, ow, kh, padTop, padLeft, wBase: 0, wK: c * kh * kw, wC: kh * kw, wI: kw, wJ: 1 }
}

export type Sum = ReturnType<typeof forwardSum>

/**
 * The input gradient at stride 1 as such a sum over dy: channels change roles, taps are mirrored, the padding is what
 * is left of the kernel.
 */
export function inputSum({ n, c, h, w, k, oh, ow, kh, kw, padT, padL }: Geometry): Sum {
  return {
    ...{ n, c: k, h: oh, w: ow, k: c, oh: h, ow: w, kh, padTop: kh - 1 - padT, padLeft: kw - 1 - padL },
    ...{ wBase: kh * kw - 1, wK: kh * kw, wC: c * kh * kw, wI: -kw, wJ: -1 },
  }
}

/** Throws ShapeError for a residual that is not like the output. */
export function checkResidual(g: Geometry, residual: Tensor | null | undefined): void {
  const want = [g.n, g.k, g.oh, g.ow]
  if (!residual || (residual.layout === 'chwn' && showShape(residual.shape) === showShape(want))) return
  const got = `${showShape(residual.shape)} ${residual.layout}`
  throw new ShapeError(`conv2d: residual ${got}, it must be ${showShape(want)} chwn`)
}
