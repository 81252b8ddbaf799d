// What a second quality is worth to each way to distil.
import type { Part } from './claim.ts'
import { type Claim, difference } from './compare.ts'
import { labelOf } from './groups.ts'
import { ACCURACY, pick } from './triplet.ts'
import { having, numbersIn } from './varied.ts'

/** Teachers that see more minus those that see as much as students, a method at a time; all decide. */
function moreThanStudents(question: Omit<Parameters<typeof difference>[2], 'rows'>): Claim['test'] {
  return ({ all }) => {
    const parts = ['kd', 'online', 'trikd'].flatMap((method): Part[] => {
      const groups = pick(all, { method })
      const sizes = numbersIn(groups)
      if (sizes.length < 2) return []
      const [small, large] = [sizes[0], sizes[sizes.length - 1]]
      const rows = `${labelOf({ ...groups[0], at: undefined })}, teachers of ${large} px minus ${small} px`
      return [difference(having(groups, large), having(groups, small), { ...question, rows })]
    })
    return parts.length ? parts : 'teachers of one size only'
  }
}

export const QUALITY_CLAIMS: Claim[] = [
  {
    id: 'QA',
    text: 'A teacher that sees more makes the student more accurate, under KD, online KD and TriKD',
    source: 'the idea of CQKD, asked of TriKD',
    here: 'teachers that see most minus those that see as much as students, every method',
    test: moreThanStudents({ statistic: 'accuracy', ...ACCURACY }),
  },
  {
    id: 'QB',
    text: 'A teacher that sees more is harder to follow',
    source: 'our question',
    here: 'teachers that see most minus those that see as much as students, every method',
    test: moreThanStudents({
      statistic: 'KL from T to S on test images',
      measure: 'klTeacher',
      unit: 'nats',
      side: 'above',
    }),
  },
]
