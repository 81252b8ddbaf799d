// Two studies side by side: the same rows matched, their differences, and what the studies themselves differ in. B
// minus A throughout; a difference of times is a ratio.
import type { Unit } from './claim.ts'
import { type Difference, differences } from './differences.ts'
import { type Group, groupRows, kindOf, type Measure, perSeed, teacherKey } from './groups.ts'
import type { Metric, Results, Run, TeacherRow } from './rows.ts'
import { type Interval, interval, paired, type Verdict } from './stats.ts'
import { studyOf } from './titles.ts'

/** A number in both studies. Without a shared seed n is 0 and there is no interval. */
export interface Change {
  unit: Unit
  a: Interval | null
  b: Interval | null
  /** Seeds that both have. */
  n: number
  estimate: number | null
  lower: number | null
  upper: number | null
}

/** A row of the table in both studies. */
export interface Match {
  a: Group
  b: Group
  /** Networks of the same seed whose weights and test logits are the same bits, of how many. */
  same: { bits: number; of: number }
}

export interface TeacherMatch {
  role: TeacherRow['role']
  size: number
  axis?: string
  at?: number | string
  a: TeacherRow[]
  b: TeacherRow[]
}

export interface SideBySide {
  matched: Match[]
  onlyA: Group[]
  onlyB: Group[]
  teachers: TeacherMatch[]
  /** What the run records differ in, apart from recipe, date, command and time. */
  facts: Difference[]
  recipe: Difference[]
  /** Claims that at least one of them tested, and how; none where they are of two studies, which test differently. */
  claims: { id: string; text: string; here: { a?: string; b?: string }; a: Verdict; b: Verdict }[]
  /** What a reader has to know before the numbers. */
  notes: string[]
}

/** Of a run's record, what every run has of its own, or (classes) another field says as well. */
const OWN = ['config', 'overrides', 'date', 'command', 'seconds', 'trainingSeconds', 'seeds', 'classes']

export function sideBySide(a: Results, b: Results): SideBySide {
  const [left, right] = [groupRows(a.rows), groupRows(b.rows)]
  const pairs = match(left, right)
  const verdicts = new Map(b.claims.map((claim) => [claim.id, claim]))
  const claims = (studyOf(a.run) === studyOf(b.run) ? a.claims : []).flatMap(({ id, text, here, verdict }) => {
    const other = verdicts.get(id)
    return other ? [{ id, text, here: { a: here, b: other.here }, a: verdict, b: other.verdict }] : []
  })
  return {
    matched: pairs.map(([x, y]) => ({ a: x, b: y, same: sameBits(x, y) })),
    onlyA: left.filter((group) => !pairs.some(([x]) => x === group)),
    onlyB: right.filter((group) => !pairs.some(([, y]) => y === group)),
    teachers: matchTeachers(a.teachers, b.teachers),
    facts: differences(factsOf(a.run), factsOf(b.run)),
    recipe: differences(a.run.config, b.run.config),
    claims: claims.filter((claim) => claim.a !== 'not tested' || claim.b !== 'not tested'),
    notes: notesOf(a.run, b.run),
  }
}

/** Same kind and size; also same number of images, unless a study has only one number for the kind and size. */
function match(left: Group[], right: Group[]): [Group, Group][] {
  const place = (group: Group) => JSON.stringify([kindOf(group), group.size])
  return left.flatMap((a): [Group, Group][] => {
    const there = right.filter((b) => place(b) === place(a))
    const alone = there.length === 1 && left.filter((other) => place(other) === place(a)).length === 1
    const b = there.find(({ images }) => images === a.images) ?? (alone ? there[0] : undefined)
    return b ? [[a, b]] : []
  })
}

function sameBits(a: Group, b: Group): Match['same'] {
  const of = (group: Group) => {
    const finished = group.rows.filter(({ sha256 }) => sha256 !== null)
    return new Map(finished.map(({ seed, member, sha256 }) => [`${seed} ${member}`, sha256]))
  }
  const [left, right] = [of(a), of(b)]
  const both = [...left].filter(([name]) => right.has(name))
  return { bits: both.filter(([name, sha256]) => right.get(name) === sha256).length, of: both.length }
}

