// K5, K6 and K10 over teachers whose size and accuracy vary apart.
import type { Part } from './claim.ts'
import { premise } from './claimsLarger.ts'
import { MARGIN } from './claimsTrikd.ts'
import { type Cells, type Claim, compare, inWords, judged } from './compare.ts'
import { compareValues, type Group } from './groups.ts'
import { kdAt } from './here.ts'
import { paired } from './stats.ts'
import { ACCURACY, minus, noted, pick, valuesOf, WITHOUT_ANCHOR } from './triplet.ts'
import { having } from './varied.ts'

const accuracy = { statistic: 'accuracy of the student', ...ACCURACY }
const finished = (all: Group[]) => pick(all, { method: 'supervised', role: 'teacher' })
const kd = (all: Group[]) => pick(all, { method: 'kd' })
const trikd = (all: Group[], role?: 'teacher') => pick(all, { method: 'trikd', generation: 1, role })

/** Teachers by rising width: those of all epochs, or those of fewer. */
function teachersOf(all: Group[], fewer: boolean): string[] {
  const values = finished(all).flatMap(({ at }) => (typeof at === 'string' && at.includes('for') === fewer ? [at] : []))
  return [...new Set(values)].sort(compareValues)
}
const widths = (all: Group[]) => teachersOf(all, false)

function largerIsWorse({ all }: Cells): Part[] | string {
  const known = widths(all)
  if (known.length < 2) return 'teachers of fewer than two widths'
  const [small, large] = [known[0], known[known.length - 1]]
  return [
    premise(having(finished(all), large), having(finished(all), small), `teacher of ${large} minus ${small}`),
    compare(having(kd(all), large), having(kd(all), small), {
      rows: `KD, teacher of ${large} minus ${small}`,
      ...accuracy,
      side: 'below',
    }),
    ...known.slice(1).map((width, i) =>
      compare(having(kd(all), width), having(kd(all), known[i]), {
        rows: `KD, teacher of ${width} minus ${known[i]}`,
        ...accuracy,
        side: 'below',
        decides: false,
      }),
    ),
  ]
}

function lessSo({ all }: Cells): Part[] | string {
  const known = widths(all)
  const [small, large] = [known[0], known[known.length - 1]]
  const change = (groups: Group[]) => {
    return minus(valuesOf(having(groups, large), 'accuracy'), valuesOf(having(groups, small), 'accuracy'))
  }
  if (known.length < 2 || having(trikd(all), large).length === 0) return 'no KD and TriKD with teachers of two widths'
  const question = { statistic: 'change of the student’s accuracy', side: 'above' as const }
  const assisted = having(pick(all, { method: 'takd' }), large)
  return [
    judged(paired(change(trikd(all)), change(kd(all))), {
      rows: `teacher of ${large} minus ${small}: TriKD minus KD`,
      ...question,
    }),
    compare(having(trikd(all), large), having(kd(all), large), {
      rows: `TriKD minus KD, teacher of ${large}`,
      ...accuracy,
      decides: false,
    }),
    ...(assisted.length > 0
      ? [
          compare(assisted, having(kd(all), large), {
            rows: `TAKD minus KD, teacher of ${large}`,
            ...accuracy,
            decides: false,
          }),
        ]
      : []),
  ]
}

/** The same width, of fewer epochs: what accuracy does without size. */
function apart({ all }: Cells): Part[] | string {
  const parts = teachersOf(all, true).flatMap((value) => {
    const full = value.replace(/ for .*/, '')
    const rows = `teacher of ${value} minus ${full}`
    const [a, b] = [having(kd(all), value), having(kd(all), full)]
    if (a.length === 0 || b.length === 0) return []
    return [
      compare(a, b, { rows: `KD, ${rows}`, ...accuracy }),
      compare(having(finished(all), value), having(finished(all), full), {
        rows,
        ...accuracy,
        statistic: 'accuracy of the teacher',
        side: 'below',
        decides: false,
      }),
      compare(a, b, {
        rows: `KD, ${rows}`,
        statistic: 'ECE of the student',
        measure: 'ece',
        side: 'below',
        decides: false,
      }),
    ]
  })
  return parts.length ? parts : 'no teacher of fewer epochs'
}

function capacity({ all }: Cells): Part[] | string {
  const known = widths(all)
  const parts = known.flatMap((width, i) => {
    const ours = having(trikd(all, 'teacher'), width)
    const free = having(pick(all, { method: 'online', generation: 0, role: 'teacher' }), width)
    const decides = i === known.length - 1
    const question = { statistic: "teacher's accuracy, not below by 1 point", ...ACCURACY, zero: -MARGIN }
    return [
      compare(ours, free, { rows: `TriKD minus online KD, ${width}; other weights`, ...question, decides }),
      compare(ours, having(finished(all), width), {
        rows: `TriKD minus finished, ${width}`,
        ...question,
        decides: false,
      }),
    ]
  })
  return parts.length ? parts : 'no TriKD teachers'
}

