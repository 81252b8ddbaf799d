// Means, spreads and paired differences with 95 % intervals, and the verdict that follows from one. Runs are paired by
// seed: the same seed means the same images, initial weights and order in every row.
import { InputError } from '../errors.ts'
import { fQuantile, tQuantile } from './student.ts'

/** An estimate with its two-sided interval; no interval (null) from fewer than two values. */
export interface Interval {
  n: number
  mean: number
  /** Sample standard deviation; null for n = 1. */
  sd: number | null
  lower: number | null
  upper: number | null
}

export interface Paired extends Interval {
  seeds: number[]
  differences: number[]
}

export type Verdict = 'holds' | 'reversed' | 'undecided' | 'one seed, no verdict' | 'not tested'
/** The side on which a claim says the difference lies. */
export type Side = 'above' | 'below'

/** Of an even number the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]
  return sum / values.length
}

/** Sample standard deviation (divides by n - 1); null for fewer than two values. */
export function sd(values: ArrayLike<number>): number | null {
  if (values.length < 2) return null
  const m = mean(values)
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += (values[i] - m) ** 2
  return Math.sqrt(sum / (values.length - 1))
}

/** Mean of independent values with its Student-t interval. */
export function interval(values: ArrayLike<number>, level = 0.95): Interval {
  const n = values.length
  if (n === 0) throw new InputError('interval: no values')
  const m = mean(values)
  const s = sd(values)
  if (s === null) return { n, mean: m, sd: null, lower: null, upper: null }
  const half = (tQuantile((1 + level) / 2, n - 1) * s) / Math.sqrt(n)
  return { n, mean: m, sd: s, lower: m - half, upper: m + half }
}

/** a - b over the seeds that both have, with the interval of its mean; null where no seed is shared. */
export function paired(a: Map<number, number>, b: Map<number, number>, level = 0.95): Paired | null {
  const seeds = [...a.keys()].filter((seed) => b.has(seed)).sort((x, y) => x - y)
  if (seeds.length === 0) return null
  const differences = seeds.map((seed) => a.get(seed)! - b.get(seed)!)
  return { ...interval(differences, level), seeds, differences }
}

/** Ratio of two standard deviations with its F interval (the samples are taken as independent). */
export function sdRatio(a: number, b: number, n: number, level = 0.95): Interval {
  const f = fQuantile((1 + level) / 2, n - 1, n - 1)
  const ratio = a / b
  return { n, mean: ratio, sd: null, lower: ratio / Math.sqrt(f), upper: ratio * Math.sqrt(f) }
}

/** What an interval of a difference says about a claim that it lies on `side` of `zero`. */
export function verdict(difference: Pick<Interval, 'n' | 'lower' | 'upper'>, side: Side, zero = 0): Verdict {
  const { n, lower, upper } = difference
  if (n < 1) return 'not tested'
  if (n === 1 || lower === null || upper === null) return 'one seed, no verdict'
  if (lower > zero) return side === 'above' ? 'holds' : 'reversed'
  if (upper < zero) return side === 'below' ? 'holds' : 'reversed'
  return 'undecided'
}

/** Where the estimate lies, whatever the interval says. */
export function direction(
  estimate: number,
  side: Side,
  zero = 0,
): 'as claimed' | 'against the claim' | 'no difference' {
  if (estimate === zero) return 'no difference'
  return estimate > zero === (side === 'above') ? 'as claimed' : 'against the claim'
}
