// The studies that the programs know, one a paper.
import { CQKD_CLAIMS } from '../report/claims.ts'
import { TRIKD_CLAIMS } from '../report/claimsTrikd.ts'
import type { Claim } from '../report/compare.ts'
import { CQKD_FLAGS, type Flag } from './flags.ts'
import { type CommonRecipe, checkRecipe, PRESETS, type Recipe } from './recipe.ts'
import { CQKD_SCHEMA, TRIKD_SCHEMA } from './recipeSchema.ts'
import type { Shape } from './schema.ts'
import { cqkdStages, type Pictures, type Stage } from './stage.ts'
import { TRIKD_FLAGS } from './trikdFlags.ts'
import { checkTrikd, TRIKD_PRESETS, type TrikdRecipe } from './trikdRecipe.ts'
import { trikdStages } from './trikdStages.ts'

export interface Paper<R extends CommonRecipe> {
  name: 'cqkd' | 'trikd'
  about: string
  presets: Record<string, { about: string; recipe: R }>
  flags: Flag<R>[]
  /** Of a recipe as JSON; what is left out is taken from `before`. */
  schema: Shape<R>
  /** Throws InputError that names the field and quotes the value. */
  check(recipe: R): R
  stages(recipe: R, pictures: Pictures): Stage[]
  claims: Claim[]
}

export const CQKD: Paper<Recipe> = {
  name: 'cqkd',
  about:
    'Trains the CQKD table on WebGPU: image size x method x temperature x seed, then prints it and writes a report.',
  presets: PRESETS,
  flags: CQKD_FLAGS,
  schema: CQKD_SCHEMA,
  check: checkRecipe,
  stages: cqkdStages,
  claims: CQKD_CLAIMS,
}

export const TRIKD: Paper<TrikdRecipe> = {
  name: 'trikd',
  about:
    'Trains the TriKD table on WebGPU: teacher, student and anchor over generations, their controls and rivals, then\n' +
    'prints it and writes a report.',
  presets: TRIKD_PRESETS,
  flags: TRIKD_FLAGS,
  schema: TRIKD_SCHEMA,
  check: checkTrikd,
  stages: trikdStages,
  claims: TRIKD_CLAIMS,
}
