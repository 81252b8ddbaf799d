// Which figures a study's report opens with: against what it varies, else over generations, else over sizes and
// temperatures.
import { type Figure, sizeFigures, temperatureFigures } from './figures.ts'
import { axisFigures } from './figuresAxis.ts'
import { mapFigure } from './figuresMap.ts'
import { generationFigures, mimicryFigure } from './figuresTrikd.ts'
import { rocFigures } from './figuresVerification.ts'
import type { Results } from './rows.ts'

export function mainFigures(results: Results, standalone = false): { figures: Figure[]; byTemperature: Figure[] } {
  const varied = axisFigures(results, standalone)
  const course = varied.length > 0 ? varied : generationFigures(results, standalone)
  const roc = rocFigures(results, standalone)
  const figures = [...roc, ...course, ...mimicryFigure(results, standalone), ...mapFigure(results, standalone)]
  if (figures.length > 0) return { figures, byTemperature: [] }
  return { figures: sizeFigures(results, standalone), byTemperature: temperatureFigures(results, standalone) }
}
