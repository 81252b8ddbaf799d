// C8 and C9: what training and inference cost. Times are ratios, compared through their logarithms, so that every image
// size weighs the same.
import type { Part } from './claim.ts'
import { type Cells, type Claim, compare, judged } from './compare.ts'
import { withInterval } from './format.ts'
import { type Group, perSeed } from './groups.ts'
import type { Row, TeacherRow } from './rows.ts'
import { at, pixels, sizesOf, students } from './select.ts'
import { type Interval, interval } from './stats.ts'
import { noted } from './triplet.ts'

/** CQKD over supervised, DML over CQKD, DML over supervised; then with the teacher's own training counted. */
function trainingTime(cells: Cells): Part[] | string {
  const supervised = students(cells, 'supervised')
  const cqkd = students(cells, 'cqkd').filter(({ teacher }) => teacher !== 'sameResolution')
  const dml = students(cells, 'dml')
  for (const [name, groups] of Object.entries({ supervised, CQKD: cqkd, DML: dml })) {
    if (groups.length === 0) return `no ${name} rows`
  }
  const ratio = (
    a: Group[],
    b: Group[],
    names: string,
    measure: 'seconds' | ((row: Row) => number | null),
    { decides = true, statistic = 'ratio of training seconds' } = {},
  ) => {
    const rows = `${names}, mean over ${pixels(sizesOf(a))}`
    return compare(a, b, { rows, statistic, measure, unit: 'ratio', side: 'above', decides })
  }
  const whole = ({ seconds, teacherSeconds }: Row) => (seconds === null ? null : seconds + (teacherSeconds ?? 0))
  const counted = { decides: false, statistic: "ratio of seconds with the teacher's training" }
  const withTeacher = [
    ratio(cqkd, supervised, 'CQKD over supervised', whole, counted),
    ratio(dml, cqkd, 'DML over CQKD', whole, counted),
  ]
  const [small, large] = withTeacher.map(withInterval)
  const along = alongside(cqkd).map(({ timed, measure, where }) => {
    const closer = { decides: false, statistic: `ratio of training seconds, ${where}` }
    const overSupervised = ratio(timed, supervised, 'CQKD over supervised', measure, closer)
    return { where, overSupervised, dmlOver: ratio(dml, timed, 'DML over CQKD', measure, closer) }
  })
  const beside = (first: string, which: 'overSupervised' | 'dmlOver') => {
    return [first, ...along.map((each) => `${each.where} ${withInterval(each[which])}`)].join('; ')
  }
  return [
    noted(
      ratio(cqkd, supervised, 'CQKD over supervised', 'seconds'),
      beside(
        `wall seconds beside whatever else ran, without the finished teacher's training, its logits computed once where nothing is augmented; with its training, ${small}`,
        'overSupervised',
      ),
    ),
    noted(ratio(dml, cqkd, 'DML over CQKD', 'seconds'), beside(`with the teacher's training, ${large}`, 'dmlOver')),
    ratio(dml, supervised, 'DML over supervised', 'seconds'),
    ...withTeacher,
    ...along.flatMap(({ overSupervised, dmlOver }) => [overSupervised, dmlOver]),
  ]
}

/**
 * With the teacher in every step, where steps were timed so: a cell's seconds times what its step takes then over what
 * it takes with the teacher's logits looked up. A cell of another method has its own seconds.
 */
function alongside(cqkd: Group[]): { timed: Group[]; measure: (row: Row) => number | null; where: string }[] {
  const timed = cqkd.filter(({ rows }) => rows.some(({ stepMs }) => stepMs))
  if (timed.length === 0) return []
  const sees = { stepMsFull: 'full pictures', stepMsLow: "the student's pictures" }
  return (['stepMsFull', 'stepMsLow'] as const).map((which) => {
    const measure = ({ method, seconds, stepMs, [which]: along }: Row) => {
      if (method !== 'cqkd') return seconds
      return seconds !== null && stepMs && along ? (seconds * along) / stepMs : null
    }
    return { timed, measure, where: `the teacher in every step on ${sees[which]}` }
  })
}

/** Teacher over student: measured milliseconds a picture, then counted FLOPs, by size. */
function inferenceIsCheap({ groups, teachers }: Cells): Part[] | string {
  const full = teachers.filter(({ role, status }) => role === 'full' && status === 'ok')
  if (groups.length === 0) return 'no rows'
  if (full.length === 0) return 'no teacher to compare with'
  if (!full.some(({ inferenceMs }) => inferenceMs !== null)) return 'the inference time of the teacher was not measured'
  const sizes = sizesOf(groups)
  const times = (list: Group[], where: string, decides: boolean): Part => {
    return judged(logRatio(full, list, 'inferenceMs'), {
      rows: `teacher at ${full[0].size} px over student at ${where}`,
      statistic: 'ratio of milliseconds a picture',
      unit: 'ratio',
      side: 'above',
      decides,
    })
  }
  const counts = sizes.map((size): Part => {
    const part = judged(logRatio(full, at(groups, { size }), 'forwardFlops'), {
      rows: `teacher at ${full[0].size} px over student at ${size} px`,
      statistic: 'ratio of forward FLOPs',
      unit: 'ratio',
      side: 'above',
      decides: false,
    })
    if (part.estimate === null) return part
    const verdict = part.estimate > 1 ? 'holds' : part.estimate < 1 ? 'reversed' : 'undecided'
    return { ...part, lower: part.estimate, upper: part.estimate, verdict, note: 'counted, not measured' }
  })
  return [
    times(groups, pixels(sizes), true),
    ...(sizes.length > 1 ? sizes.map((size) => times(at(groups, { size }), `${size} px`, false)) : []),
    ...counts,
  ]
}

/** By seed: log of the teacher's quantity over the geometric mean of the students'. */
function logRatio(teachers: TeacherRow[], groups: Group[], measure: 'inferenceMs' | 'forwardFlops'): Interval | null {
  const log = (x: number | null) => (x === null || x <= 0 ? null : Math.log(x))
  const perSize = sizesOf(groups).map((size) => {
    return perSeed(
      at(groups, { size }).flatMap(({ rows }) => rows),
      (row) => log(row[measure]),
    )
  })
  const ratios = teachers.flatMap((teacher) => {
    const own = log(teacher[measure])
    const students = perSize.map((values) => values.get(teacher.seed))
    if (own === null || students.length === 0 || students.some((x) => x === undefined)) return []
    return [own - students.reduce((sum: number, x) => sum + x!, 0) / students.length]
  })
  return ratios.length ? interval(ratios) : null
}

export const COST_CLAIMS: Claim[] = [
  {
    id: 'C8',
    text: "Training time, the teacher's own left out: supervised below CQKD, both clearly below DML",
    source: 'review',
    here: 'wall seconds on this machine, mean over sizes',
    test: trainingTime,
  },
  {
    id: 'C9',
    text: 'Inference is cheap: the teacher is thrown away',
    source: 'review',
    here: 'measured milliseconds a picture, teacher at full size over students of all sizes',
    test: inferenceIsCheap,
  },
]
