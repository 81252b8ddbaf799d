// The studies beyond the two papers' tables, by name.
import type { Paper } from '../study/paper.ts'
import type { CommonRecipe } from '../study/recipe.ts'
import { FEW_DATA } from './fewData.ts'
import { WEIGHTS } from './weights.ts'

const ALL = [WEIGHTS, FEW_DATA]

// A study's own recipe does not matter to who runs it.
export const STUDIES = ALL as unknown as Paper<CommonRecipe>[]
