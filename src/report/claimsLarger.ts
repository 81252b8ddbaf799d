// K5 and K5b: the usual teacher beside a larger one.
import type { Part } from './claim.ts'
import { type Cells, compare, judged } from './compare.ts'
import type { Group } from './groups.ts'
import { paired } from './stats.ts'
import { ACCURACY, minus, noted, pick, valuesOf, versus, widthsOf } from './triplet.ts'

/** K5's premise: the larger teacher is the more accurate one. */
export function premise(larger: Group[], usual: Group[], rows: string): Part {
  const statistic = 'premise: accuracy of the teacher'
  return noted(
    compare(larger, usual, { rows, statistic, ...ACCURACY, premise: true }),
    'rule changed after results were seen: until then a premise found the other way round made the claim reversed',
  )
}

/** Larger minus usual teacher under distillation from a finished teacher, and the teachers themselves. */
export function largerTeacher({ groups }: Cells): Part[] | string {
  const [width] = widthsOf(groups)
  const own = pick(groups, { method: 'kd' })
  if (width === undefined || own.length === 0) return 'no KD rows from teachers of two widths'
  const large = pick(groups, { method: 'kd', teacherWidth: width })
  const teachers = [width, undefined].map((teacherWidth) => {
    return pick(groups, { method: 'supervised', role: 'teacher', teacherWidth })
  })
  return [
    premise(teachers[0], teachers[1], `teacher of width ${width} minus the usual one`),
    compare(large, own, {
      rows: `KD, teacher of width ${width} minus the usual one, mean over temperatures`,
      statistic: 'accuracy of the student',
      ...ACCURACY,
      side: 'below',
    }),
    ...large.map((group) => {
      const same = own.filter(({ temperature }) => temperature === group.temperature)
      return versus([group], same, { statistic: 'accuracy of the student', ...ACCURACY, side: 'below', decides: false })
    }),
  ]
}

export function lessSoWithTrikd({ groups }: Cells): Part[] | string {
  const [width] = widthsOf(groups)
  const change = (method: string) => {
    const which = method === 'trikd' ? { method, generation: 1 } : { method }
    const [large, own] = [pick(groups, { ...which, teacherWidth: width }), pick(groups, which)]
    return large.length && own.length ? minus(valuesOf(large, 'accuracy'), valuesOf(own, 'accuracy')) : null
  }
  const [trikd, kd] = width === undefined ? [null, null] : [change('trikd'), change('kd')]
  if (!trikd || !kd) return 'no rows of KD and TriKD with teachers of two widths'
  const rows = `teacher of width ${width} minus the usual one: TriKD, gen. 1 minus KD, mean over temperatures`
  return [judged(paired(trikd, kd), { rows, statistic: 'change of accuracy', side: 'above' })]
}
