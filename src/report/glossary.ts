// What the names in a study's tables mean: those that occur in it, for readers who know neither paper.
import { AXES } from './figuresAxis.ts'
import { groupRows, methodMeaning } from './groups.ts'
import type { Results } from './rows.ts'

type Term = readonly [name: string, meaning: string]

/** Methods in the order of the table, then what stands behind them, then the columns. */
export function glossary({ rows }: Pick<Results, 'rows'>): Term[] {
  const groups = groupRows(rows)
  const when = (has: unknown, name: string, meaning: string): Term[] => (has ? [[name, meaning]] : [])
  const taught = (wanted: string) => groups.some(({ teacher }) => teacher === wanted)
  const methods = new Map(groups.flatMap(({ method }) => when(...told(method))))
  const width = groups.find(({ teacherWidth }) => teacherWidth !== undefined)?.teacherWidth
  const axis = groups.find((group) => group.axis !== undefined)?.axis ?? ''
  return [
    ...methods,
    ...when(taught('raw'), 'raw', 'the teacher teaches with its logits as they are'),
    ...when(
      taught('calibrated'),
      'calibrated',
      'the teacher teaches with its logits divided by τ, fitted on held-out images (temperature scaling)',
    ),
    ...when(taught('sameResolution'), 'same size, own view', 'the teacher sees what the student sees'),
    ...when(
      groups.some(({ generation }) => generation !== undefined),
      'gen.',
      'generation: a whole training of teacher and student from new random weights; generation 0 has no anchor',
    ),
    ...when(width, `teacher ${width}`, `a teacher with ${width} channels in its first blocks, not the usual number`),
    ...when(AXES[axis], axis, AXES[axis]),
    ...when(
      groups.some(({ temperature }) => temperature !== null),
      'T',
      'temperature: logits of teacher and student are divided by it before they are compared',
    ),
    ['n', 'number of seeds'],
    ['ECE', 'expected calibration error: how far confidence and accuracy lie apart, mean over 15 bins of confidence'],
    ['entropy', 'of the answers, in nats: high where a network spreads its confidence over the classes'],
  ]
}

const told = (method: string): [known: boolean, ...Term] => {
  const [name, meaning] = methodMeaning(method) ?? ['', '']
  return [name !== '', name, meaning]
}
