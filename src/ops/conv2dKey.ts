// What a convolution is called in a table of choices: pass, shape, stride and padding. Only the square, undivided ones
// that networks are made of have a name.
import { InputError } from '../errors.ts'
import { type Geometry, isSimple } from './conv2dGeometry.ts'
import { windowCount } from './windows.ts'

export const CONV_PASSES = ['forward', 'dX', 'dW'] as const
export type ConvPass = (typeof CONV_PASSES)[number]

/** x [n, c, h, w] with a square kernel [k, c, kernel, kernel]. */
export interface ConvShape {
  n: number
  c: number
  h: number
  w: number
  k: number
  kernel: number
  /** Default 1. */
  stride?: number
  /** On all four sides. Default 0. */
  padding?: number
  /** Default false. */
  bias?: boolean
}

const PATTERN = /^conv2d (forward|dX|dW) (\d+)x(\d+)x(\d+)x(\d+):(\d+):(\d+) stride (\d+) padding (\d+)( bias)?$/

/** Throws InputError for sizes that are none, or a kernel larger than the padded picture. */
export function geometryOf(shape: ConvShape): Geometry {
  const { n, c, h, w, k, kernel, stride = 1, padding = 0, bias = false } = shape
  const [oh, ow] = [h, w].map((size) => windowCount(size + 2 * padding, kernel - 1, stride))
  const sizes = [n, c, h, w, k, kernel, stride, oh, ow]
  if (!sizes.every((size) => Number.isInteger(size) && size >= 1) || !(Number.isInteger(padding) && padding >= 0)) {
    throw new InputError(
      `conv2d: ${JSON.stringify(shape)} is no shape; n, c, h, w, k, kernel and stride are whole numbers from 1, padding ` +
        'from 0, and the kernel fits into the padded picture',
    )
  }
  return {
    ...{ n, c, h, w, k, oh, ow, groups: 1, kh: kernel, kw: kernel, strideH: stride, strideW: stride },
    ...{ padT: padding, padL: padding, dilationH: 1, dilationW: 1, bias: bias ? 1 : 0 },
  }
}

/** Null for a convolution that has no name. */
export function convKey(g: Geometry, pass: ConvPass): string | null {
  const { n, c, h, w, k, kh, strideH: stride, padT: padding, bias } = g
  const [oh, ow] = [h, w].map((size) => windowCount(size + 2 * padding, kh - 1, stride))
  if (!isSimple(g) || g.padL !== padding || g.oh !== oh || g.ow !== ow) return null
  const name = `conv2d ${pass} ${n}x${c}x${h}x${w}:${k}:${kh} stride ${stride} padding ${padding}`
  return bias ? `${name} bias` : name
}

/** Throws InputError for what is no such name. */
export function parseConvKey(key: string): { pass: ConvPass; shape: ConvShape } {
  const [, pass, ...sizes] = PATTERN.exec(key) ?? []
  if (!pass) {
    const example = "'conv2d dW 64x16x28x28:16:3 stride 1 padding 1'"
    throw new InputError(`choices: ${JSON.stringify(key)} names no pass and shape of a convolution, as ${example} does`)
  }
  const [n, c, h, w, k, kernel, stride, padding] = sizes.map(Number)
  return { pass: pass as ConvPass, shape: { n, c, h, w, k, kernel, stride, padding, bias: sizes[8] !== undefined } }
}
