// Which figures a study's report opens with: against what it varies (of one method at several sizes a line a size),
// else over generations, else row by row, else over sizes and temperatures.
import { type Figure, sizeFigures, temperatureFigures } from './figures.ts'
import { axisFigures } from './figuresAxis.ts'
import { errorFigures } from './figuresError.ts'
import { growthFigures } from './figuresGrowth.ts'
import { mapFigures } from './figuresMap.ts'
import { rowFigures } from './figuresRows.ts'
import { imageFigures } from './figuresSizes.ts'
import { teacherEceFigures } from './figuresTeacherEce.ts'
import { generationFigures, mimicryFigure } from './figuresTrikd.ts'
import { rocFigures } from './figuresVerification.ts'
import { mainGroups } from './groups.ts'
import type { Results } from './rows.ts'
import { lastOf } from './triplet.ts'

export function mainFigures(results: Results, standalone = false): { figures: Figure[]; byTemperature: Figure[] } {
  const bySize = imageFigures(results, standalone)
  const varied = bySize.length > 0 ? bySize : axisFigures(results, standalone)
  // Two points are no course.
  const compare = lastOf(mainGroups(results.rows)) === 1 ? rowFigures : generationFigures
  const course = varied.length > 0 ? varied : compare(results, standalone)
  const roc = rocFigures(results, standalone)
  const errors = errorFigures(results, standalone)
  const figures = [
    ...roc,
    ...course,
    ...errors,
    ...teacherEceFigures(results, standalone),
    ...mimicryFigure(results, standalone),
    ...growthFigures(results, standalone),
    ...mapFigures(results, standalone),
  ]
  if (figures.length > 0) return { figures, byTemperature: [] }
  return { figures: sizeFigures(results, standalone), byTemperature: temperatureFigures(results, standalone) }
}
