// K1 with all rivals, and our own question: do early stopping, assistants and anchors help because they calibrate?
import type { Part } from './claim.ts'
import { TRIKD_CLAIMS } from './claimsTrikd.ts'
import { type Cells, type Claim, type compare, inWords, judged } from './compare.ts'
import { type Group, methodName } from './groups.ts'
import type { Teacher } from './rows.ts'
import { interval } from './stats.ts'
import { ACCURACY, control, minus, noted, pick, valuesOf, versus, WITHOUT_ANCHOR } from './triplet.ts'

const TAUGHT = ['kd', 'eskd', 'takd', 'sckd', 'dkd']

const from = (groups: Group[], method: string, teacher: Teacher) =>
  pick(groups, { method }).filter((group) => group.teacher === teacher)

/** What calibration of the teacher does to every method that has a finished one; KD decides, and says of the others. */
function calibrated(question: Omit<Parameters<typeof compare>[2], 'rows'>): Claim['test'] {
  return ({ groups }) => {
    const looks = TAUGHT.flatMap((method) => {
      const [a, b] = (['calibrated', 'raw'] as const).map((teacher) => from(groups, method, teacher))
      if (a.length === 0 || b.length === 0) return []
      const decides = method === 'kd'
      return [{ name: methodName(method), decides, part: versus(a, b, { ...question, decides }) }]
    })
    const others = inWords(looks.flatMap(({ name, decides, part }) => (decides ? [] : [[name, part] as const])))
    const parts = looks.map(({ decides, part }) => (decides ? noted(part, others) : part))
    return parts.length ? parts : 'no rows of calibrated and raw teachers'
  }
}

const ECE = { measure: 'ece' as const, side: 'below' as const }

/** The ECE of these students minus KD's, which decides where their teachers are raw, and whether they are more accurate. */
function gainOverKd(ours: Group[], kd: Group[], teacher: Teacher, beside: [string, Part][] = []): Part[] {
  const ece = versus(ours, kd, { statistic: 'ECE', ...ECE, decides: teacher === 'raw' })
  const accuracy = versus(ours, kd, { statistic: 'accuracy', ...ACCURACY, decides: false })
  return [noted(ece, inWords([['more accurate', accuracy], ...beside])), accuracy]
}

/** A rival's student minus KD's, from the raw teacher, and for a closer look from the calibrated one. */
function besideKd({ groups }: Cells): Part[] | string {
  const parts = ['eskd', 'takd'].flatMap((method): Part[] => {
    return (['raw', 'calibrated'] as const).flatMap((teacher) => {
      const [a, b] = [from(groups, method, teacher), from(groups, 'kd', teacher)]
      return a.length === 0 || b.length === 0 ? [] : gainOverKd(a, b, teacher)
    })
  })
  const ours = pick(groups, { method: 'trikd', generation: 1 })
  const online = control(groups, 1)
  for (const teacher of ['raw', 'calibrated'] as const) {
    const kd = from(groups, 'kd', teacher)
    if (ours.length === 0 || kd.length === 0) continue
    const free = online.groups.length ? [versus(online.groups, kd, { statistic: 'ECE', ...ECE, decides: false })] : []
    const beside = free.map((part): [string, Part] => [WITHOUT_ANCHOR, part])
    parts.push(...gainOverKd(ours, kd, teacher, beside), ...free)
  }
  return parts.length ? parts : 'no rows of KD beside early stopping, assistants or anchors'
}

/** What a rival gains over KD from raw teachers minus what it gains from calibrated ones. */
function becauseCalibrated({ groups }: Cells): Part[] | string {
  const parts = ['eskd', 'takd'].flatMap((method): Part[] => {
    const all = (['raw', 'calibrated'] as const).flatMap((teacher) => [
      from(groups, method, teacher),
      from(groups, 'kd', teacher),
    ])
    if (all.some((found) => found.length === 0)) return []
    const [raw, kdRaw, calibrated, kdCalibrated] = all.map((found) => valuesOf(found, 'ece'))
    const found = minus(minus(raw, kdRaw), minus(calibrated, kdCalibrated))
    return [
      judged(found.size ? interval([...found.values()]) : null, {
        rows: `(${method.toUpperCase()} minus KD) from raw teachers minus the same from calibrated ones`,
        statistic: 'ECE',
        side: 'below',
      }),
    ]
  })
  return parts.length ? parts : 'no rows of a rival and KD from raw and calibrated teachers'
}

function teachersOf({ groups }: Cells): Part[] | string {
  const finished = pick(groups, { method: 'supervised', role: 'teacher' })
  const question = { statistic: "teacher's ECE", ...ECE }
  const anchored = pick(groups, { method: 'trikd', generation: 1, role: 'teacher' })
  const others = [
    pick(groups, { method: 'earlyStopped', role: 'teacher' }),
    anchored,
    from(groups, 'assistant', 'raw'),
  ].filter((found) => found.length > 0)
  if (finished.length === 0 || others.length === 0) return 'no finished teacher beside another kind'
  // How much of it is being trained with the student, and how much the anchor?
  const online = control(groups, 1, 'teacher')
  const free = online.groups.length
    ? [versus(online.groups, finished, { ...question, decides: false }, online.note)]
    : []
  const anchor =
    online.groups.length && anchored.length
      ? [versus(anchored, online.groups, { ...question, decides: false }, online.note)]
      : []
  const apart = inWords([
    ...free.map((part) => [WITHOUT_ANCHOR, part] as const),
    ...anchor.map((part) => ['TriKD minus online KD', part] as const),
  ])
  return [
    ...others.map((group) => {
      const part = versus(group, finished, question)
      return group === anchored ? noted(part, apart) : part
    }),
    ...free,
    ...anchor,
  ]
}

export const RIVAL_CLAIMS: Claim[] = [
  ...TRIKD_CLAIMS.filter(({ id }) => id === 'K1'),
  {
    id: 'R1',
    text: 'A calibrated teacher gives a better calibrated student (KD decides)',
    source: 'the title of the CQKD paper',
    here: 'calibrated minus raw teacher under KD, which decides; the other methods stand beside it',
    test: calibrated({ statistic: 'ECE', measure: 'ece', side: 'below' }),
  },
  {
    id: 'R2',
    text: 'A calibrated teacher gives a more accurate student (KD decides)',
    source: 'our question',
    here: 'calibrated minus raw teacher under KD, which decides; the other methods stand beside it',
    test: calibrated({ statistic: 'accuracy', ...ACCURACY }),
  },
  {
    id: 'R3',
    text: 'Teachers of fewer epochs, assistants and anchored teachers are better calibrated than a finished one',
    source: 'our question, stated beforehand',
    here: 'each kind of teacher, raw, minus the finished one',
    test: teachersOf,
  },
  {
    id: 'R4',
    text: 'Beside KD from the raw teacher, ESKD, TAKD and TriKD give better calibrated students',
    source: 'our question, stated beforehand; KD from the calibrated teacher stands beside it',
    here: "each minus KD, raw teachers; TriKD's first generation",
    test: besideKd,
  },
  {
    id: 'R5',
    text: 'What ESKD and TAKD gain over KD in calibration is smaller once all teachers are calibrated',
    source: 'our question, stated beforehand: do they help because they calibrate?',
    here: 'gain over KD from raw teachers minus the gain from calibrated ones',
    test: becauseCalibrated,
  },
]
