// The figures of a study that compares methods and varies nothing: a dot a row, students and teachers apart.
import { type Dot, dotPlot } from './dotPlot.ts'
import type { Figure } from './figures.ts'
import { fullLabel, type Group, mainGroups, summarise } from './groups.ts'
import type { Metric, Results } from './rows.ts'

const MEASURED: { metric: Metric; title: string; unit: string }[] = [
  { metric: 'accuracy', title: 'Accuracy', unit: 'test accuracy, %' },
  { metric: 'ece', title: 'Calibration error', unit: 'ECE of 15 bins, %' },
]

/** Means over seeds, bars of one standard deviation. */
export function rowFigures({ rows }: Pick<Results, 'rows'>, standalone = false): Figure[] {
  const groups = mainGroups(rows)
  const sizes = new Set(groups.filter(({ role }) => !role).map(({ size }) => size)).size
  return (['student', 'teacher'] as const).flatMap((role) => {
    const own = groups.filter((group) => (group.role ?? 'student') === role)
    return MEASURED.flatMap(({ metric, title, unit }) => {
      const dots = own.flatMap((group) => dotOf(group, metric, sizes > 1))
      if (dots.length < 2) return []
      const id = `${metric}-of-${role}s`
      const told = `${title} of ${role}s`
      return [{ id, title: told, svg: dotPlot({ id, title: told, unit, dots, zero: false }, standalone) }]
    })
  })
}

function dotOf(group: Group, metric: Metric, tellSize: boolean): Dot[] {
  const found = summarise(group.rows, metric)
  if (!found) return []
  const [at, sd] = [100 * found.mean, found.sd === null ? null : 100 * found.sd]
  const name = `${fullLabel(group)}${tellSize ? `, ${group.size} px` : ''}`
  return [{ name, at, ends: sd === null ? null : [at - sd, at + sd] }]
}
