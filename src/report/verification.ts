// How well scores tell pairs of one identity from pairs of two: a pair is accepted where its score lies above a
// threshold. In float64, from the scores alone.
import { InputError } from '../errors.ts'

/** A point of the receiver operating characteristic: shares of accepted pairs of two identities, and of one. */
export interface RocPoint {
  far: number
  tar: number
}

export interface Verification {
  samePairs: number
  differentPairs: number
  /** Share of same pairs accepted at a false accept rate of at most 0.1, 0.01, 0.001; null: too few different pairs. */
  tar1e1: number | null
  tar1e2: number | null
  tar1e3: number | null
  /** The chance that a same pair scores higher than a different one; equal scores count half. */
  auc: number
  /** Where the false accept rate is the false reject rate; on straight lines between thresholds. */
  eer: number
  /** True accept rates at fixed false accept rates, as far down as there are pairs enough. */
  roc: RocPoint[]
}

/** A rate is told where at least so many different pairs may be accepted under it. */
const ACCEPTED_LEAST = 10

const DECADE = [1, 1.5, 2, 3, 5, 7]
/** The false accept rates of `roc`, rising from 0.001 to 1. */
export const RATES: readonly number[] = [
  ...[1000, 100, 10].flatMap((divisor) => DECADE.map((step) => step / divisor)),
  1,
]

/** Throws InputError where there is no pair of one kind, or a score that is not finite. */
export function verification(same: ArrayLike<number>, different: ArrayLike<number>): Verification {
  const [own, other] = [sorted(same, 'same'), sorted(different, 'different')]
  const at = (far: number) => trueAccepts(own, other, far)
  const { auc, eer } = areaAndEqualError(own, other)
  return {
    samePairs: own.length,
    differentPairs: other.length,
    tar1e1: at(0.1),
    tar1e2: at(0.01),
    tar1e3: at(0.001),
    auc,
    eer,
    roc: RATES.flatMap((far) => {
      const tar = at(far)
      return tar === null ? [] : [{ far, tar }]
    }),
  }
}

/** Falling. */
function sorted(scores: ArrayLike<number>, kind: string): Float64Array {
  const list = Float64Array.from(scores)
  if (list.length === 0) throw new InputError(`verification: no ${kind} pairs`)
  const strange = list.find((score) => !Number.isFinite(score))
  if (strange !== undefined) throw new InputError(`verification: a ${kind} pair's score is ${strange}`)
  return list.sort().reverse()
}

/**
 * At the lowest threshold that accepts a share of at most `far` of the different pairs; null where they are too few.
 */
function trueAccepts(same: Float64Array, different: Float64Array, far: number): number | null {
  const accepted = Math.floor(far * different.length + 1e-9)
  if (accepted < ACCEPTED_LEAST) return null
  if (accepted >= different.length) return 1
  // Accepted is what lies above the highest score that has to be refused.
  const refused = different[accepted]
  return same.reduce((count, score) => count + (score > refused ? 1 : 0), 0) / same.length
}

/** One sweep of the threshold over all scores, equal ones at once. */
function areaAndEqualError(same: Float64Array, different: Float64Array): { auc: number; eer: number } {
  let [i, j, area] = [0, 0, 0]
  let [far, tar] = [0, 0]
  let eer: number | null = null
  while (i < same.length || j < different.length) {
    const score = Math.max(same[i] ?? Number.NEGATIVE_INFINITY, different[j] ?? Number.NEGATIVE_INFINITY)
    while (same[i] === score) i++
    while (different[j] === score) j++
    const [toFar, toTar] = [j / different.length, i / same.length]
    area += ((toFar - far) * (tar + toTar)) / 2
    // False rejects less false accepts fall from 1 to -1: the line on which they pass 0.
    const [before, after] = [1 - tar - far, 1 - toTar - toFar]
    if (eer === null && after <= 0) eer = far + ((toFar - far) * before) / (before - after)
    ;[far, tar] = [toFar, toTar]
  }
  return { auc: area, eer: eer! }
}
