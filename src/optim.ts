// Optimizers over a network's flat buffers: one dispatch a step, whatever the number of parameters. Semantics are those of
// torch.optim. Everything that changes from step to step is a Scalar, so a captured step trains when it is replayed:
//   optimizer.advance(t, schedule(t - 1)); step.run()
import source from '../shaders/optim.wgsl'
import { clearOld } from './autograd.ts'
import { checkOptions, InputError, ShapeError } from './errors.ts'
import { kernels } from './gpu/kernel.ts'
import { Scalar } from './gpu/scalar.ts'
import { persistent, sameShape, showShape, Tensor } from './tensor.ts'

const optim_ = kernels<'sgd' | 'adam'>(source)

/** Flat float32 buffers that lie alike: a network's parameters and their gradients. */
export interface Flat {
  values: Tensor
  gradients: Tensor
  /** Parameters whose gradient is not of now, for a step to set to 0. */
  withoutGradient?(): readonly Tensor[]
}

/** What a schedule decides for one step. SGD looks at `momentum`, Adam and AdamW at `beta1`. */
export interface Rates {
  lr?: number
  momentum?: number
  beta1?: number
}

export interface Optimizer {
  /** Flat buffers that lie like the parameters: momentum, or first and second moments. Save and restore them. */
  readonly state: readonly Tensor[]
  /** Sets the Scalars for update `step`, counted from 1. What `rates` leaves out is as in the options. */
  advance(step: number, rates?: Rates): void
  /** Records the update as `advance` has set it, or will have set it when the tape is replayed. */
  step(): void
}

interface CommonOptions {
  lr: number
  /** Default 0, for AdamW 0.01. */
  weightDecay?: number
  /** Only the first so many parameters are decayed. Default: all. */
  decayEnd?: number
}

export interface SgdOptions extends CommonOptions {
  /** Default 0. */
  momentum?: number
  /** Default 0; the first step, and one without momentum, is never dampened. */
  dampening?: number
  nesterov?: boolean
}

export interface AdamOptions extends CommonOptions {
  /** Default [0.9, 0.999]. */
  betas?: readonly [number, number]
  /** Default 1e-8. */
  eps?: number
}

/** SGD with momentum; weight decay is added to the gradient. Throws InputError for values torch.optim refuses. */
export function sgd(flat: Flat, options: SgdOptions): Optimizer {
  const { lr, momentum = 0, dampening = 0, nesterov = false, weightDecay = 0 } = options
  const { n, decayEnd, header } = checkFlat('sgd', flat, options, ['momentum', 'dampening', 'nesterov'])
  checkAtLeast0('sgd', { lr, momentum, weightDecay })
  if (!Number.isFinite(dampening)) throw new InputError(`sgd: dampening ${dampening}`)
  if (nesterov && (momentum === 0 || dampening !== 0)) {
    throw new InputError(`sgd: nesterov needs momentum above 0 and no dampening, got ${momentum} and ${dampening}`)
  }
  const velocity = persistent(flat.values.gpu, flat.values.shape, null, 'f32', 'row', 'momentum')
  const scalars = {
    rate: new Scalar('rate of sgd', Number.NaN), // until advance
    keep: new Scalar('keep', 0),
    take: new Scalar('take', 1),
    momentum: new Scalar('momentum', momentum),
    nesterov: new Scalar('nesterov', 0),
  }
  const fixed = { n, decayEnd, l2: weightDecay, shrink: 1 }
  const unused = { keepSquare: 0, takeSquare: 0, unbias: 1, eps: 0 }
  return {
    state: [velocity],
    advance(step, rates = {}) {
      const { lr: rate = lr, momentum: kept = momentum } = rates
      checkStep('sgd', step, rates)
      checkAtLeast0('sgd', { lr: rate, momentum: kept })
      // Like torch: the buffer starts as the first gradient itself, and stays as it is in a step without momentum, which
      // then is the gradient's own, as Nesterov's with a momentum of 0.
      const [idle, starts] = [kept === 0, step === 1]
      scalars.rate.value = rate
      scalars.keep.value = idle ? 1 : starts ? 0 : kept
      scalars.take.value = idle ? 0 : starts ? 1 : 1 - dampening
      scalars.momentum.value = kept
      scalars.nesterov.value = idle || nesterov ? 1 : 0
    },
    step() {
      clearOld(flat)
      const buffers = { dx: flat.gradients, x: flat.values, m: velocity }
      optim_.sgd(buffers, { ...fixed, ...unused, ...scalars }, { threads: [n] }, { header })
    },
  }
}

