// The comparisons that claims are made of: which rows stand against which, paired by seed, a seed's sizes and
// temperatures averaged first, so that n is always the number of seeds.
import type { Part, Unit } from './claim.ts'
import { type Group, type Measure, perSeed, sharedSeeds } from './groups.ts'
import type { Curve, Row, TeacherRow } from './rows.ts'
import { sizesOf } from './select.ts'
import { direction, type Interval, interval, paired, type Side, type Verdict, verdict } from './stats.ts'

/** What a claim may look at. */
export interface Cells {
  /** Groups at the study's own number of training images. */
  groups: Group[]
  /** Groups at every number of training images. */
  all: Group[]
  teachers: TeacherRow[]
  /** Rows of generations that were not trained, since those before them had stopped getting better. */
  saturated: Row[]
  curves: Curve[]
}

/**
 * A claim is a line of data: text, source, how it is tested here, and a function from cells to comparisons. Studies
 * that share an id test one claim, each in its own way.
 */
export interface Claim {
  id: string
  text: string
  source: string
  /** In one short phrase; what only the rows tell, sizes and widths, is taken from them. */
  here: string | ((cells: Cells) => string)
  /** The comparisons; a text is the reason why the rows cannot decide. */
  test(cells: Cells): Part[] | string
}

export interface Question {
  rows: string
  statistic: string
  measure: Measure
  unit?: Unit
  side: Side
  /** What the difference is held against, where it is not 0: a margin. */
  zero?: number
  decides?: boolean
  premise?: true
}

/** A part that the rows cannot decide, and why. */
export function untested(rows: string, statistic: string, note: string, decides = true): Part {
  const nothing = { n: 0, estimate: null, lower: null, upper: null, direction: null }
  return { rows, statistic, unit: 'fraction', ...nothing, verdict: 'not tested', decides, note }
}

/** The mean over groups by seed: first within a size, then over sizes; only seeds that every group has. */
export function pooled(groups: Group[], measure: Measure): Map<number, number> {
  if (groups.length === 0) return new Map()
  const perGroup = groups.map(({ size, rows }) => ({ size, values: perSeed(rows, measure) }))
  const sizes = [...new Set(groups.map(({ size }) => size))]
  const seeds = sharedSeeds(perGroup.map(({ values }) => values))
  const average = (list: number[]) => list.reduce((sum, x) => sum + x, 0) / list.length
  return new Map(
    seeds.map((seed) => {
      const bySize = sizes.map((size) => {
        return average(perGroup.filter((group) => group.size === size).map(({ values }) => values.get(seed)!))
      })
      return [seed, average(bySize)]
    }),
  )
}

/** a - b, each pooled, at the sizes that both have. With unit 'ratio' the measure is a quantity and a / b is told. */
export function compare(a: Group[], b: Group[], question: Question): Part {
  const has = (groups: Group[], size: number) => groups.some((group) => group.size === size)
  return difference(
    a.filter(({ size }) => has(b, size)),
    b.filter(({ size }) => has(a, size)),
    question,
  )
}

/** a - b, each pooled, whatever their sizes. */
export function difference(a: Group[], b: Group[], question: Question): Part {
  if (a.length === 0 || b.length === 0) {
    return untested(question.rows, question.statistic, 'no such rows to compare', question.decides)
  }
  const measure = question.unit === 'ratio' ? logarithm(question.measure) : question.measure
  const part = judged(paired(pooled(a, measure), pooled(b, measure)), question)
  return { ...part, note: part.note || missing([...a, ...b], part.n) }
}

/** The measure itself against 0. */
export function against0(groups: Group[], question: Question): Part {
  if (groups.length === 0) return untested(question.rows, question.statistic, 'no such rows', question.decides)
  const values = [...pooled(groups, question.measure).values()]
  const part = judged(values.length ? interval(values) : null, question)
  return { ...part, note: part.note || missing(groups, part.n) }
}

/** A part from a finished interval of differences (of logarithms where the unit is a ratio). */
export function judged(found: Interval | null, question: Omit<Question, 'measure'>): Part {
  const { rows, statistic, unit = 'fraction', side, zero = 0, decides = true, premise } = question
  if (found === null)
    return untested(rows, statistic, 'the number is missing in these rows, or no seed is shared', decides)
  const back = (x: number | null) => (x === null || unit !== 'ratio' ? x : Math.exp(x))
  return {
    rows,
    statistic,
    unit,
    n: found.n,
    estimate: back(found.mean),
    lower: back(found.lower),
    upper: back(found.upper),
    verdict: verdict(found, side, zero),
    direction: direction(found.mean, side, zero),
    decides,
    ...(premise && { premise }),
    note: '',
  }
}

/**
 * All must hold for `holds`; one that is reversed is enough for `reversed`. Premises come first: one that is reversed
 * leaves nothing to test, one that is not known leaves all undecided.
 */
export function together(parts: Part[]): Verdict {
  const deciding = parts.filter(({ decides }) => decides)
  const premises = deciding.filter(({ premise }) => premise).map((part) => part.verdict)
  if (premises.includes('reversed')) return 'not tested'
  const verdicts = deciding.map((part) => part.verdict)
  if (premises.includes('undecided') && !verdicts.includes('not tested')) return 'undecided'
  for (const one of ['not tested', 'reversed', 'one seed, no verdict', 'undecided'] as const) {
    if (verdicts.includes(one)) return one
  }
  return verdicts.length ? 'holds' : 'not tested'
}

/** 'T = 4, T = 20: holds; T = 1: undecided', of closer looks by name; empty where one seed leaves all without a verdict. */
export function inWords(looks: readonly (readonly [name: string, look: Part])[]): string {
  return (['holds', 'reversed', 'undecided'] as const)
    .flatMap((verdict) => {
      const names = looks.flatMap(([name, look]) => (look.verdict === verdict ? [name] : []))
      return names.length ? [`${names.join(', ')}: ${verdict}`] : []
    })
    .join('; ')
}

/** A closer look at each size, named after it; none where there is one size only. */
export function lookBySize(groups: Group[], look: (size: number) => Part): [name: string, look: Part][] {
  const sizes = sizesOf(groups)
  return sizes.length > 1 ? sizes.map((size) => [`${size} px`, look(size)]) : []
}

function logarithm(measure: Measure): Measure {
  const take = typeof measure === 'function' ? measure : (row: Row) => row[measure]
  return (row) => {
    const value = take(row)
    return typeof value === 'number' && value > 0 ? Math.log(value) : null
  }
}

/** How many seeds of the groups a comparison of n left out; empty where none. */
export function missing(groups: Group[], n: number): string {
  const seeds = new Set(groups.flatMap(({ rows }) => rows.map(({ seed }) => seed)))
  return seeds.size > n ? `${seeds.size - n} of ${seeds.size} seeds left out: not every cell has the number` : ''
}
