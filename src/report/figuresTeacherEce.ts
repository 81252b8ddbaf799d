// Does the teacher's calibration decide the student's (T1, T2)? A student's ECE and accuracy against its teacher's ECE,
// where one teacher is divided by several τ.
import { type Figure, percentOf, plot, runPoints } from './figures.ts'
import { compareValues, type Group, mainGroups, perSeed } from './groups.ts'
import { lookOf } from './lines.ts'
import type { Results } from './rows.ts'
import { sizesOf } from './select.ts'
import type { Series } from './svg.ts'

const MEASURED = [
  { metric: 'ece', title: 'Calibration error', unit: "the student's ECE, %; a point a run" },
  { metric: 'accuracy', title: 'Accuracy', unit: "the student's test accuracy, %; a point a run" },
] as const

/** A point a run; nothing where no τ is varied. */
export function teacherEceFigures({ rows }: Pick<Results, 'rows'>, standalone = false): Figure[] {
  const groups = mainGroups(rows).filter(({ axis }) => axis === 'τ')
  const ordered = groups.sort((a, b) => compareValues(a.at, b.at))
  return sizesOf(ordered).flatMap((size) => {
    const own = ordered.filter((group) => group.size === size)
    return MEASURED.flatMap(({ metric, title, unit }) => {
      const series = own.flatMap((group) => seriesOf(group, own, metric))
      if (series.length < 2) return []
      const x = { label: "the teacher's ECE, %", kind: 'linear' as const }
      const whole = `${title} by the teacher's ECE, ${size} px`
      return plot(`${metric}-by-teacher-ece-${size}`, whole, unit, x, series, standalone)
    })
  })
}

function seriesOf(group: Group, all: Group[], metric: 'ece' | 'accuracy'): Series[] {
  const points = runPoints(perSeed(group.rows, percentOf('teacherEce')), perSeed(group.rows, percentOf(metric)))
  return points.length ? [{ ...lookOf(group, all), label: `τ = ${group.at}`, points, joined: false }] : []
}