/** Adam; weight decay is added to the gradient (L2). Throws InputError for values torch.optim refuses. */
export function adam(flat: Flat, options: AdamOptions): Optimizer {
  return moments('adam', flat, { weightDecay: 0, ...options }, false)
}

/** AdamW: weight decay shrinks the parameter by lr · weightDecay. Throws InputError for values torch.optim refuses. */
export function adamW(flat: Flat, options: AdamOptions): Optimizer {
  return moments('adamW', flat, { ...options, weightDecay: options.weightDecay ?? 0.01 }, true)
}

function moments(name: string, flat: Flat, options: AdamOptions, decoupled: boolean): Optimizer {
  const { lr, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0 } = options
  const [beta1, beta2] = betas
  const { n, decayEnd, header } = checkFlat(name, flat, options, ['betas', 'eps'])
  checkAtLeast0(name, { lr, eps, weightDecay })
  checkBeta(name, 'beta1', beta1)
  checkBeta(name, 'beta2', beta2)
  const { gpu, shape } = flat.values
  const mean = persistent(gpu, shape, null, 'f32', 'row', 'first moment')
  const square = persistent(gpu, shape, null, 'f32', 'row', 'second moment')
  const scalars = {
    rate: new Scalar(`rate of ${name}`, Number.NaN), // until advance
    keep: new Scalar('keep', beta1),
    take: new Scalar('take', 1 - beta1),
    shrink: new Scalar('shrink', 1),
    unbias: new Scalar('unbias', 1),
  }
  // 1 - beta2 is passed beside beta2: in float32 the difference would keep only a few digits.
  const fixed = { n, decayEnd, l2: decoupled ? 0 : weightDecay, keepSquare: beta2, takeSquare: 1 - beta2, eps }
  const unused = { momentum: 0, nesterov: 0 }
  return {
    state: [mean, square],
    advance(step, rates = {}) {
      const { lr: rate = lr, beta1: kept = beta1 } = rates
      checkStep(name, step, rates)
      checkAtLeast0(name, { lr: rate })
      checkBeta(name, 'beta1', kept)
      scalars.rate.value = rate / (1 - kept ** step)
      scalars.unbias.value = 1 / Math.sqrt(1 - beta2 ** step)
      scalars.keep.value = kept
      scalars.take.value = 1 - kept
      scalars.shrink.value = decoupled ? 1 - rate * weightDecay : 1
    },
    step() {
      clearOld(flat)
      const buffers = { dx: flat.gradients, x: flat.values, m: mean, v: square }
      optim_.adam(buffers, { ...fixed, ...unused, ...scalars }, { threads: [n] }, { header })
    },
  }
}

function checkFlat(
  name: string,
  { values, gradients }: Flat,
  options: CommonOptions,
  more: readonly string[],
): { n: number; decayEnd: number; header: { Value: string } } {
  checkOptions(name, options, ['lr', 'weightDecay', 'decayEnd', ...more])
  if (!(values instanceof Tensor && gradients instanceof Tensor))
    throw new InputError(`${name}: needs flat buffers, { values, gradients }: pass the \`flat\` of Parameters`)
  if (!sameShape(values.shape, gradients.shape)) {
    throw new ShapeError(`${name}: values ${showShape(values.shape)}, gradients ${showShape(gradients.shape)}`)
  }
  const { decayEnd = values.size } = options
  if (!(Number.isInteger(decayEnd) && decayEnd >= 0 && decayEnd <= values.size)) {
    throw new InputError(`${name}: decayEnd ${decayEnd} of ${values.size} parameters`)
  }
  // n and decayEnd count what a kernel loads at a time: a processor loads four at less than half the price.
  const fours = values.size % 4 === 0 && decayEnd % 4 === 0
  const each = fours ? 4 : 1
  return { n: values.size / each, decayEnd: decayEnd / each, header: { Value: fours ? 'vec4f' : 'f32' } }
}

function checkStep(name: string, step: number, rates: Rates): void {
  checkOptions(`${name}: advance`, rates, ['lr', 'momentum', 'beta1'])
  if (!(Number.isInteger(step) && step >= 1)) throw new InputError(`${name}: step ${step}, they count from 1`)
}

function checkAtLeast0(name: string, values: Record<string, number>): void {
  for (const [key, value] of Object.entries(values)) {
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
      throw new InputError(`${name}: ${key} ${value}, needs a number from 0`)
    }
  }
}

function checkBeta(name: string, key: string, value: number): void {
  if (!(value >= 0 && value < 1)) throw new InputError(`${name}: ${key} ${value}, needs 0 … below 1`)
}
