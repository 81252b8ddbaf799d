import source from '../../shaders/batchNorm.wgsl'
import runningSource from '../../shaders/runningStats.wgsl'
import { record } from '../autograd.ts'
import { checkOptions, InputError, ShapeError } from '../errors.ts'
import { MOST_BOUND } from '../gpu/device.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { kernels } from '../gpu/kernel.ts'
import { empty, persistent, sameShape, showShape, type Tensor } from '../tensor.ts'
import { checkFloat, checkTensor } from './axes.ts'
import { reshape, toLayout } from './copy.ts'

/** What there is with a residual, too. */
type Form = 'train' | 'normalise' | 'evaluate' | 'gradientSums' | 'inputGradient' | 'gradient'
const norm_ = kernels<'stats' | Form | `${Form}Residual`>(source)
const withResidual: Pick<typeof norm_, Form> = {
  train: norm_.trainResidual,
  normalise: norm_.normaliseResidual,
  evaluate: norm_.evaluateResidual,
  gradientSums: norm_.gradientSumsResidual,
  inputGradient: norm_.inputGradientResidual,
  gradient: norm_.gradientResidual,
}
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
  const { sweep, sums: perChannel, WG, summingWG, together } = gridOf(x.gpu, c, rest)
  const kernel = residual ? withResidual : norm_
  // With a residual there is always a relu.
  const gate: Record<string, number> = residual ? {} : { RELU: relu ? 1 : 0 }
  const variant = (lanes: number, more: Record<string, number> = {}) => ({ header, constants: { WG: lanes, ...more } })
  const y = empty(x.gpu, x.shape, 'f32', 'chwn', 'batchNorm')
  // The residual first: what it comes from then runs backward last, and a shortcut adds its gradient to few pixels.
  const inputs = residual ? [residual, x, gamma, beta] : [x, gamma, beta]
  const scaled: Record<string, Tensor> = residual ? { x, r: residual, gamma, beta, y } : { x, gamma, beta, y }
  if (!train && !(x.gpu.recording && inputs.some((t) => t.requiresGrad))) {
    kernel.evaluate({ ...scaled, runningMean, runningVar }, base, sweep, variant(WG, gate))
    return y
  }
  const saved = empty(x.gpu, [c, 2], 'f32', 'row', 'batchNorm.saved')
  const statistics = { savedOut: saved, runningMean, runningVar }
  if (train && together) {
    kernel.train({ ...scaled, ...statistics }, base, perChannel, variant(summingWG, gate))
  } else {
    if (train) norm_.stats({ x, ...statistics }, base, perChannel, variant(summingWG))
    else running_.load({ runningMean, runningVar, saved }, { n: c, eps }, { threads: [c] })
    kernel.normalise({ ...scaled, saved }, base, sweep, variant(WG, gate))
  }

  return record('batchNorm', y, inputs, (dy, places) => {
    const [dx, dgamma, dbeta] = residual ? places.slice(1) : places
    const dr = residual ? places[0] : null
    const unused = (like: Tensor) => empty(x.gpu, like.shape, 'f32', like.layout, 'batchNorm.unused')
    const read: Record<string, Tensor> = residual ? { x, dy, yIn: y, gamma, saved } : { x, dy, gamma, beta, saved }
    const totals = { dgamma: dgamma?.to ?? unused(gamma), dbeta: dbeta?.to ?? unused(beta) }
    const adds = { ...base, addGamma: dgamma?.add ?? 0, addBeta: dbeta?.add ?? 0 }
    const wanted = Boolean(dx || dr)
    const toX = () => ({ dx: dx?.to ?? unused(x), ...(residual && { dr: dr?.to ?? unused(x) }) })
    const addTo = { ...gate, ADD_X: dx?.add ?? 0, ...(residual && { ADD_R: dr?.add ?? 0 }) }
    if (together && wanted) {
      kernel.gradient({ ...read, ...totals, ...toX() }, adds, perChannel, variant(summingWG, addTo))
      return
    }
    const sums = empty(x.gpu, [c, 2], 'f32', 'row', 'batchNorm.sums')
    kernel.gradientSums({ ...read, ...totals, sumsOut: sums }, adds, perChannel, variant(summingWG, gate))
    if (wanted) kernel.inputGradient({ ...read, sums, ...toX() }, base, sweep, variant(WG, addTo))
  })
}

/** Workgroups that keep a processor's cores at work. */
const FILLING = 8

/**
 * A workgroup a channel for the sums. For the elementwise passes a channel's run is cut into slices, so that few channels
 * still fill the machine; a processor is full with few workgroups, each of which costs it the time of some hundred values.
 * A GPU hides the latency of its loads behind other invocations, of which a channel's sums have no more than a workgroup's.
 * So on a processor the elementwise pass goes together with its sums, into one dispatch, unless that binds too much.
 */
function gridOf({ info, device }: Gpu, channels: number, rest: number) {
  const WG = info.software ? 8 : 64
  const most = info.software ? Math.ceil(64 / Math.max(1, channels)) : 64
  const sweep = { groups: [channels, Math.min(most, Math.ceil(rest / (16 * WG)))] }
  const bindsAll = device.limits.maxStorageBuffersPerShaderStage >= MOST_BOUND
  const together = info.software && bindsAll && channels >= FILLING
  return { sweep, sums: { groups: [channels] }, WG, summingWG: info.software ? 16 : 256, together }
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
