// The receiver operating characteristic of identities that nothing was trained on: true accepts at fixed false accepts,
// the mean over seeds, a line a method.
import { type Figure, plot } from './figures.ts'
import { type Group, mainGroups, seedsOf } from './groups.ts'
import { linesOf, lookOf } from './lines.ts'
import type { Results } from './rows.ts'
import { mean } from './stats.ts'
import type { Point, Series } from './svg.ts'

/** A figure a size, students and teachers apart; nothing where a study verifies nothing. */
export function rocFigures({ rows }: Pick<Results, 'rows'>, standalone = false): Figure[] {
  const groups = mainGroups(rows.filter(({ roc }) => roc !== undefined))
  const sizes = [...new Set(groups.map(({ size }) => size))]
  return sizes.flatMap((size) =>
    ([undefined, 'teacher'] as const).flatMap((role) => {
      const own = groups.filter((group) => group.size === size && group.role === role)
      const lines = linesOf(own)
      const series = own.map((group): Series => ({ ...lookOf(group, lines), marker: null, points: course(group) }))
      const rates = new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))
      const ticks = [0.001, 0.01, 0.1, 1].filter((rate) => rates.has(rate))
      // The axis begins at a power of ten: what lies below it is left out.
      for (const one of series) one.points = one.points.filter(({ x }) => x >= ticks[0])
      const x = { label: 'false accept rate', kind: 'log' as const, ticks }
      const who = role === 'teacher' ? 'teachers' : 'students'
      const id = `roc-${who}-${size}`
      const unit = own.some((group) => seedsOf(group.rows).ok.length > 1) ? ', mean over seeds' : ''
      const title = `ROC of ${who}, ${size} px, unseen identities`
      return plot(id, title, `true accept rate, %${unit}`, x, series, standalone)
    }),
  )
}

/** At rates that every run has. */
function course({ rows }: Group): Point[] {
  const runs = rows.flatMap(({ status, roc }) => (status === 'ok' && roc ? [roc] : []))
  const [first = []] = runs
  return first.flatMap(({ far }) => {
    const tars = runs.flatMap((run) => run.filter((point) => point.far === far).map(({ tar }) => tar))
    return tars.length === runs.length ? [{ x: far, y: 100 * mean(tars) }] : []
  })
}
