// Studies that vary one thing: a base study's stages once a value, all else the same, labelled with the value. What
// comes out the same under all values that have it does not depend on it: it is trained once and stands in the table
// without one.
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
  const sorted = [...values].sort(compareValues)
  return recipe.seeds.flatMap((seed) => {
    const lists = sorted.map((value) =>
      base.stages({ ...axis.vary(rest as unknown as R, value), seeds: [seed] }, pictures),
    )
    const { alike, several } = compared(lists)
    const made = new Map<string, Stage>()
    for (const [i, value] of sorted.entries()) {
      const names = new Map<string, string>()
      for (const stage of lists[i]) {
        const { id, label, ...computed } = replaced(stage, names)
        const shared = alike.has(id)
        const named = several.has(id) || !axis.only || ('method' in label && axis.only.includes(label.method))
        const told = !shared && named
        const part = told ? `${axis.short ?? axis.name}=${String(value).replaceAll(' ', '-')}/` : ''
        const name = id.replace(/^seed\d+\//, (start) => start + part)
        names.set(id, name)
        if (made.has(name)) continue
        made.set(name, { ...computed, id: name, label: told ? { ...label, axis: axis.name, at: value } : label })
      }
    }
    return [...made.values()]
  })
}

/** The names of stages that several values have, and those of them that compute the same under all that have them. */
function compared(lists: readonly Stage[][]): { alike: Set<string>; several: Set<string> } {
  // What a stage computes, as text in which others stand as numbers → its own number.
  const numbers = new Map<string, string>()
  const kinds = new Map<string, Set<string>>()
  const times = new Map<string, number>()
  for (const stages of lists) {
    const own = new Map<string, string>()
    for (const stage of stages) {
      const { id, label: _, ...computed } = replaced(stage, own)
      const text = JSON.stringify(computed)
      const number = numbers.get(text) ?? String(numbers.size)
      numbers.set(text, number)
      own.set(id, number)
      kinds.set(id, (kinds.get(id) ?? new Set()).add(number))
      times.set(id, (times.get(id) ?? 0) + 1)
    }
  }
  const several = [...kinds.keys()].filter((id) => times.get(id)! > 1)
  return { several: new Set(several), alike: new Set(several.filter((id) => kinds.get(id)!.size === 1)) }
}

/** The stage with its references to others under the names that these have here. */
function replaced(stage: Stage, names: ReadonlyMap<string, string>): Stage {
  return JSON.parse(JSON.stringify(stage, (key, value) => (key === 'stage' ? (names.get(value) ?? value) : value)))
}
