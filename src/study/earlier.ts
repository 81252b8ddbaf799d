// What an earlier run has left in a study's folder that this one does not go on from: told before it begins.
import { nodeFiles } from '../node/files.ts'
import { readConfig } from './config.ts'
import type { CommonRecipe } from './recipe.ts'
import type { Store } from './store.ts'
import { UsageError } from './usage.ts'

/** Whether a finished cell, or a checkpoint, is of this study. */
export async function somethingThere(store: Store, keys: ReadonlyMap<string, string>): Promise<boolean> {
  for (const key of keys.values()) {
    for (const end of ['.json', '.checkpoint.safetensors'] as const) {
      if (await nodeFiles.exists(store.path(key, end))) return true
    }
  }
  return false
}

/** How many cells of this study are not finished. */
export async function openCells(store: Store, keys: ReadonlyMap<string, string>): Promise<number> {
  const finished = await Promise.all([...keys.values()].map((key) => nodeFiles.exists(store.path(key, '.json'))))
  return finished.filter((there) => !there).length
}

interface Earlier {
  store: Store
  keys: ReadonlyMap<string, string>
  out: string
  recipe: CommonRecipe
}

/** Lines on a table that will be replaced, and on cells of which none can be used. */
export async function earlierLines({ store, keys, out, recipe }: Earlier): Promise<string[]> {
  const lines: string[] = []
  const cells = await store.count()
  if (cells > 0 && !(await somethingThere(store, keys))) {
    lines.push(`${out}/cells: ${cells} finished, none of this recipe, data set, adapter and program; they stay`)
  }
  const before = tabled(`${out}/results.json`)
  if (before !== undefined && withoutSeeds(before) !== withoutSeeds(recipe)) {
    lines.push(`the table in ${out} is of another recipe and will be replaced; --out DIR keeps both`)
  }
  return lines
}

/** With more seeds a table grows; nobody misses the one before. */
const withoutSeeds = (recipe: unknown) => JSON.stringify(recipe, (key, value) => (key === 'seeds' ? null : value))

/** The recipe of a table that is there. */
function tabled(path: string): unknown {
  try {
    return readConfig(path).document
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return undefined
  }
}
