// Metrics of a classifier's logits in float64: what the report prints, and the reference that tests hold the GPU's
// kernels against. Logits lie flat, row after row ([n][classes]); ties go to the lower class index.
import { InputError } from '../errors.ts'
import { type BinOptions, type Calibration, calibrate } from './calibration.ts'

/** One number a picture in each column. */
export interface Columns {
  n: number
  prediction: Int32Array
  hit: Uint8Array
  top5: Uint8Array
  nll: Float64Array
  brier: Float64Array
  entropy: Float64Array
  confidence: Float64Array
}

/** Means over the pictures, as fractions and nats, with the equal-width calibration. */
export interface Metrics extends Calibration {
  accuracy: number
  top5: number
  nll: number
  brier: number
  entropy: number
  confidence: number
}

/** Softmax of every row of `logits` / `temperature`, stable for any finite logits. */
export function softmax(logits: ArrayLike<number>, classes: number, temperature = 1): Float64Array {
  const p = new Float64Array(logits.length)
  for (let start = 0; start < logits.length; start += classes) {
    let max = Number.NEGATIVE_INFINITY
    for (let c = 0; c < classes; c++) max = Math.max(max, logits[start + c])
    let sum = 0
    for (let c = 0; c < classes; c++) {
      p[start + c] = Math.exp((logits[start + c] - max) / temperature)
      sum += p[start + c]
    }
    for (let c = 0; c < classes; c++) p[start + c] /= sum
  }
  return p
}

/** The per-picture columns of softmax(logits / temperature). */
export function columns(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  temperature = 1,
): Columns {
  checkShapes(logits, labels, classes)
  const n = labels.length
  const out: Columns = {
    n,
    prediction: new Int32Array(n),
    hit: new Uint8Array(n),
    top5: new Uint8Array(n),
    nll: new Float64Array(n),
    brier: new Float64Array(n),
    entropy: new Float64Array(n),
    confidence: new Float64Array(n),
  }
  const z = new Float64Array(classes)
  for (let i = 0; i < n; i++) {
    const label = labels[i]
    let best = 0
    for (let c = 0; c < classes; c++) {
      z[c] = logits[i * classes + c] / temperature
      if (z[c] > z[best]) best = c
    }
    let ahead = 0
    let sum = 0
    for (let c = 0; c < classes; c++) {
      sum += Math.exp(z[c] - z[best])
      if (z[c] > z[label] || (z[c] === z[label] && c < label)) ahead++
    }
    const logSum = z[best] + Math.log(sum)
    let brier = 0
    let entropy = 0
    for (let c = 0; c < classes; c++) {
      const logP = z[c] - logSum
      const p = Math.exp(logP)
      brier += (p - (c === label ? 1 : 0)) ** 2
      if (p > 0) entropy -= p * logP
    }
    out.prediction[i] = best
    out.hit[i] = best === label ? 1 : 0
    out.top5[i] = ahead < 5 ? 1 : 0
    out.nll[i] = logSum - z[label]
    out.brier[i] = brier
    out.entropy[i] = entropy
    out.confidence[i] = 1 / sum
  }
  return out
}

/** Every metric of the table at once. `bins` is the number of equal-width bins. */
export function metrics(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  options: { temperature?: number; bins?: number } = {},
): Metrics {
  const { hit, top5, nll, brier, entropy, confidence } = columns(logits, labels, classes, options.temperature ?? 1)
  return {
    ...calibrate(confidence, hit, { bins: options.bins }),
    accuracy: mean(hit),
    top5: mean(top5),
    nll: mean(nll),
    brier: mean(brier),
    entropy: mean(entropy),
    confidence: mean(confidence),
  }
}

/** How often a picture of class i was taken for class j, as row i, column j; ties go to the lower class. */
export function confusion(logits: ArrayLike<number>, labels: ArrayLike<number>, classes: number): number[][] {
  checkShapes(logits, labels, classes)
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  for (let i = 0; i < labels.length; i++) {
    let best = 0
    for (let c = 1; c < classes; c++) if (logits[i * classes + c] > logits[i * classes + best]) best = c
    counts[labels[i]][best]++
  }
  return counts
}

/**
 * Mean KL(softmax(from) ‖ softmax(to)) over the pictures, in nats, and the share whose most likely class is the same.
 */
export function likeness(
  from: ArrayLike<number>,
  to: ArrayLike<number>,
  classes: number,
): { kl: number; agreement: number } {
  const n = to.length / classes
  const any = new Uint8Array(n)
  const [a, b] = [columns(from, any, classes), columns(to, any, classes)]
  let [kl, same] = [0, 0]
  for (let i = 0; i < n; i++) {
    // columns() has the negative log-probability of class 0, and so the logarithm of every row's sum.
    const [zero, other] = [from[i * classes] + a.nll[i], to[i * classes] + b.nll[i]]
    for (let c = 0; c < classes; c++) {
      const logP = from[i * classes + c] - zero
      if (logP > -700) kl += Math.exp(logP) * (logP - (to[i * classes + c] - other))
    }
    if (a.prediction[i] === b.prediction[i]) same++
  }
  return { kl: kl / n, agreement: same / n }
}

/** Classwise ECE: for every class the ECE of its probability against 'is this the label', and their mean. */
export function classwise(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  options: BinOptions & { temperature?: number } = {},
): { ece: number; perClass: Calibration[] } {
  const p = softmax(logits, classes, options.temperature)
  const n = labels.length
  const perClass = Array.from({ length: classes }, (_, c) => {
    const confidence = Float64Array.from({ length: n }, (_, i) => p[i * classes + c])
    const correct = Uint8Array.from({ length: n }, (_, i) => (labels[i] === c ? 1 : 0))
    return calibrate(confidence, correct, options)
  })
  return { ece: perClass.reduce((sum, { ece }) => sum + ece, 0) / classes, perClass }
}

function mean(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]
  return sum / values.length
}

export function checkShapes(logits: ArrayLike<number>, labels: ArrayLike<number>, classes: number): void {
  if (!(Number.isInteger(classes) && classes > 0))
    throw new InputError(`metrics: ${classes} classes; at least 1 needed`)
  if (logits.length !== labels.length * classes) {
    throw new InputError(
      `metrics: ${logits.length} logits for ${labels.length} labels of ${classes} classes; expected ${labels.length * classes}`,
    )
  }
  for (let i = 0; i < labels.length; i++) {
    if (!(Number.isInteger(labels[i]) && labels[i] >= 0 && labels[i] < classes)) {
      throw new InputError(`metrics: label ${labels[i]} of picture ${i} is not one of 0 … ${classes - 1}`)
    }
  }
}
