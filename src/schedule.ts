// Learning-rate schedules as plain functions of the step number, 0 for the first update: what a torch.optim scheduler of
// the same name has set when that update runs. A schedule that cycles momentum says so under both its names.
import { checkOptions, InputError } from './errors.ts'
import type { Rates } from './optim.ts'

export type Schedule = (step: number) => Rates & { lr: number }

/** Always `lr`. */
export function constant(options: { lr: number }): Schedule {
  const { lr } = options
  checkOptions('constant', options, ['lr'])
  check('constant', { lr })
  return () => ({ lr })
}

/** lr · gamma^(number of milestones reached). */
export function multiStep(options: { lr: number; milestones: readonly number[]; gamma?: number }): Schedule {
  const { lr, milestones, gamma = 0.1 } = options
  checkOptions('multiStep', options, ['lr', 'milestones', 'gamma'])
  check('multiStep', { lr, gamma })
  return (t) => ({ lr: lr * gamma ** milestones.filter((milestone) => milestone <= t).length })
}

/** lr · gamma^⌊step / stepSize⌋. */
export function step(options: { lr: number; stepSize: number; gamma?: number }): Schedule {
  const { lr, stepSize, gamma = 0.1 } = options
  checkOptions('step', options, ['lr', 'stepSize', 'gamma'])
  check('step', { lr, gamma })
  checkCount('step', 'stepSize', stepSize)
  return (t) => ({ lr: lr * gamma ** Math.floor(t / stepSize) })
}

/** lr · gamma^step. */
export function exponential(options: { lr: number; gamma: number }): Schedule {
  const { lr, gamma } = options
  checkOptions('exponential', options, ['lr', 'gamma'])
  check('exponential', { lr, gamma })
  return (t) => ({ lr: lr * gamma ** t })
}

/** Half a cosine from lr at step 0 to minLr at step `total`; it rises again after that, as torch's does. */
export function cosine(options: { lr: number; total: number; minLr?: number }): Schedule {
  const { lr, total, minLr = 0 } = options
  checkOptions('cosine', options, ['lr', 'total', 'minLr'])
  check('cosine', { lr, minLr })
  checkCount('cosine', 'total', total)
  return (t) => ({ lr: minLr + ((lr - minLr) * (1 + Math.cos((Math.PI * t) / total))) / 2 })
}

export interface WarmupCosineOptions {
  lr: number
  /** Steps of the rise; the step after them is the first at the full rate. */
  warmup: number
  total: number
  /** The first rate is startFactor · lr. Default 1/3, as LinearLR's. */
  startFactor?: number
  minLr?: number
}

/** A line from startFactor · lr to lr over `warmup` steps, then half a cosine to minLr at step `total`. */
export function linearWarmupCosine(options: WarmupCosineOptions): Schedule {
  const { lr, warmup, total, startFactor = 1 / 3, minLr = 0 } = options
  checkOptions('linearWarmupCosine', options, ['lr', 'warmup', 'total', 'startFactor', 'minLr'])
  check('linearWarmupCosine', { lr, startFactor, minLr, warmup })
  checkCount('linearWarmupCosine', 'total - warmup', total - warmup)
  const fall = cosine({ lr, total: total - warmup, minLr })
  return (t) => (t < warmup ? { lr: lr * (startFactor + ((1 - startFactor) * t) / warmup) } : fall(t - warmup))
}

export interface OneCycleOptions {
  maxLr: number
  totalSteps: number
  /** Share of the steps in which the rate rises. Default 0.3. */
  pctStart?: number
  annealStrategy?: 'cos' | 'linear'
  /** The first rate is maxLr / divFactor. Default 25. */
  divFactor?: number
  /** The last rate is the first one / finalDivFactor. Default 1e4. */
  finalDivFactor?: number
  /** Falls back to the first rate as long as it rose, then on to the last. Default false. */
  threePhase?: boolean
  /** SGD's momentum and Adam's beta1 fall while the rate rises, and the other way round. Default true. */
  cycleMomentum?: boolean
  /** Default 0.85. */
  baseMomentum?: number
  /** Default 0.95. */
  maxMomentum?: number
}

const ONE_CYCLE = [
  ...['maxLr', 'totalSteps', 'pctStart', 'annealStrategy', 'divFactor', 'finalDivFactor', 'threePhase'],
  ...['cycleMomentum', 'baseMomentum', 'maxMomentum'],
]

/** The 1cycle policy: up to maxLr, then far down. A step beyond the last throws InputError. */
export function oneCycle(options: OneCycleOptions): Schedule {
  const { maxLr, totalSteps: steps, pctStart = 0.3, divFactor = 25, finalDivFactor = 1e4, threePhase = false } = options
  const { cycleMomentum = true, baseMomentum: low = 0.85, maxMomentum: high = 0.95 } = options
  checkOptions('oneCycle', options, ONE_CYCLE)
  check('oneCycle', { maxLr, low, high })
  for (const [key, value] of Object.entries({ totalSteps: steps, divFactor, finalDivFactor })) {
    checkCount('oneCycle', key, value)
  }
  if (!(pctStart >= 0 && pctStart <= 1)) throw new InputError(`oneCycle: pctStart ${pctStart}, needs 0 … 1`)
  const first = maxLr / divFactor
  const last = first / finalDivFactor
  // [last step of the phase, rate from, to, momentum from, to]
  const peak = pctStart * steps - 1
  const phases = threePhase
    ? [
        [peak, first, maxLr, high, low],
        [2 * pctStart * steps - 2, maxLr, first, low, high],
        [steps - 1, first, last, high, high],
      ]
    : [
        [peak, first, maxLr, high, low],
        [steps - 1, maxLr, last, low, high],
      ]
  const { annealStrategy = 'cos' } = options
  const anneal = { cos: halfCosine, linear: line }[annealStrategy]
  if (!anneal) throw new InputError(`oneCycle: annealStrategy '${annealStrategy}'; cos or linear`)
  return (t) => {
    if (!(t >= 0 && t < steps)) throw new InputError(`oneCycle: step ${t} of ${steps}`)
    const k = phases.findIndex(([end], i) => t <= end || i === phases.length - 1)
    const [end, from, to, momentumFrom, momentumTo] = phases[k]
    const start = k === 0 ? 0 : phases[k - 1][0]
    const share = end === start ? 1 : (t - start) / (end - start)
    const lr = anneal(from, to, share)
    if (!cycleMomentum) return { lr }
    const momentum = anneal(momentumFrom, momentumTo, share)
    return { lr, momentum, beta1: momentum }
  }
}

const line = (from: number, to: number, share: number) => from + (to - from) * share
const halfCosine = (from: number, to: number, share: number) => to + ((from - to) / 2) * (1 + Math.cos(Math.PI * share))

function check(name: string, values: Record<string, number>): void {
  for (const [key, value] of Object.entries(values)) {
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
      throw new InputError(`${name}: ${key} ${value}, needs a number from 0`)
    }
  }
}

function checkCount(name: string, key: string, value: number): void {
  if (!(value > 0 && value < Number.POSITIVE_INFINITY))
    throw new InputError(`${name}: ${key} ${value}, needs to be above 0`)
}
