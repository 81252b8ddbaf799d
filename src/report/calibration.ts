// Calibration error by bins (lo, hi]: a confidence of 0 falls in the first bin, 1 in the last. Confidences and edges
// are compared as float32, as on the GPU: bin = number of inner edges below the confidence. Gap = confidence -
// accuracy.
import { InputError } from '../errors.ts'

/** The default of the papers. */
export const BINS = 15

export interface Bin {
  lower: number
  upper: number
  count: number
  /** Mean confidence of the bin's pictures; 0 in an empty bin. */
  meanConfidence: number
  /** Share of right predictions among them; 0 in an empty bin. */
  accuracy: number
}

export interface Calibration {
  n: number
  /** Expected calibration error: mean of |gap| weighted by the bins' counts. */
  ece: number
  /** Largest |gap| of a bin that holds pictures. */
  mce: number
  /** Root of the weighted mean of gap². */
  rmsce: number
  /** Mean confidence - accuracy: above 0 is overconfidence. */
  signedGap: number
  bins: Bin[]
}

export interface BinOptions {
  /** Number of equal-width bins. */
  bins?: number
  /** Edges in place of equal widths, rising, one more than bins. */
  edges?: ArrayLike<number>
  /** false: a confidence of 0 is counted but falls in no bin, as in torch-based code. Default true: in the first. */
  zeroInFirst?: boolean
}

/** The float32 edges k / bins, the first 0 and the last 1. Give the GPU these. */
export function equalEdges(bins = BINS): Float32Array {
  if (!(Number.isInteger(bins) && bins > 0))
    throw new InputError(`calibration: ${bins} bins; a positive whole number needed`)
  return Float32Array.from({ length: bins + 1 }, (_, k) => k / bins)
}

function risingEdges(given: ArrayLike<number>): Float32Array {
  const edges = Float32Array.from(given)
  if (edges.length < 2) throw new InputError(`calibration: ${edges.length} edges; at least 2 make a bin`)
  const wrong = edges.findIndex((edge, k) => Number.isNaN(edge) || (k > 0 && edge < edges[k - 1]))
  if (wrong >= 0) throw new InputError(`calibration: edges do not fall, edge ${wrong} is ${given[wrong]}`)
  return edges
}

/** Edges between which equally many confidences lie (equal confidences share a bin, so counts may differ by ties). */
export function equalMassEdges(confidence: ArrayLike<number>, bins = BINS): Float32Array {
  const edges = equalEdges(bins)
  const sorted = Float32Array.from(confidence).sort()
  for (let k = 1; k < bins && sorted.length > 0; k++)
    edges[k] = sorted[Math.max(0, Math.ceil((k * sorted.length) / bins) - 1)]
  return edges
}

/** The bin of one confidence among the float32 `edges`. */
export function binOf(confidence: number, edges: ArrayLike<number>): number {
  const c = Math.fround(confidence)
  let low = 0
  let high = edges.length - 2
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (edges[middle] < c) low = middle
    else high = middle - 1
  }
  return low
}

/**
 * Bins and calibration errors of confidences and whether each prediction was right (0 or 1). Throws InputError for
 * confidences outside 0 … 1, other counts of the two, and edges that fall.
 */
export function calibrate(
  confidence: ArrayLike<number>,
  correct: ArrayLike<number>,
  options: BinOptions = {},
): Calibration {
  if (confidence.length !== correct.length) {
    throw new InputError(`calibration: ${confidence.length} confidences, but ${correct.length} answers`)
  }
  const edges = options.edges ? risingEdges(options.edges) : equalEdges(options.bins)
  const n = confidence.length
  const bins = Array.from({ length: edges.length - 1 }, (_, k): Bin => {
    return { lower: edges[k], upper: edges[k + 1], count: 0, meanConfidence: 0, accuracy: 0 }
  })
  let gap = 0
  for (let i = 0; i < n; i++) {
    if (!(confidence[i] >= 0 && confidence[i] <= 1 + 1e-6)) {
      throw new InputError(`calibration: confidence ${confidence[i]} of picture ${i} is not between 0 and 1`)
    }
    gap += confidence[i] - correct[i]
    if (confidence[i] === 0 && options.zeroInFirst === false) continue
    const bin = bins[binOf(confidence[i], edges)]
    bin.count++
    bin.meanConfidence += confidence[i]
    bin.accuracy += correct[i]
  }
  for (const bin of bins) {
    bin.meanConfidence /= bin.count || 1
    bin.accuracy /= bin.count || 1
  }
  return { ...errorsOf(bins, n), signedGap: n ? gap / n : 0, bins }
}

/** The errors that follow from bins alone. `n` may exceed the counts where confidences fell in no bin. */
export function errorsOf(bins: Bin[], n = bins.reduce((sum, bin) => sum + bin.count, 0)): Omit<Calibration, 'bins'> {
  let ece = 0
  let mce = 0
  let squares = 0
  let signedGap = 0
  for (const { count, meanConfidence, accuracy } of bins) {
    if (count === 0) continue
    const gap = meanConfidence - accuracy
    ece += (Math.abs(gap) * count) / n
    squares += (gap * gap * count) / n
    signedGap += (gap * count) / n
    mce = Math.max(mce, Math.abs(gap))
  }
  return { n, ece, mce, rmsce: Math.sqrt(squares), signedGap }
}

/** Bins of several runs over the same edges as one. */
export function poolBins(runs: Bin[][]): Bin[] {
  return runs[0].map((first, k) => {
    let count = 0
    let confidence = 0
    let right = 0
    for (const bins of runs) {
      const bin = bins[k]
      if (!bin || bin.lower !== first.lower || bin.upper !== first.upper || bins.length !== runs[0].length) {
        throw new InputError(`calibration: bins of several runs have different edges (bin ${k})`)
      }
      count += bin.count
      confidence += bin.count * bin.meanConfidence
      right += bin.count * bin.accuracy
    }
    return { ...first, count, meanConfidence: confidence / (count || 1), accuracy: right / (count || 1) }
  })
}
