// The outcome of a claim: comparisons with statistic, n, interval and verdict. These lie in the results document.
import type { direction, Verdict } from './stats.ts'

/** How the verdict of a claim follows from several comparisons, for whoever reads verdicts. */
export const OF_SEVERAL =
  'Where several comparisons decide, all have to hold, and one that is reversed is enough for reversed.'

/** Where the whole interval of a difference lies when a claim holds, and what it is otherwise. */
export const SIDES = `lies on the claimed side of 0 (of 1 for a ratio; of the margin where things are claimed to be similar). It is reversed when the interval lies on the other side, and undecided otherwise. ${OF_SEVERAL}`

export type Unit = 'fraction' | 'nats' | 'ratio' | 'number'

/** One comparison under a claim. */
export interface Part {
  /** Which rows are compared. */
  rows: string
  /** What is computed from them. */
  statistic: string
  unit: Unit
  /** Seeds. */
  n: number
  estimate: number | null
  lower: number | null
  upper: number | null
  verdict: Verdict
  direction: ReturnType<typeof direction> | null
  /** The claim's verdict follows from the parts that decide. */
  decides: boolean
  /** What the claim takes for granted: where it is the other way round there is nothing to test. */
  premise?: true
  /** Why it could not be tested, or which seeds are missing. */
  note: string
}

export interface ClaimResult {
  id: string
  text: string
  source: string
  /** How this study tests it, in a short phrase; absent where it is not tested, and in older results. */
  here?: string
  verdict: Verdict
  /** Why it was not tested; else empty. */
  reason: string
  /** The comparisons that decide come first. */
  parts: Part[]
}
