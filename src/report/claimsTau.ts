// The teacher's calibration against the student's, and one τ for all image sizes against one a size.
import type { Part } from './claim.ts'
import { type Cells, type Claim, judged, missing } from './compare.ts'
import { type Group, type Measure, perSeed, sharedSeeds } from './groups.ts'
import { sizesOf } from './select.ts'
import { type Interval, interval, mean, paired } from './stats.ts'
import { noted } from './triplet.ts'
import { having, numbersIn } from './varied.ts'

/** A correlation of 1 has no z. */
const LIMIT = 1 - 1e-9

const taught = ({ all }: Cells) => all.filter(({ method, at }) => method === 'cqkd' && at !== undefined)

/** Correlation over τ of two measures, by seed: of one size at a time, then the mean over sizes. Seeds that all rows have. */
function correlations(groups: Group[], x: Measure, y: Measure): number[] {
  const known = groups.map(({ size, rows }) => ({ size, xs: perSeed(rows, x), ys: perSeed(rows, y) }))
  const bySeed = sharedSeeds(known.flatMap(({ xs, ys }) => [xs, ys])).map((seed) => {
    const bySize = sizesOf(groups).map((size) => {
      const own = known.filter((group) => group.size === size)
      return correlation(
        own.map(({ xs }) => xs.get(seed)!),
        own.map(({ ys }) => ys.get(seed)!),
      )
    })
    return mean(bySize.filter(Number.isFinite))
  })
  return bySeed.filter(Number.isFinite)
}

/** Pearson's; NaN where one of the two does not vary, or of fewer than three. */
function correlation(xs: number[], ys: number[]): number {
  if (xs.length < 3) return Number.NaN
  const [mx, my] = [mean(xs), mean(ys)]
  const sum = (f: (a: number, b: number) => number) => xs.reduce((total, a, i) => total + f(a - mx, ys[i] - my), 0)
  return sum((a, b) => a * b) / Math.sqrt(sum((a) => a * a) * sum((_, b) => b * b))
}

/** The mean of correlations, its interval through Fisher's z, so that it ends within ±1. */
function betweenOnes(correlations: number[]): Interval {
  const { lower, upper, ...found } = interval(correlations.map((r) => Math.atanh(Math.min(Math.max(r, -LIMIT), LIMIT))))
  const back = (z: number | null) => (z === null ? null : Math.tanh(z))
  return { ...found, mean: Math.tanh(found.mean), lower: back(lower), upper: back(upper) }
}

/** Do two calibration errors, or one and the accuracy, rise and fall together where only τ differs? */
function goTogether([x, of]: Named, [y, and]: Named, side: 'above' | 'below'): Claim['test'] {
  return (cells) => {
    const groups = taught(cells)
    const values = numbersIn(groups)
    if (values.length < 3) return 'fewer than three τ'
    const found = correlations(groups, x, y)
    return [
      noted(
        judged(found.length ? betweenOnes(found) : null, {
          rows: `CQKD, τ = ${values.join(', ')}, mean over sizes`,
          statistic: `correlation over τ of ${of} and ${and}`,
          unit: 'number',
          side,
        }),
        missing(groups, found.length),
      ),
    ]
  }
}

/** Test NLL with the τ that is best on images held out, of each size minus of all sizes together. */
function ownTau(cells: Cells): Part[] | string {
  const groups = taught(cells)
  const [values, sizes] = [numbersIn(groups), sizesOf(groups)]
  if (values.length < 2 || sizes.length < 2) return 'fewer than two τ or two sizes'
  const at = (size: number, tau: number, measure: Measure) =>
    perSeed(
      having(groups, tau).flatMap((group) => (group.size === size ? group.rows : [])),
      measure,
    )
  const everywhere = sizes.flatMap((size) => values.map((tau) => at(size, tau, 'heldOutNll')))
  const seeds = sharedSeeds(everywhere)
  const best = (seed: number, among: number[]) => {
    const cost = (tau: number) => mean(among.map((size) => at(size, tau, 'heldOutNll').get(seed)!))
    return values.reduce((a, b) => (cost(b) < cost(a) ? b : a))
  }
  const outcome = (measure: Measure, chosen: (seed: number, size: number) => number) =>
    new Map(seeds.map((seed) => [seed, mean(sizes.map((size) => at(size, chosen(seed, size), measure).get(seed)!))]))
  if (seeds.length === 0) return 'no NLL on images held out in these rows'
  const part = (measure: 'nll' | 'ece', unit: 'nats' | 'fraction', decides: boolean) =>
    judged(
      paired(
        outcome(measure, (seed, size) => best(seed, [size])),
        outcome(measure, (seed) => best(seed, sizes)),
      ),
      {
        rows: `τ chosen for each of ${sizes.join(', ')} px minus one for all, by NLL on images held out`,
        statistic: `test ${measure.toUpperCase()}`,
        unit,
        side: 'below',
        decides,
      },
    )
  const equal = seeds.every((seed) => sizes.every((size) => best(seed, [size]) === best(seed, sizes)))
  const note = equal ? 'the same τ was best at every size and seed, so there is nothing to compare' : ''
  return [noted(part('nll', 'nats', true), note), noted(part('ece', 'fraction', false), note)]
}

type Named = [Measure, string]
const TEACHERS: Named = ['teacherEce', "the teacher's ECE"]
const OWN: Named = ['ece', "the student's ECE"]

export const CALIBRATION_STUDY_CLAIMS: Claim[] = [
  {
    id: 'T1',
    text: 'The better the teacher is calibrated, the better calibrated the student is',
    source: 'the title of the CQKD paper',
    here: 'one teacher, its logits divided by several τ: correlation over τ, by seed',
    test: goTogether(TEACHERS, OWN, 'above'),
  },
  {
    id: 'T2',
    text: 'The better the teacher is calibrated, the more accurate the student is',
    source: 'the title of the CQKD paper',
    here: 'one teacher, its logits divided by several τ: correlation over τ, by seed',
    test: goTogether(TEACHERS, ['accuracy', "the student's accuracy"], 'below'),
  },
  {
    id: 'T3',
    text: 'A τ of its own for every image size is better than one for all',
    source: 'our question',
    here: 'both chosen by NLL on images held out, compared by NLL on test images',
    test: ownTau,
  },
  {
    id: 'T4',
    text: "The calibration error of training batches, which the published code logs, tells the test set's",
    source: 'our question, asked after we had seen the two side by side',
    here: 'correlation over τ of the ECE in train mode and that of the test set, by seed',
    test: goTogether(['trainBatchEce', "the student's ECE on training batches"], OWN, 'above'),
  },
]
