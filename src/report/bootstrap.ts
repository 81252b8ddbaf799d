// Bootstrap intervals of a reliability diagram. With several runs the runs are resampled first (they share their test
// images, so pictures of different runs are not independent), then the right answers within each bin.
import { InputError } from '../errors.ts'
import type { Bin } from './calibration.ts'

export interface BinInterval {
  lower: number
  upper: number
}

/** Uniform numbers in [0, 1) from a seed (mulberry32): the same report twice gives the same figure. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Percentile interval of every bin's accuracy; null for an empty bin. */
export function bootstrapBins(
  runs: Bin[][],
  options: { draws?: number; seed?: number; level?: number } = {},
): (BinInterval | null)[] {
  const { draws = 1000, seed = 1, level = 0.95 } = options
  if (runs.length === 0) throw new InputError('bootstrapBins: no runs')
  const random = seeded(seed)
  const accuracies = runs[0].map(() => [] as number[])
  for (let draw = 0; draw < draws; draw++) {
    const chosen = runs.length === 1 ? runs : runs.map(() => runs[Math.floor(random() * runs.length)])
    for (const [k, sample] of accuracies.entries()) {
      let count = 0
      let right = 0
      for (const bins of chosen) {
        count += bins[k].count
        right += binomial(bins[k].count, bins[k].accuracy, random)
      }
      if (count > 0) sample.push(right / count)
    }
  }
  return accuracies.map((sample) => {
    if (sample.length === 0) return null
    const sorted = sample.sort((a, b) => a - b)
    return { lower: quantile(sorted, (1 - level) / 2), upper: quantile(sorted, (1 + level) / 2) }
  })
}

/** Linear interpolation between order statistics. */
export function quantile(sorted: ArrayLike<number>, p: number): number {
  const position = p * (sorted.length - 1)
  const below = Math.floor(position)
  const above = Math.min(below + 1, sorted.length - 1)
  return sorted[below] + (position - below) * (sorted[above] - sorted[below])
}

/** A binomial number: exact by geometric gaps where n min(p, 1 - p) is below 12, else the rounded normal. */
export function binomial(n: number, p: number, random: () => number): number {
  if (n === 0 || p <= 0) return 0
  if (p >= 1) return n
  if (p > 0.5) return n - binomial(n, 1 - p, random)
  if (n * p < 12) {
    const logQ = Math.log1p(-p)
    let hits = 0
    let position = Math.floor(Math.log(1 - random()) / logQ)
    while (position < n) {
      hits++
      position += 1 + Math.floor(Math.log(1 - random()) / logQ)
    }
    return hits
  }
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return Math.min(n, Math.max(0, Math.round(n * p + normal * Math.sqrt(n * p * (1 - p)))))
}
