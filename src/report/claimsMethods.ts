// C0, C0b, C1, C1b, C1c, C2, C2b, C7, C7b, C10: which method is the more accurate, the steadier, the one that generalises.
import type { Part } from './claim.ts'
import { type Cells, type Claim, compare, difference, inWords, judged, lookBySize, pooled } from './compare.ts'
import { endsOfGap, GAPS, madeOf } from './gaps.ts'
import { type Group, labelOf, type Measure, perSeed } from './groups.ts'
import { at, largestAndSmallest, sizesOf, spanOf, students, temperaturesOf } from './select.ts'
import { paired, type Side, sd, sdRatio } from './stats.ts'
import { minus, noted } from './triplet.ts'

const ACCURACY = { measure: 'accuracy' as Measure, side: 'above' as const }

/**
 * CQKD from the calibrated teacher against `rival`: pooled, which says what each temperature, each size and the raw
 * teacher give by themselves; then by temperature, by size, by both; the raw teacher last.
 */
function cqkdAgainst(cells: Cells, rival: 'supervised' | 'dml'): Part[] | string {
  const cqkd = students(cells, 'cqkd', 'calibrated')
  const raw = students(cells, 'cqkd', 'raw')
  const other = students(cells, rival)
  if (other.length === 0) return `no ${rival === 'dml' ? 'DML' : 'supervised'} rows`
  if (cqkd.length === 0) return 'no rows with a calibrated teacher'
  const name = labelOf(other[0])
  const statistic = `accuracy, CQKD minus ${name}`
  const one = (groups: Group[], teacher: string, decides = false) => {
    return compare(groups, other, { rows: `${teacher} teacher, ${spanOf(groups)}`, statistic, ...ACCURACY, decides })
  }
  const shared = cqkd.filter(({ size }) => other.some((group) => group.size === size))
  const temperatures = temperaturesOf(shared)
  const sizes = sizesOf(shared)
  const crossed = sizes.flatMap((size) => temperatures.map((temperature) => ({ size, temperature })))
  const by = (list: Group[], teacher: string, name: string) => {
    return temperaturesOf(list).map((T) => [`${name}T = ${T}`, one(at(list, { temperature: T }), teacher)] as const)
  }
  const each = temperatures.length > 1 ? by(shared, 'calibrated', '') : []
  const sized = lookBySize(shared, (size) => one(at(shared, { size }), 'calibrated'))
  const fromRaw = by(raw, 'raw', 'raw teacher at ')
  return [
    noted(one(shared, 'calibrated', true), inWords([...each, ...sized, ...fromRaw])),
    ...each.map(([, part]) => part),
    ...sized.map(([, part]) => part),
    ...(sized.length ? crossed.map((where) => one(at(shared, where), 'calibrated')) : []),
    ...fromRaw.map(([, part]) => part),
  ]
}

/** The control that the paper lacks: the teacher of full resolution minus one of the student's own. */
const fullAgainstOwn = (measure: 'accuracy' | 'ece', statistic: string, side: Side) => (cells: Cells) => {
  const [all, own] = (['calibrated', 'sameResolution'] as const).map((teacher) => students(cells, 'cqkd', teacher))
  if (own.length === 0) return "no teacher of the students' own resolution (--methods with same-resolution)"
  const temperatures = temperaturesOf(own)
  const full = all.filter(({ temperature }) => temperatures.includes(temperature!))
  const part = (where: { size?: number }, decides: boolean) => {
    const [a, b] = [at(full, where), at(own, where)]
    const rows = `CQKD, teacher of full minus of own resolution, ${spanOf(b)}`
    return compare(a, b, { rows, statistic, measure, side, decides })
  }
  const sized = lookBySize(own, (size) => part({ size }, false))
  return [noted(part({}, true), inWords(sized)), ...sized.map(([, each]) => each)]
}

/** Calibrated minus raw teacher at the temperatures that both have: the calibration error decides, or the accuracy. */
const calibratedAgainstRaw =
  (deciding: 'ece' | 'accuracy') =>
  ({ groups }: Cells): Part[] | string => {
    const raw = students({ groups }, 'cqkd', 'raw')
    const shared = temperaturesOf(raw).filter(
      (t) => at(students({ groups }, 'cqkd', 'calibrated'), { temperature: t }).length,
    )
    if (shared.length === 0) return 'no temperature with both a calibrated and a raw teacher'
    const parts = (measure: 'ece' | 'accuracy' | 'nll', side: 'above' | 'below', statistic: string) => {
      return [...(shared.length > 1 ? [shared] : []), ...shared.map((t) => [t])].map((some) => {
        const pick = (teacher: 'raw' | 'calibrated') => {
          return students({ groups }, 'cqkd', teacher).filter(({ temperature }) => some.includes(temperature!))
        }
        const a = pick('calibrated')
        const rows = `CQKD, calibrated minus raw teacher, ${spanOf(a)}`
        const unit = measure === 'nll' ? ('nats' as const) : ('fraction' as const)
        return compare(a, pick('raw'), { rows, statistic, measure, side, unit, decides: false })
      })
    }
    const [first, ...rest] =
      deciding === 'accuracy'
        ? parts('accuracy', 'above', 'accuracy')
        : [...parts('ece', 'below', 'ECE'), ...parts('nll', 'below', 'NLL')]
    return [{ ...first, decides: true }, ...rest]
  }

