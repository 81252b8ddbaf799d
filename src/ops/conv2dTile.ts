// Convolutions without subgroups: register tiles, one image an invocation.
import tileSource from '../../shaders/conv2d.tile.wgsl'
import weightSource from '../../shaders/conv2d.tileW.wgsl'
import type { Gpu } from '../gpu/gpu.ts'
import { kernels, MAX_GROUPS } from '../gpu/kernel.ts'
import type { Tensor } from '../tensor.ts'
import { type Geometry, isSimple } from './conv2dGeometry.ts'
import { always, type ConvKernel, passes } from './conv2dKernel.ts'
import { addOrWrite, bound, byParts } from './conv2dParts.ts'

const tile_ = kernels<'main'>(tileSource)
const weight_ = kernels<'main'>(weightSource)

/** Invocations of a workgroup, and output channels of an invocation. */
const WG = 64
const M = 8

export function tileFit(_gpu: Gpu, g: Geometry): boolean {
  return isSimple(g) && (g.kw === 1 || g.kw === 3) && (g.strideW === 1 || g.strideW === 2) && g.n > 0
}

/**
 * Is there an invocation for every run of `width` pixels of a row, on one axis of a grid? The generic kernel takes what is
 * larger: its grid has no other axis and folds.
 */
export const runsFit = (n: number, rows: number, columns: number, width: number): boolean =>
  n * rows * Math.ceil(columns / width) <= MAX_GROUPS * WG

const { forward, dX } = passes((g, terms, sum, add, finish) => {
  const runs = Math.ceil(sum.ow / 4)
  const places = sum.n * runs * sum.oh
  const groups = [Math.ceil(places / WG), Math.ceil(sum.k / M)]
  const params = { ...sum, runs, places, bias: terms.b ? 1 : 0, relu: finish.relu ? 1 : 0 }
  const header = { WG, M, TAPS: g.kw, S: g.strideW, RESIDUAL: finish.residual ? 1 : 0 }
  addOrWrite(terms.y, add, (y) => tile_.main(bound({ ...terms, y }, finish), params, { groups }, { header }))
})

function weight(g: Geometry, x: Tensor, dy: Tensor, dw: Tensor, add: 0 | 1): void {
  const { n, c, h, k, oh, ow, kh, kw: TAPS, padT: padTop, padL: padLeft, strideW: S } = g
  const strips = Math.ceil(ow / 4)
  const parts = Math.min(8, strips)
  const params = { n, c, h, w: g.w, k, oh, ow, kh, padTop, padLeft, strips, parts }
  const groups = [parts * kh, Math.ceil(k / M), c]
  const header = { WG, K: M, TAPS, S }
  byParts(parts, dw, add, (partial) => weight_.main({ x, dy, partial }, params, { groups }, { header }))
}

export const tile: ConvKernel = {
  forward: { fits: (gpu, g) => tileFit(gpu, g) && runsFit(g.n, g.oh, g.ow, 4), finishes: always, run: forward },
  dX: { fits: (gpu, g) => tileFit(gpu, g) && g.strideW === 1 && runsFit(g.n, g.h, g.w, 4), run: dX },
  dW: { fits: tileFit, run: weight },
}