function matchTeachers(a: TeacherRow[], b: TeacherRow[]): TeacherMatch[] {
  return [...new Set(a.map(teacherKey))].flatMap((key) => {
    const [left, right] = [a, b].map((rows) => rows.filter((row) => teacherKey(row) === key))
    const { role, size, axis, at } = left[0]
    return right.length ? [{ role, size, axis, at, a: left, b: right }] : []
  })
}

function factsOf(run: Run): Record<string, unknown> {
  return Object.fromEntries(Object.entries(run).filter(([key]) => !OWN.includes(key)))
}

function notesOf(a: Run, b: Run): string[] {
  const differ = (key: 'dataHash' | 'fingerprint' | 'adapter') => a[key] !== b[key]
  const [left, right] = [studyOf(a), studyOf(b)]
  const same = differences(a.config, b.config).length === 0
  return [
    ...(left === right
      ? []
      : [
          `Two studies, ${left} and ${right}: few rows are the same, and each tests claims its own way: none are compared.`,
        ]),
    ...(differ('dataHash')
      ? ['Different pictures: a seed stands for other images in each study, so the differences are between data sets.']
      : []),
    ...(same && !differ('dataHash') && !differ('fingerprint') && !differ('adapter')
      ? ['Same recipe, pictures, kernels and adapter: the same bits are expected, unless the drivers differ.']
      : []),
  ]
}

/** A measure of matched rows. */
export function changeOf({ a, b }: Pick<Match, 'a' | 'b'>, measure: Measure, unit: Unit): Change {
  return change(perSeed(a.rows, measure), perSeed(b.rows, measure), unit)
}

/** A number of matched teachers. */
export function teacherChange(
  { a, b }: TeacherMatch,
  take: (row: TeacherRow) => number | null | undefined,
  unit: Unit,
): Change {
  const values = (rows: TeacherRow[]) => {
    const known = rows.flatMap((row): [number, number][] => {
      const value = row.status === 'ok' ? take(row) : null
      return typeof value === 'number' ? [[row.seed, value]] : []
    })
    return new Map(known)
  }
  return change(values(a), values(b), unit)
}

/** b - a, paired by seed where seeds are shared; with the unit 'ratio' b / a. */
export function change(a: Map<number, number>, b: Map<number, number>, unit: Unit): Change {
  const whole = (values: Map<number, number>) => (values.size ? interval([...values.values()]) : null)
  const [left, right] = [whole(a), whole(b)]
  const base = { unit, a: left, b: right }
  const ratio = unit === 'ratio'
  const logs = (values: Map<number, number>) =>
    new Map([...values].flatMap(([seed, x]): [number, number][] => (x > 0 ? [[seed, Math.log(x)]] : [])))
  const found = ratio ? paired(logs(b), logs(a)) : paired(b, a)
  if (found) {
    const back = (x: number | null) => (x === null || !ratio ? x : Math.exp(x))
    return { ...base, n: found.n, estimate: back(found.mean), lower: back(found.lower), upper: back(found.upper) }
  }
  const nothing = { n: 0, lower: null, upper: null }
  if (!left || !right) return { ...base, ...nothing, estimate: null }
  return { ...base, ...nothing, estimate: ratio ? right.mean / left.mean : right.mean - left.mean }
}

/** Rows in which B lies clearly above A, clearly below, neither, or which have no interval. */
export function tally(matched: Match[], metric: Metric, unit: Unit) {
  const counts = { above: 0, below: 0, undecided: 0, untold: 0 }
  const zero = unit === 'ratio' ? 1 : 0
  for (const pair of matched) {
    const { lower, upper } = changeOf(pair, metric, unit)
    if (lower === null || upper === null) counts.untold++
    else if (lower > zero) counts.above++
    else if (upper < zero) counts.below++
    else counts.undecided++
  }
  return counts
}
