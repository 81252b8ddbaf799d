// K1 with all rivals, and our own question: do early stopping, assistants and anchors help because they calibrate?
import type { Part } from './claim.ts'
import { TRIKD_CLAIMS } from './claimsTrikd.ts'
import type { Cells, Claim, compare } from './compare.ts'
import type { Group } from './groups.ts'
import type { Teacher } from './rows.ts'
import { ACCURACY, pick, versus } from './triplet.ts'

const TAUGHT = ['kd', 'eskd', 'takd', 'sckd', 'dkd']

const from = (groups: Group[], method: string, teacher: Teacher) =>
  pick(groups, { method }).filter((group) => group.teacher === teacher)

/** What calibration of the teacher does to every method that has a finished one; KD decides. */
function calibrated(question: Omit<Parameters<typeof compare>[2], 'rows'>): Claim['test'] {
  return ({ groups }) => {
    const parts = TAUGHT.flatMap((method): Part[] => {
      const [a, b] = (['calibrated', 'raw'] as const).map((teacher) => from(groups, method, teacher))
      if (a.length === 0 || b.length === 0) return []
      return [versus(a, b, { ...question, decides: method === 'kd' })]
    })
    return parts.length ? parts : 'no rows of calibrated and raw teachers'
  }
}

/** The gain of a rival over KD, with raw teachers minus with calibrated ones: what calibrating takes away of it. */
function becauseCalibrated({ groups }: Cells): Part[] | string {
  const parts = ['eskd', 'takd'].flatMap((method): Part[] => {
    return (['raw', 'calibrated'] as const).flatMap((teacher) => {
      const [a, b] = [from(groups, method, teacher), from(groups, 'kd', teacher)]
      if (a.length === 0 || b.length === 0) return []
      return [versus(a, b, { statistic: 'ECE', measure: 'ece', side: 'below', decides: teacher === 'raw' })]
    })
  })
  const ours = pick(groups, { method: 'trikd', generation: 1 })
  for (const teacher of ['raw', 'calibrated'] as const) {
    const kd = from(groups, 'kd', teacher)
    if (ours.length === 0 || kd.length === 0) continue
    parts.push(versus(ours, kd, { statistic: 'ECE', measure: 'ece', side: 'below', decides: teacher === 'raw' }))
  }
  return parts.length ? parts : 'no rows of KD beside early stopping, assistants or anchors'
}

function teachersOf({ groups }: Cells): Part[] | string {
  const finished = pick(groups, { method: 'supervised', role: 'teacher' })
  const question = { statistic: "teacher's ECE", measure: 'ece' as const, side: 'below' as const }
  const others = [
    pick(groups, { method: 'earlyStopped', role: 'teacher' }),
    pick(groups, { method: 'trikd', generation: 1, role: 'teacher' }),
    from(groups, 'assistant', 'raw'),
  ].filter((found) => found.length > 0)
  if (finished.length === 0 || others.length === 0) return 'no finished teacher beside another kind'
  return others.map((group) => versus(group, finished, question))
}

export const RIVAL_CLAIMS: Claim[] = [
  ...TRIKD_CLAIMS.filter(({ id }) => id === 'K1'),
  {
    id: 'R1',
    text: 'A calibrated teacher gives a better calibrated student, whatever the method (KD decides)',
    source: 'the title of the CQKD paper',
    test: calibrated({ statistic: 'ECE', measure: 'ece', side: 'below' }),
  },
  {
    id: 'R2',
    text: 'A calibrated teacher gives a more accurate student (KD decides)',
    source: 'our question',
    test: calibrated({ statistic: 'accuracy', ...ACCURACY }),
  },
  {
    id: 'R3',
    text: 'Teachers stopped early, assistants and anchored teachers are better calibrated than a finished one',
    source: 'our question, stated beforehand',
    test: teachersOf,
  },
  {
    id: 'R4',
    text: 'Beside KD from the raw teacher, ESKD, TAKD and TriKD give better calibrated students',
    source: 'our question, stated beforehand; beside KD from the calibrated teacher in the closer looks',
    test: becauseCalibrated,
  },
]
