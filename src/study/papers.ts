// The two studies that reproduce the papers' tables, and what they and others are built on.
import { CQKD_CLAIMS } from '../report/claims.ts'
import { TRIKD_CLAIMS } from '../report/claimsTrikd.ts'
import { cqkdStages } from './cqkdStages.ts'
import { cqkdFlags } from './flags.ts'
import { type Base, type Paper, studyOn } from './paper.ts'
import { checkRecipe, PRESETS, type Recipe } from './recipe.ts'
import { cqkdSchema, trikdSchema } from './recipeSchema.ts'
import { trikdFlags } from './trikdFlags.ts'
import { checkTrikd, TRIKD_PRESETS, type TrikdRecipe } from './trikdRecipe.ts'
import { trikdStages } from './trikdStages.ts'

/** What further studies are made of. */
export const CQKD_BASE: Base<Recipe> = {
  flags: cqkdFlags,
  schema: cqkdSchema,
  optional: ['microBatches', 'looks', 'patience', 'virtualTeacher', 'tfkd', 'tau', 'modality'],
  check: checkRecipe,
  stages: cqkdStages,
}
export const TRIKD_BASE: Base<TrikdRecipe> = {
  flags: trikdFlags,
  schema: trikdSchema,
  optional: ['microBatches', 'looks', 'patience', 'tfkd', 'saturation', 'teacherKinds', 'taughtEpochs', 'teacherSize'],
  check: checkTrikd,
  stages: trikdStages,
}

/** Colour is what students see anyway: asked for by name it is still CQKD. */
const cqkdBase: Base<Recipe> = {
  ...CQKD_BASE,
  stages: ({ modality, ...recipe }, pictures) =>
    cqkdStages(modality === undefined || modality === 'colour' ? recipe : { ...recipe, modality }, pictures),
}

export const CQKD: Paper<Recipe> = studyOn(cqkdBase, {
  name: 'cqkd',
  about:
    'Trains the CQKD table on WebGPU: image size x method x temperature x seed, then prints it and writes a report.',
  presets: PRESETS,
  claims: CQKD_CLAIMS,
})

export const TRIKD: Paper<TrikdRecipe> = studyOn(TRIKD_BASE, {
  name: 'trikd',
  about:
    'Trains the TriKD table on WebGPU: teacher, student and anchor over generations, their controls and rivals, then\n' +
    'prints it and writes a report.',
  presets: TRIKD_PRESETS,
  claims: TRIKD_CLAIMS,
})
