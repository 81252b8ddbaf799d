// Convolutions for GPUs that stage what a workgroup shares in its memory: the weights of a tile forward and in the input
// gradient, a patch of x and dy in the weight gradient.
import source from '../../shaders/conv2d.shared.wgsl'
import weightSource from '../../shaders/conv2d.sharedW.wgsl'
import inputSource from '../../shaders/conv2d.sharedX.wgsl'
import { kernels } from '../gpu/kernel.ts'
import type { Tensor } from '../tensor.ts'
import { forwardSum, type Geometry, inputSum, type Sum } from './conv2dGeometry.ts'
import { always, type ConvKernel, type Forward } from './conv2dKernel.ts'
import { addOrWrite, byParts } from './conv2dParts.ts'
import { tileFit } from './conv2dTile.ts'

const sum_ = kernels<'main'>(source)
const input_ = kernels<'main'>(inputSource)
const weight_ = kernels<'main'>(weightSource)

/** Invocations of a workgroup, and input channels whose weights it holds. */
const WG = 64
const CHUNK = 8

/** Below so many invocations of eight channels each, four: a large one has some 17,000 lanes to fill. */
const ENOUGH = 32_768

/** Workgroups that the parts of a weight gradient are spread over. */
const SPREAD = 256

const forward: Forward = (g, x, w, bias, y, { residual, relu }) => {
  const params = { ...forwardSum(g), bias: bias ? 1 : 0, relu: relu ? 1 : 0 }
  run({ x, w, b: bias ?? w, r: residual ?? x, y }, params, g.kw, g.strideW, residual ? 1 : 0)
}

function input(g: Geometry, w: Tensor, dy: Tensor, dx: Tensor, add: 0 | 1): void {
  if (g.strideW === 1) {
    const params = { ...inputSum(g), bias: 0, relu: 0 }
    addOrWrite(dx, add, (to) => run({ x: dy, w, b: w, r: dy, y: to }, params, g.kw, 1, 0))
    return
  }
  const { n, c, h, k, oh, ow, kw: TAPS } = g
  const runs = Math.ceil(g.w / 8)
  const places = n * runs * h
  const M = channelsOf(places, c)
  const params = { n, c, h, w: g.w, k, oh, ow, runs, places }
  const groups = [Math.ceil(places / WG), Math.ceil(c / M)]
  addOrWrite(dx, add, (to) => input_.main({ w, dy, dx: to }, params, { groups }, { header: { WG, M, CHUNK, TAPS } }))
}

/** Channels of an invocation. */
function channelsOf(places: number, channels: number): number {
  return places * Math.ceil(channels / 8) < ENOUGH ? 4 : 8
}

type Tensors = Record<'x' | 'w' | 'b' | 'r' | 'y', Tensor>
type Params = Sum & Record<'bias' | 'relu', number>

function run(tensors: Tensors, { kh, ...params }: Params, TAPS: number, S: number, RESIDUAL: 0 | 1): void {
  const runs = Math.ceil(params.ow / 4)
  const places = params.n * runs * params.oh
  const M = channelsOf(places, params.k)
  const groups = [Math.ceil(places / WG), Math.ceil(params.k / M)]
  sum_.main(tensors, { ...params, runs, places }, { groups }, { header: { WG, M, CHUNK, TAPS, S, RESIDUAL } })
}

function weight(g: Geometry, x: Tensor, dy: Tensor, dw: Tensor, add: 0 | 1): void {
  const { n, c, h, w, k, oh, ow, kw: TAPS, padT: padTop, padL: padLeft, strideW: S } = g
  const [K, C] = [k, c].map((channels) => (channels > 8 ? 16 : 8))
  const tiles = [Math.ceil(k / K), Math.ceil(c / C)]
  const runs = Math.ceil(ow / 4)
  const blocks = Math.ceil(n / 8)
  const units = oh * runs * blocks
  const most = Math.min(units, Math.ceil(SPREAD / (tiles[0] * tiles[1])))
  const parts = most > 16 ? most - (most % 16) : most
  const params = { quads: n / 4, c, h, w, k, oh, ow, padTop, padLeft, runs, blocks, units, parts }
  const header = { K, C, WG: (K / 4) * C * TAPS, TAPS, S }
  byParts(parts, dw, add, (partial) =>
    weight_.main({ x, dy, partial }, params, { groups: [parts, ...tiles] }, { header }),
  )
}

/** Zeros that keep dx and dy aligned at stride 2. */
const centred = ({ kh, padT, padL }: Geometry) => padT === (kh - 1) / 2 && padL === padT

export const shared: ConvKernel = {
  forward: { fits: tileFit, finishes: always, run: forward },
  dX: { fits: (gpu, g) => tileFit(gpu, g) && (g.strideW === 1 || centred(g)), run: input },
  // A load brings four images; with few input channels most of a workgroup would idle.
  dW: { fits: (gpu, g) => tileFit(gpu, g) && g.n % 4 === 0 && g.c > 4, run: weight },
}
