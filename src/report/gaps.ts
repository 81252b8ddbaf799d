// Overfitting as gaps between training and test images, and what a gap of accuracy is made of: a network that fits its
// training images less well has a smaller one without being any better on others.
import type { Part, Unit } from './claim.ts'
import { compare } from './compare.ts'
import { withInterval } from './format.ts'
import type { Group } from './groups.ts'
import type { Row } from './rows.ts'

const apart = (a: number | null, b: number | null) => (a === null || b === null ? null : a - b)

export const GAPS: { statistic: string; unit: Unit; measure(row: Row): number | null }[] = [
  {
    statistic: 'training minus test accuracy',
    unit: 'fraction',
    measure: ({ trainAccuracy, accuracy }) => apart(trainAccuracy, accuracy),
  },
  { statistic: 'test minus training NLL', unit: 'nats', measure: ({ nll, trainNll }) => apart(nll, trainNll) },
]

/** The two ends of the gap of accuracy: on training images lower, on test images higher would narrow it. */
export function endsOfGap(a: Group[], b: Group[], rows: string): Part[] {
  const question = { rows, decides: false }
  return [
    compare(a, b, { ...question, statistic: 'accuracy on training images', measure: 'trainAccuracy', side: 'below' }),
    compare(a, b, { ...question, statistic: 'accuracy on test images', measure: 'accuracy', side: 'above' }),
  ]
}

/** 'of that accuracy on training images −1.01 points [−1.19, −0.83], accuracy on test images +0.54 points [+0.37, +0.70]' */
export function madeOf(ends: Part[]): string {
  const told = ends.filter(({ estimate }) => estimate !== null)
  const texts = told.map((part) => `${part.statistic} ${withInterval(part)}`)
  return texts.length ? `of that ${texts.join(', ')}` : ''
}
