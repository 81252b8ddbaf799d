// Do teacher and student grow alike (K7b)? Both over the epochs, with the anchor and without.
import { afterStart, averageCourse, type Figure, plot } from './figures.ts'
import { methodName } from './groups.ts'
import type { Curve, Results } from './rows.ts'
import type { Series } from './svg.ts'

/** Of the first generation; online KD from its own weights, or where there is none from those of generation 0. */
function courses(curves: Curve[], size: number): { method: string; own: Curve[]; tone: string }[] {
  const of = (method: string, generation: number) => {
    const found = curves.filter((curve) => curve.method === method && curve.size === size && curve.at === undefined)
    return found.filter((curve) => curve.generation === generation && curve.teacherWidth === undefined)
  }
  const control = of('online', 1)
  return [
    { method: 'trikd', own: of('trikd', 1), tone: 'blue0' },
    { method: 'online', own: control.length ? control : of('online', 0), tone: 'green0' },
  ]
}

/** Nothing where the epochs of teacher and student were not looked at. */
export function growthFigures({ curves = [] }: Pick<Results, 'curves'>, standalone = false): Figure[] {
  const sizes = [...new Set(curves.flatMap(({ role, size }) => (role === 'teacher' ? [size] : [])))]
  return sizes.flatMap((size) => {
    const both = courses(curves, size)
    const series = both.flatMap(({ method, own, tone }): Series[] => {
      return (['teacher', undefined] as const).flatMap((role): Series[] => {
        const some = own.filter((curve) => curve.role === role)
        const points = averageCourse(some, 'accuracy', 100)
        if (points.length < 2) return []
        const label = `${methodName(method)}: ${role ?? 'student'}`
        return [{ label, tone, dash: role ? 'dashed' : 'solid', marker: null, points }]
      })
    })
    if (series.length < 4) return []
    // Without a control online KD is that of generation 0.
    const same = both.every(({ own }) => own.every(({ generation }) => generation === 1))
    const unit = `accuracy on test images looked at, %${same ? '; gen. 1' : ''}`
    const x = { label: 'epoch', kind: 'linear' as const }
    const title = `Teacher and student over the epochs, ${size} px`
    return plot(`teacher-and-student-${size}`, title, unit, x, series, standalone, afterStart(series))
  })
}