/** Spread over seeds of DML's accuracy against the supervised one, and cells that failed. */
function dmlUnstable({ groups }: Cells): Part[] | string {
  const dml = students({ groups }, 'dml')
  const supervised = students({ groups }, 'supervised')
  if (dml.length === 0) return 'no DML rows'
  if (supervised.length === 0) return 'no supervised rows'
  const failed = (list: Group[]) => {
    const rows = list.flatMap(({ rows }) => rows)
    return `${rows.filter(({ status }) => status === 'failed').length} of ${rows.length}`
  }
  const note = `failed rows: DML ${failed(dml)}, supervised ${failed(supervised)}`
  const question = (size: number) => ({
    rows: `DML (a member at a time) over supervised, ${size} px`,
    statistic: 'ratio of the standard deviations of accuracy over seeds',
    unit: 'ratio' as const,
    side: 'above' as const,
  })
  return sizesOf(dml)
    .filter((size) => at(supervised, { size }).length)
    .map((size) => {
      const a = memberSpread(at(dml, { size }))
      const b = memberSpread(at(supervised, { size }))
      const n = Math.min(a.n, b.n)
      if (n < 2 || !(a.sd > 0 && b.sd > 0)) {
        const part = judged(null, question(size))
        return n === 1 ? { ...part, n, verdict: 'one seed, no verdict' as const, note } : { ...part, note }
      }
      const { mean, lower, upper } = sdRatio(a.sd, b.sd, n)
      const logs = { n, mean: Math.log(mean), sd: null, lower: Math.log(lower!), upper: Math.log(upper!) }
      return { ...judged(logs, question(size)), note }
    })
}

/** Root mean variance over seeds of a member's accuracy. */
function memberSpread(groups: Group[]): { n: number; sd: number } {
  const rows = groups.flatMap((group) => group.rows)
  const members = [...new Set(rows.map(({ member }) => member))]
  const spreads = members.map((member) => [
    ...perSeed(
      rows.filter((row) => row.member === member),
      'accuracy',
    ).values(),
  ])
  const variances = spreads.map((values) => (sd(values) ?? Number.NaN) ** 2)
  const n = Math.min(...spreads.map((values) => values.length))
  return { n, sd: Math.sqrt(variances.reduce((sum, x) => sum + x, 0) / variances.length) }
}

/** The sizes that decide what size does. */
function extremes(supervised: Group[]): { large: number; small: number } | string {
  const sizes = sizesOf(supervised)
  return sizes.length < 2
    ? 'supervised rows at fewer than two sizes'
    : { large: sizes[0], small: sizes[sizes.length - 1] }
}

/** Largest minus smallest size, a method at a time. */
function growsWithSize(cells: Cells): Part[] | string {
  const supervised = students(cells, 'supervised')
  const found = extremes(supervised)
  if (typeof found === 'string') return found
  const { large, small } = found
  const lines: [Group[], string][] = [
    [supervised, 'supervised'],
    [students(cells, 'cqkd', 'calibrated'), 'CQKD calibrated, mean of its temperatures'],
    [students(cells, 'cqkd', 'raw'), 'CQKD raw, mean of its temperatures'],
    [students(cells, 'dml'), 'DML'],
  ]
  return lines
    .filter(([groups]) => groups.length)
    .map(([groups, name], i) => {
      const question = { rows: `${name}, ${large} px minus ${small} px`, statistic: 'accuracy', ...ACCURACY }
      return difference(at(groups, { size: large }), at(groups, { size: small }), { ...question, decides: i === 0 })
    })
}

