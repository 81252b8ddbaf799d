// The studies beyond the two papers' tables, by name.
import type { Paper } from '../study/paper.ts'
import type { CommonRecipe } from '../study/recipe.ts'
import { ABLATION } from './ablation.ts'
import { ANCHORS } from './anchors.ts'
import { CALIBRATION } from './calibration.ts'
import { CMKD } from './cmkd.ts'
import { FACES } from './faces.ts'
import { FEW_DATA } from './fewData.ts'
import { LOST_INFORMATION } from './lostInformation.ts'
import { MIMICRY } from './mimicry.ts'
import { QUALITIES } from './qualities.ts'
import { RIVALS } from './rivals.ts'
import { TEACHERS } from './teachers.ts'
import { WEIGHTS } from './weights.ts'

const ALL = [
  CMKD,
  CALIBRATION,
  LOST_INFORMATION,
  QUALITIES,
  RIVALS,
  ABLATION,
  WEIGHTS,
  ANCHORS,
  TEACHERS,
  MIMICRY,
  FEW_DATA,
  FACES,
]

// A study's own recipe does not matter to who runs it.
export const STUDIES = ALL as unknown as Paper<CommonRecipe>[]
