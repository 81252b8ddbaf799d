// Pictures of any size brought to one, and RandAugment on them: bytes to bytes, no gradient.
import cropSource from '../../shaders/crop.wgsl'
import augmentSource from '../../shaders/randAugment.wgsl'
import { kernels } from '../gpu/kernel.ts'
import type { Scalar } from '../gpu/scalar.ts'
import { empty, type Tensor } from '../tensor.ts'
import type { Crop } from './augment.ts'
import type { PictureFile } from './view.ts'

const crop_ = kernels<'crop'>(cropSource)
const augment_ = kernels<'look' | 'change'>(augmentSource)

/** Pictures of a canvas: [n, 3, height, width] bytes in words. */
export interface CanvasShape {
  n: number
  height: number
  width: number
}

export const canvasWords = ({ n, height, width }: CanvasShape): number => Math.ceil((n * 3 * height * width) / 4)

/** Numbers that a picture has in the table of `cropTo`. */
export const CROP_ROW = 6

/** What is uploaded of a picture: its bytes and, behind them, the weights of its crop. Offsets are in words. */
export interface CroppedPicture {
  rgb: Uint8Array
  weights: Uint32Array
  words: number
  /** Its row of the table where it is uploaded at `offset`. */
  row(offset: number): number[]
}

/** A picture made ready to be cropped to a canvas. */
export function prepareCrop(
  { rgb, width: pictureWidth }: PictureFile,
  { left, top, width, height, resized }: Crop,
  canvas: { width: number; height: number },
): CroppedPicture {
  const x = pillowTaps(width, resized.width, resized.x, canvas.width, left)
  const y = pillowTaps(height, resized.height, resized.y, canvas.height, top)
  const weights = new Uint32Array(x.words.length + y.words.length)
  weights.set(x.words)
  weights.set(y.words, x.words.length)
  const pixels = Math.ceil(rgb.length / 4)
  return {
    rgb,
    weights,
    words: pixels + weights.length,
    row: (offset) => {
      const at = offset + pixels
      return [offset, pictureWidth, at, x.taps, at + x.words.length, y.taps]
    },
  }
}

/**
 * Pillow's bilinear resize along one axis, antialiased: of outputs `at` … `at + out - 1` of a side of `box` pixels resized
 * to `resized`, the first source (from `origin` on), then the weights in multiples of 2^-22, `taps` for each output.
 */
export function pillowTaps(
  box: number,
  resized: number,
  at: number,
  out: number,
  origin: number,
): { taps: number; words: Uint32Array } {
  const scale = box / resized
  const support = Math.max(scale, 1)
  const taps = Math.ceil(support) * 2 + 1
  const words = new Uint32Array(out * (1 + taps))
  const weights = new Float64Array(taps)
  for (let o = 0; o < out; o++) {
    const center = (at + o + 0.5) * scale
    const first = Math.max(0, Math.trunc(center - support + 0.5))
    const count = Math.min(box, Math.trunc(center + support + 0.5)) - first
    let total = 0
    for (let k = 0; k < count; k++) {
      weights[k] = Math.max(0, 1 - Math.abs((k + first - center + 0.5) / support))
      total += weights[k]
    }
    words[o] = origin + first
    for (let k = 0; k < count; k++) words[out + o * taps + k] = Math.trunc(0.5 + (weights[k] / total) * 2 ** 22)
  }
  return { taps, words }
}

/** Records: pictures `first` … `first + count - 1` of the batch, which lie in `uploads`, onto their canvases. */
export function cropTo(
  canvas: Tensor,
  uploads: Tensor,
  table: Tensor,
  { n, height: h, width: w }: CanvasShape,
  { first, count }: { first: Scalar; count: Scalar },
): void {
  crop_.crop({ uploads, table, y: canvas }, { n, h, w, first, count }, { threads: [canvas.size] })
}

/** Records one operation on every picture, from one canvas to another. `operations`: i32 [n, ROW], as `operationRow`. */
export function randAugment(x: Tensor, y: Tensor, operations: Tensor, { n, height: h, width: w }: CanvasShape): void {
  const tables = empty(x.gpu, [n, 3, 256], 'u32', 'row', 'tables of RandAugment')
  augment_.look({ x, operations, made: tables }, { n, h, w }, { groups: [n] })
  augment_.change({ x, operations, tables, y }, { n, h, w }, { threads: [y.size] })
}
