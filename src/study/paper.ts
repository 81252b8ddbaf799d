// What a study is to the programs: its name, presets, flags, the shape of its recipe, its stages and its claims.
import type { DatasetPair } from '../data/dataset.ts'
import type { Claim } from '../report/compare.ts'
import type { Flag } from './flag.ts'
import type { CommonRecipe } from './recipe.ts'
import { object, type Schema, type Shape } from './schema.ts'
import type { Pictures, Stage } from './stage.ts'

export interface Paper<R extends CommonRecipe> {
  /** The command, and the name of its results. */
  name: string
  about: string
  presets: Record<string, { about: string; recipe: R }>
  flags: Flag<R>[]
  /** Of a recipe as JSON; what is left out is taken from `before`. */
  schema: Shape<R>
  /** Throws InputError that names the field and quotes the value. */
  check(recipe: R): R
  stages(recipe: R, pictures: Pictures): Stage[]
  claims: Claim[]
  /** What the study makes of the data set before it is used. */
  data?(found: DatasetPair, recipe: R): DatasetPair
}

/** What a study is built on: how the recipe's stages are made, and what may be said of it. */
export interface Base<R extends CommonRecipe> {
  flags(name: string, presets: readonly string[]): Flag<R>[]
  schema(presets: readonly string[]): Schema<R>
  /** Keys that a recipe may leave out. */
  optional: readonly (keyof R)[]
  check(recipe: R): R
  stages(recipe: R, pictures: Pictures): Stage[]
}

export interface StudyOf<R extends CommonRecipe> {
  name: string
  about: string
  presets: Record<string, { about: string; recipe: R }>
  claims: Claim[]
  data?(found: DatasetPair, recipe: R): DatasetPair
}

/** A study of a base's stages, at presets of its own. */
export function studyOn<R extends CommonRecipe>(base: Base<R>, { presets, ...told }: StudyOf<R>): Paper<R> {
  const names = Object.keys(presets)
  return {
    ...told,
    presets,
    flags: base.flags(told.name, names),
    schema: object(base.schema(names), base.optional),
    check: base.check,
    stages: base.stages,
  }
}
