// The presets of a further study: those of the study it is built on, changed.
import type { CommonRecipe } from '../study/recipe.ts'

type Known<R> = Record<string, { about: string; recipe: R }>

/** `changes` of the preset of the same name, or of `of`, and how it is told; `always` stands under all of them. */
export function presetsFrom<R extends CommonRecipe, S extends R>(
  known: Known<R>,
  always: Partial<S>,
  changes: Record<string, { about: string; of?: string; change: Partial<S> }>,
): Known<S> {
  return Object.fromEntries(
    Object.entries(changes).map(([name, { about, of = name, change }]) => {
      return [name, { about, recipe: { ...known[of].recipe, ...always, ...change, preset: name } as S }]
    }),
  )
}
