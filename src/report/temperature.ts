// Temperature scaling: the τ > 0 that minimises the mean NLL of softmax(logits / τ). In b = 1/τ the NLL is convex, with
//   slope  mean_i( E_p[z] - z_label )   and   curvature  mean_i( Var_p[z] ),  p = softmax(b z),
// so a Newton step that may not leave a shrinking bracket cannot miss. Fit on images no network was trained on.
import { InputError } from '../errors.ts'
import { calibrate } from './calibration.ts'
import { checkShapes, columns } from './metrics.ts'

export interface TemperatureFit {
  tau: number
  nllBefore: number
  nllAfter: number
  eceBefore: number
  eceAfter: number
  /** The NLL has no minimum inside the range (all answers right: 'lower'; no better than chance: 'upper'). */
  atBound: 'lower' | 'upper' | null
}

/** τ is looked for between these. */
export const TAU_RANGE = { lower: 0.01, upper: 1000 } as const

/** Fits τ on held-out logits, flat [n][classes]. Predictions stay what they were: dividing by τ > 0 keeps the order. */
export function fitTemperature(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  options: { bins?: number } = {},
): TemperatureFit {
  checkLogits(logits, labels, classes)
  const { tau, atBound } = minimise(logits, labels, classes)
  const [before, after] = [1, tau].map((t) => {
    const { nll, confidence, hit } = columns(logits, labels, classes, t)
    return { nll: nll.reduce((sum, x) => sum + x, 0) / nll.length, ece: calibrate(confidence, hit, options).ece }
  })
  return { tau, nllBefore: before.nll, nllAfter: after.nll, eceBefore: before.ece, eceAfter: after.ece, atBound }
}

function minimise(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): Pick<TemperatureFit, 'tau' | 'atBound'> {
  let low = 1 / TAU_RANGE.upper
  let high = 1 / TAU_RANGE.lower
  // Without a difference between classes every τ says the same.
  if (allEqual(logits, classes)) return { tau: 1, atBound: null }
  // Answers that are all right may be so sure of it that the NLL is 0, and flat, at either end.
  if (slopes(logits, labels, classes, high).slope <= 0) return { tau: TAU_RANGE.lower, atBound: 'lower' }
  if (slopes(logits, labels, classes, low).slope >= 0) return { tau: TAU_RANGE.upper, atBound: 'upper' }
  let b = 1
  let { slope, curvature } = slopes(logits, labels, classes, b)
  for (let step = 0; step < 200 && slope !== 0 && high - low > 1e-13 * high; step++) {
    if (slope < 0) low = b
    else high = b
    const newton = b - slope / curvature
    const next = newton > low && newton < high ? newton : Math.sqrt(low * high)
    const done = Math.abs(next - b) <= 1e-12 * b
    b = next
    if (done) break
    ;({ slope, curvature } = slopes(logits, labels, classes, b))
  }
  return { tau: 1 / b, atBound: null }
}

function allEqual(logits: ArrayLike<number>, classes: number): boolean {
  for (let i = 0; i < logits.length; i++) if (logits[i] !== logits[i - (i % classes)]) return false
  return true
}

/** First and second derivative of the mean NLL at b = 1/τ. */
function slopes(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  b: number,
): { slope: number; curvature: number } {
  let slope = 0
  let curvature = 0
  for (let i = 0; i < labels.length; i++) {
    const row = i * classes
    let max = Number.NEGATIVE_INFINITY
    for (let c = 0; c < classes; c++) max = Math.max(max, logits[row + c])
    let sum = 0
    let first = 0
    let second = 0
    for (let c = 0; c < classes; c++) {
      const z = logits[row + c] - max
      const e = Math.exp(b * z)
      sum += e
      first += e * z
      second += e * z * z
    }
    const expected = first / sum
    slope += expected - (logits[row + labels[i]] - max)
    curvature += Math.max(0, second / sum - expected * expected)
  }
  return { slope: slope / labels.length, curvature: curvature / labels.length }
}

function checkLogits(logits: ArrayLike<number>, labels: ArrayLike<number>, classes: number): void {
  if (labels.length === 0) throw new InputError('fitTemperature: no pictures; give it held-out logits')
  if (classes < 2) throw new InputError(`fitTemperature: ${classes} class; a temperature needs at least 2`)
  checkShapes(logits, labels, classes)
  let probabilities = true
  for (let row = 0; row < logits.length; row += classes) {
    let sum = 0
    for (let c = 0; c < classes; c++) {
      const z = logits[row + c]
      if (!Number.isFinite(z)) throw new InputError(`fitTemperature: logit ${z} in row ${row / classes}, class ${c}`)
      if (z < 0 || z > 1) probabilities = false
      sum += z
    }
    if (Math.abs(sum - 1) > 1e-3) probabilities = false
  }
  if (probabilities) {
    throw new InputError(
      'fitTemperature: every row lies in [0, 1] and sums to 1: these are probabilities; give it logits',
    )
  }
}
