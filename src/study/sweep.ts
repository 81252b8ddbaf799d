// Studies that vary one thing: a base study's stages once a value, all else the same, labelled with the value. What
// comes out the same under several values does not depend on it: it is trained once and stands in the table without
// one.
import { compareValues } from '../report/groups.ts'
import type { Flag } from './flag.ts'
import type { Base, Paper, StudyOf } from './paper.ts'
import type { CommonRecipe } from './recipe.ts'
import { listOf, object, type Schema, type Shape } from './schema.ts'
import type { Pictures, Stage } from './stage.ts'

export type Value = number | string
export type Swept<R> = R & { values: Value[] }

/** What is varied. */
export interface Axis<R> {
  /** As tables and figures call it: 'w'. */
  name: string
  /** In names of cells, which are names of files, too; default the name. */
  short?: string
  about: string
  value: Shape<Value>
  /** Methods whose rows tell the value; default all that depend on it. */
  only?: readonly string[]
  vary(recipe: R, value: Value): R
}

/** A study of a base's stages at every value of something. */
export function sweep<R extends CommonRecipe>(
  base: Base<R>,
  axis: Axis<R>,
  { presets, ...told }: StudyOf<Swept<R>>,
): Paper<Swept<R>> {
  const names = Object.keys(presets)
  const values: Flag<Swept<R>> = {
    name: 'values',
    value: 'V,V',
    about: axis.about,
    chooses: true,
    recipe: (recipe, text) => {
      const items = text.split(',').map((item) => item.trim())
      recipe.values = items.map((item) =>
        axis.value(item !== '' && Number.isFinite(Number(item)) ? Number(item) : item, 'value'),
      )
    },
  }
  const schema = { ...base.schema(names), values: listOf(axis.value) } as Schema<Swept<R>>
  return {
    ...told,
    presets,
    flags: [...base.flags(told.name, names), values] as Flag<Swept<R>>[],
    schema: object(schema, base.optional),
    check(recipe) {
      for (const value of recipe.values) base.check(axis.vary(recipe, value))
      return recipe
    },
    stages: (recipe, pictures) => sweptStages(base, axis, recipe, pictures),
  }
}

function sweptStages<R extends CommonRecipe>(base: Base<R>, axis: Axis<R>, recipe: Swept<R>, pictures: Pictures) {
  const { values, ...rest } = recipe
  const all: Stage[] = []
  const shared = new Map<string, string>()
  for (const seed of recipe.seeds) {
    // What a stage computes, as text → the stage that stands for it.
    const known = new Map<string, Stage>()
    for (const value of [...values].sort(compareValues)) {
      const renamed = new Map<string, string>()
      for (const stage of base.stages({ ...axis.vary(rest as unknown as R, value), seeds: [seed] }, pictures)) {
        const { id, label, ...computed } = replaced(stage, renamed)
        const text = JSON.stringify(computed)
        const same = known.get(text)
        if (same) {
          renamed.set(stage.id, same.id)
          const { axis: _, at: __, ...label } = same.label
          same.label = label as Stage['label']
          shared.set(same.id, id)
          continue
        }
        const told = !axis.only || ('method' in label && axis.only.includes(label.method))
        const part = told ? `${axis.short ?? axis.name}=${String(value).replaceAll(' ', '-')}/` : ''
        const own = id.replace(/^seed\d+\//, (start) => start + part)
        renamed.set(stage.id, own)
        const made: Stage = { ...computed, id: own, label: told ? { ...label, axis: axis.name, at: value } : label }
        known.set(text, made)
        all.push(made)
      }
    }
  }
  return all.map((stage) => replaced({ ...stage, id: shared.get(stage.id) ?? stage.id }, shared))
}

/** The stage with its references to others under the names that these have here. */
function replaced(stage: Stage, names: ReadonlyMap<string, string>): Stage {
  return JSON.parse(JSON.stringify(stage, (key, value) => (key === 'stage' ? (names.get(value) ?? value) : value)))
}
