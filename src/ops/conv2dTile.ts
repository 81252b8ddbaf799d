// Convolutions for GPUs, and for adapters without subgroups of a known size: register tiles, one image an invocation.
import tileSource from '../../shaders/conv2d.tile.wgsl'
import weightSource from '../../shaders/conv2d.tileW.wgsl'
import type { Gpu } from '../gpu/gpu.ts'
import { kernels } from '../gpu/kernel.ts'
import type { Tensor } from '../tensor.ts'
import { forwardSum, type Geometry, inputSum, isSimple, type Sum } from './conv2dGeometry.ts'
import { always, type ConvKernel, type Forward } from './conv2dKernel.ts'
import { addOrWrite, byParts } from './conv2dParts.ts'

const tile_ = kernels<'main'>(tileSource)
const weight_ = kernels<'main'>(weightSource)

/** Invocations of a workgroup, and output channels of an invocation. */
const WG = 64
const M = 8

export function tileFit(_gpu: Gpu, g: Geometry): boolean {
  return isSimple(g) && (g.kw === 1 || g.kw === 3) && (g.strideW === 1 || g.strideW === 2) && g.n > 0
}

const forward: Forward = (g, x, w, bias, y, { residual, relu }) => {
  const params = { ...forwardSum(g), bias: bias ? 1 : 0, relu: relu ? 1 : 0 }
  run({ x, w, b: bias ?? w, r: residual ?? x, y }, params, g.kw, g.strideW, residual ? 1 : 0)
}

function input(g: Geometry, w: Tensor, dy: Tensor, dx: Tensor, add: 0 | 1): void {
  const params = { ...inputSum(g), bias: 0, relu: 0 }
  addOrWrite(dx, add, (to) => run({ x: dy, w, b: w, r: dy, y: to }, params, g.kw, 1, 0))
}

type Tensors = Record<'x' | 'w' | 'b' | 'r' | 'y', Tensor>
type Params = Sum & Record<'bias' | 'relu', number>

function run(tensors: Tensors, params: Params, TAPS: number, S: number, RESIDUAL: 0 | 1): void {
  const runs = Math.ceil(params.ow / 4)
  const places = params.n * runs * params.oh
  const groups = [Math.ceil(places / WG), Math.ceil(params.k / M)]
  tile_.main(tensors, { ...params, runs, places }, { groups }, { header: { WG, M, TAPS, S, RESIDUAL } })
}

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
  forward: { fits: tileFit, finishes: always, run: forward },
  dX: { fits: (gpu, g) => tileFit(gpu, g) && g.strideW === 1, run: input },
  dW: { fits: tileFit, run: weight },
}