function goodAndEasy({ all }: Cells): Part[] | string {
  const known = widths(all)
  const parts = known.flatMap((width, i) => {
    const [ours, plain] = [having(trikd(all), width), having(kd(all), width)]
    if (ours.length === 0 || plain.length === 0) return []
    const decides = i === known.length - 1
    const good = (teacher: Group[], name: string, decides: boolean) =>
      compare(having(teacher, width), having(finished(all), width), {
        rows: `${name}'s teacher minus the finished one, ${width}`,
        statistic: "teacher's accuracy, not below by 1 point",
        ...ACCURACY,
        zero: -MARGIN,
        decides,
      })
    const easy = (student: Group[], name: string, decides: boolean) =>
      compare(student, plain, {
        rows: `${name} minus KD, ${width}`,
        statistic: 'KL from T to S on test',
        measure: 'klTeacher',
        unit: 'nats',
        side: 'below',
        decides,
      })
    // Is it the anchor, or being trained together?
    const free = (role?: 'teacher') => pick(all, { method: 'online', generation: 0, role })
    const beside = [good(free('teacher'), WITHOUT_ANCHOR, false), easy(having(free(), width), WITHOUT_ANCHOR, false)]
    return [
      noted(good(trikd(all, 'teacher'), 'TriKD', decides), inWords([[WITHOUT_ANCHOR, beside[0]]])),
      noted(easy(ours, 'TriKD', decides), inWords([[WITHOUT_ANCHOR, beside[1]]])),
      ...beside,
    ]
  })
  return parts.length ? parts : 'no TriKD rows beside KD'
}

/** TriKD and TAKD at the teacher whose gap in capacity TAKD is made for. */
function sameLargeTeacher({ all }: Cells): Part[] | string {
  const large = widths(all).pop()
  if (large === undefined) return 'no teachers of several widths'
  const [ours, assisted, plain] = [trikd(all), pick(all, { method: 'takd' }), kd(all)].map((groups) =>
    having(groups, large),
  )
  if (ours.length === 0 || assisted.length === 0) return 'no TriKD and TAKD from the same large teacher'
  const rows = (a: string, b: string) => `${a} minus ${b}, teacher of ${large}`
  return [
    compare(ours, assisted, { rows: rows('TriKD', 'TAKD'), ...accuracy }),
    compare(ours, plain, { rows: rows('TriKD', 'KD'), ...accuracy, decides: false }),
    compare(assisted, plain, { rows: rows('TAKD', 'KD'), ...accuracy, decides: false }),
  ]
}

const largest = ({ all }: Cells) => widths(all).pop()
/** 'width 32 against width 8'. */
const extremes = ({ all }: Cells) => `${widths(all).pop()} against ${widths(all)[0]}`

export const TEACHER_CLAIMS: Claim[] = [
  {
    id: 'K1b',
    text: 'From the same large teacher TriKD makes a better student than TAKD',
    source: 'TAKD blames the gap in capacity, TriKD leaves it; asked after these results were on file',
    here: (cells) => `${largest(cells)}, first generation, other weights`,
    test: sameLargeTeacher,
  },
  {
    id: 'K5',
    text: 'A larger, more accurate teacher makes a worse student under plain KD',
    source: 'paper, the observation of ESKD, SCKD and TAKD',
    here: (cells) => `${extremes(cells)}, ${kdAt(cells.all)}`,
    test: largerIsWorse,
  },
  {
    id: 'K5b',
    text: 'Under TriKD a larger teacher harms less than under plain KD, or helps more',
    source: 'from memory or the introduction, not checked against the paper',
    here: (cells) => `first generation, ${extremes(cells)}, ${kdAt(cells.all)}`,
    test: lessSo,
  },
  {
    id: 'K5c',
    text: 'A teacher of the same size, trained for fewer epochs (a whole schedule over them), makes a better student',
    source: 'ESKD',
    here: ({ all }) => `${teachersOf(all, true).join(', ')}, ${kdAt(all)}`,
    test: apart,
  },
  {
    id: 'K6',
    text: 'The anchored teacher is as accurate as the free one',
    source: 'paper',
    here: (cells) => `${largest(cells)}, first generation minus online KD from other weights, not below by 1 point`,
    test: capacity,
  },
  {
    id: 'K10',
    text: 'A teacher can be both good and easy to follow',
    source: 'the question that the paper starts from',
    here: (cells) =>
      `${largest(cells)}, first generation: teacher within 1 point of the finished, KL below that of ${kdAt(cells.all)}`,
    test: goodAndEasy,
  },
]
