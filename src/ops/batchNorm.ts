import source from '../../shaders/batchNorm.wgsl'
import runningSource from '../../shaders/runningStats.wgsl'
import { record } from '../autograd.ts'
import { checkOptions, InputError, ShapeError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { kernels } from '../gpu/kernel.ts'
import { empty, persistent, sameShape, showShape, type Tensor } from '../tensor.ts'
import { checkFloat, checkTensor } from './axes.ts'
import { reshape, toLayout } from './copy.ts'

type Entry =
  | 'stats'
  | 'normalise'
  | 'normaliseResidual'
  | 'evaluate'
  | 'evaluateResidual'
  | 'gradientSums'
  | 'gradientSumsResidual'
  | 'inputGradient'
  | 'inputGradientResidual'
const norm_ = kernels<Entry>(source)
const running_ = kernels<'load'>(runningSource)

export interface BatchNormOptions {
  /** Batch statistics (and an update of the running ones), or the running statistics. There is no hidden mode. */
  train: boolean
  momentum?: number
  eps?: number
  /** Fused: y = relu(normalised). */
  relu?: boolean
  /** Fused: y = relu(normalised + residual); same shape as x. Implies relu. */
  residual?: Tensor
}

export interface BatchNormWeights {
  gamma: Tensor
  beta: Tensor
  runningMean: Tensor
  runningVar: Tensor
}

/** Added to a variance before its root is taken, where nothing else is said; as PyTorch. */
export const BATCH_NORM_EPS = 1e-5

function checkShapes(x: Tensor, weights: BatchNormWeights, { residual, train }: BatchNormOptions): void {
  const c = x.shape[1]
  checkFloat('batchNorm', x, ...Object.values(weights), ...(residual ? [residual] : []))
  for (const [name, t] of Object.entries(weights) as [string, Tensor][]) {
    if (t.size !== c) throw new ShapeError(`batchNorm: ${name} ${showShape(t.shape)} for x ${showShape(x.shape)}`)
  }
  if (residual && (!sameShape(residual.shape, x.shape) || residual.layout !== 'chwn')) {
    const got = `${showShape(residual.shape)} ${residual.layout}`
    throw new ShapeError(`batchNorm: residual ${got} for x ${showShape(x.shape)} chwn`)
  }
  if (train && x.size <= c) {
    throw new InputError(`batchNorm: training needs more than one value per channel, got x ${showShape(x.shape)}`)
  }
}

/**
 * Batch normalisation over axis 1 of [N, C, H, W] or [N, C], with an optional fused residual add and ReLU.
 * Training normalises with the biased batch variance; the running variance takes the unbiased one (as PyTorch).
 * Throws ShapeError for weights that are not [C], InputError for one value per channel in training.
 */
export function batchNorm(input: Tensor, weights: BatchNormWeights, options: BatchNormOptions): Tensor {
  checkOptions('batchNorm', options, ['train', 'momentum', 'eps', 'relu', 'residual'])
  for (const name of ['gamma', 'beta', 'runningMean', 'runningVar'] as const)
    checkTensor(`batchNorm: ${name}`, weights[name])
  if (input.shape.length === 2) {
    const wide = (t: Tensor) => toLayout(reshape(t, [...t.shape, 1, 1]), 'chwn')
    const residual = options.residual?.shape.length === 2 ? wide(options.residual) : options.residual
    const y = batchNorm(wide(input), weights, { ...options, residual })
    return reshape(toLayout(y, 'row'), input.shape)
  }
  if (input.shape.length !== 4)
    throw new ShapeError(`batchNorm: needs [N, C, H, W] or [N, C], got ${showShape(input.shape)}`)
  const x = toLayout(input, 'chwn')
  checkShapes(x, weights, options)
  const { train, momentum = 0.1, eps = BATCH_NORM_EPS, residual } = options
  const { gamma, beta, runningMean, runningVar } = weights
  const relu = options.relu === true || residual !== undefined
  const [n, c, h, w] = x.shape
  const rest = n * h * w
  // Four values a load where a channel's run can be cut so.
  const header = rest > 0 && rest % 4 === 0 ? { Value: 'vec4f', WIDTH: 4 } : { Value: 'f32', WIDTH: 1 }
  const base = { rest, train: train ? 1 : 0, eps, momentum, addGamma: 0, addBeta: 0 }
  const RELU = relu && !residual ? 1 : 0
  const { sweep, WG, summingWG } = gridOf(x.gpu, c, rest)
  const summing = { header, constants: { WG: summingWG } }
  const sweeping = { header, constants: { WG } }
  const y = empty(x.gpu, x.shape, 'f32', 'chwn', 'batchNorm')
  const inputs = residual ? [x, gamma, beta, residual] : [x, gamma, beta]
  if (!train && !(x.gpu.recording && inputs.some((t) => t.requiresGrad))) {
    const constants = { gamma, beta, runningMean, runningVar }
    if (residual) norm_.evaluateResidual({ x, r: residual, y, ...constants }, base, sweep, sweeping)
    else norm_.evaluate({ x, y, ...constants }, base, sweep, { header, constants: { RELU, WG } })
    return y
  }
  const saved = empty(x.gpu, [c, 2], 'f32', 'row', 'batchNorm.saved')
  if (train) norm_.stats({ x, savedOut: saved, runningMean, runningVar }, base, { groups: [c] }, summing)
  else running_.load({ runningMean, runningVar, saved }, { n: c, eps }, { threads: [c] })
  if (residual) norm_.normaliseResidual({ x, r: residual, gamma, beta, saved, y }, base, sweep, sweeping)
  else norm_.normalise({ x, gamma, beta, saved, y }, base, sweep, { header, constants: { RELU, WG } })

  return record('batchNorm', y, inputs, (dy, [dx, dgamma, dbeta, dr]) => {
    const sums = empty(x.gpu, [c, 2], 'f32', 'row', 'batchNorm.sums')
    const spare = () => empty(x.gpu, [c], 'f32', 'row', 'batchNorm.unused')
    const [toGamma, toBeta] = [dgamma?.to ?? spare(), dbeta?.to ?? spare()]
    const adds = { ...base, addGamma: dgamma?.add ?? 0, addBeta: dbeta?.add ?? 0 }
    const outs = { saved, sumsOut: sums, dgamma: toGamma, dbeta: toBeta }
    const gated = { header, constants: { RELU, WG: summingWG } }
    if (residual) norm_.gradientSumsResidual({ x, dy, yIn: y, ...outs }, adds, { groups: [c] }, summing)
    else norm_.gradientSums({ x, dy, gamma, beta, ...outs }, adds, { groups: [c] }, gated)
    if (residual && (dx || dr)) {
      const toX = dx?.to ?? empty(x.gpu, x.shape, 'f32', 'chwn', 'batchNorm.unused')
      const toR = dr?.to ?? empty(x.gpu, x.shape, 'f32', 'chwn', 'batchNorm.unused')
      const variant = { header, constants: { WG, ADD_X: dx?.add ?? 0, ADD_R: dr?.add ?? 0 } }
      norm_.inputGradientResidual({ x, dy, yIn: y, gamma, saved, sums, dx: toX, dr: toR }, base, sweep, variant)
    } else if (dx) {
      const variant = { header, constants: { RELU, WG, ADD_X: dx.add } }
      norm_.inputGradient({ x, dy, gamma, beta, saved, sums, dx: dx.to }, base, sweep, variant)
    }
  })
}

/**
 * A workgroup a channel for the sums. For the elementwise passes a channel's run is cut into slices, so that few channels
 * still fill the machine; a processor is full with few workgroups, each of which costs it the time of some hundred values.
 * A GPU hides the latency of its loads behind other invocations, of which a channel's sums have no more than a workgroup's.
 */
function gridOf({ info }: Gpu, channels: number, rest: number) {
  const WG = info.software ? 8 : 64
  const most = info.software ? Math.ceil(64 / Math.max(1, channels)) : 64
  const sweep = { groups: [channels, Math.min(most, Math.ceil(rest / (16 * WG)))] }
  return { sweep, WG, summingWG: info.software ? 16 : 256 }
}

/** Fresh weights on their own, for use outside a network: gamma 1, beta 0, running mean 0 and variance 1. */
export function batchNormWeights(like: Tensor, channels: number): BatchNormWeights {
  const make = (value: number, requiresGrad: boolean): Tensor => {
    const t = persistent(like.gpu, [channels], new Float32Array(channels).fill(value))
    t.requiresGrad = requiresGrad
    return t
  }
  return { gamma: make(1, true), beta: make(0, true), runningMean: make(0, false), runningVar: make(1, false) }
}
