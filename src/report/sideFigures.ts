// Differences between two studies as a figure: a line a row, its interval, and 0.
import { type Dot, dotPlot } from './dotPlot.ts'
import type { Figure } from './figures.ts'
import { labelOf } from './groups.ts'
import { changeOf, type Match, type SideBySide } from './sideBySide.ts'

const DRAWN = [
  { metric: 'accuracy', title: 'Accuracy, B minus A', unit: 'points' },
  { metric: 'ece', title: 'Calibration error, B minus A', unit: 'points of ECE' },
] as const

/** A figure a measure that at least one row has in both studies. */
export function changeFigures({ matched }: Pick<SideBySide, 'matched'>, standalone = false): Figure[] {
  const sizes = new Set(matched.map(({ a }) => a.size)).size
  return DRAWN.flatMap(({ metric, title, unit }) => {
    const dots = matched.flatMap((pair): Dot[] => {
      const { estimate, lower, upper } = changeOf(pair, metric, 'fraction')
      if (estimate === null) return []
      const ends = lower === null || upper === null ? null : ([100 * lower, 100 * upper] as const)
      return [{ name: nameOf(pair, sizes > 1), at: 100 * estimate, ends }]
    })
    if (dots.length === 0) return []
    const id = `change-${metric}`
    return [{ id, title, svg: dotPlot({ id, title, unit, dots, zero: true }, standalone) }]
  })
}

function nameOf({ a }: Match, tellSize: boolean): string {
  const temperature = a.temperature === null ? [] : [`T ${a.temperature}`]
  return [
    `${labelOf(a)}${a.role === 'teacher' ? ' (teacher)' : ''}`,
    ...temperature,
    ...(tellSize ? [`${a.size} px`] : []),
  ].join(', ')
}