/** (CQKD - supervised) at the large size minus the same at the small one; then from each size to the next. */
function gainGrows(cells: Cells): Part[] | string {
  const supervised = students(cells, 'supervised')
  const calibrated = students(cells, 'cqkd', 'calibrated')
  const found = extremes(supervised)
  if (typeof found === 'string') return found
  if (calibrated.length === 0) return 'no rows with a calibrated teacher'
  const { large, small } = found
  const gain = (size: number) => {
    const [a, b] = [calibrated, supervised].map((groups) => pooled(at(groups, { size }), 'accuracy'))
    return minus(a, b)
  }
  const between = (one: number, other: number, decides: boolean): Part =>
    judged(paired(gain(one), gain(other)), {
      rows: `gain of CQKD calibrated over supervised, ${one} px minus ${other} px`,
      statistic: 'accuracy',
      side: 'above',
      decides,
    })
  const sizes = sizesOf(supervised)
  const next = sizes.length > 2 ? sizes.slice(1) : []
  const closer = next.map((size, i) => [`${sizes[i]} px minus ${size} px`, between(sizes[i], size, false)] as const)
  return [noted(between(large, small, true), inWords(closer)), ...closer.map(([, part]) => part)]
}

/**
 * Training minus test accuracy, and test minus training NLL, of CQKD against supervised; what the first is made of, since
 * a worse fit of the training images narrows it, too; and the same from the raw teacher.
 */
function generalises(cells: Cells): Part[] | string {
  const cqkd = students(cells, 'cqkd', 'calibrated')
  const supervised = students(cells, 'supervised')
  if (cqkd.length === 0) return 'no rows with a calibrated teacher'
  if (supervised.length === 0) return 'no supervised rows'
  const raw = students(cells, 'cqkd', 'raw')
  const gaps = (groups: Group[], teacher: string, decides: boolean): Part[] => {
    const rows = `CQKD ${teacher} minus supervised, ${spanOf(groups)}`
    return GAPS.map((gap) => compare(groups, supervised, { rows, ...gap, side: 'below', decides }))
  }
  const [accuracy, nll] = gaps(cqkd, 'calibrated', true)
  const ends = endsOfGap(cqkd, supervised, accuracy.rows)
  const beside = raw.length ? gaps(raw, 'raw', false) : []
  const told = beside.map((part) => [`raw teacher, ${part.statistic}`, part] as const)
  return [noted(accuracy, madeOf(ends)), noted(nll, inWords(told)), ...ends, ...beside]
}

export const METHOD_CLAIMS: Claim[] = [
  {
    id: 'C0',
    text: "Calibrating the teacher improves cross-quality distillation: the student's calibration error falls",
    source: 'title',
    here: 'calibrated minus raw teacher, at the temperatures that both have',
    test: calibratedAgainstRaw('ece'),
  },
  {
    id: 'C0b',
    text: 'Calibrating the teacher makes the student more accurate',
    source: 'our question',
    here: 'calibrated minus raw teacher, at the temperatures that both have',
    test: calibratedAgainstRaw('accuracy'),
  },
  {
    id: 'C1',
    text: 'CQKD beats supervised learning',
    source: "abstract: 'in large-scale image classification problems'; a reviewer: not in every result",
    here: 'small networks and little data, calibrated teacher, mean over temperatures and sizes',
    test: (cells) => cqkdAgainst(cells, 'supervised'),
  },
  {
    id: 'C1b',
    text: "A teacher of full resolution makes a more accurate student than one of the student's own resolution",
    source: 'our control, which the paper lacks',
    here: 'calibrated teachers, at the temperatures that both have, mean over sizes below full',
    test: fullAgainstOwn('accuracy', 'accuracy', 'above'),
  },
  {
    id: 'C1c',
    text: "A teacher of full resolution makes a better calibrated student than one of the student's own resolution",
    source: 'our control, which the paper lacks; asked after its numbers were seen',
    here: 'calibrated teachers, at the temperatures that both have, mean over sizes below full; asked after its numbers were seen',
    test: fullAgainstOwn('ece', 'ECE', 'below'),
  },
  {
    id: 'C2',
    text: 'CQKD is more accurate than DML',
    source: 'review',
    here: 'calibrated teacher, mean over temperatures and sizes; the mean of a cohort of DML',
    test: (cells) => cqkdAgainst(cells, 'dml'),
  },
  {
    id: 'C2b',
    text: 'DML is unstable in training: its final accuracy spreads more over seeds',
    source: 'the thesis behind the code',
    here: 'final accuracy of a member of the cohort over seeds, at every size',
    test: dmlUnstable,
  },
  {
    id: 'C7',
    text: 'Accuracy grows with image size',
    source: 'review',
    here: (cells) => largestAndSmallest(students(cells, 'supervised')),
    test: growsWithSize,
  },
  {
    id: 'C7b',
    text: "CQKD's gain over supervised learning grows with image size",
    source: 'review',
    here: 'largest minus smallest size, calibrated teacher, mean over temperatures',
    test: gainGrows,
  },
  {
    id: 'C10',
    text: 'CQKD generalises better: training and test lie closer',
    source: "a reader's remark",
    here: 'gap between training and test, of accuracy and of NLL, mean over temperatures and sizes',
    test: generalises,
  },
]
