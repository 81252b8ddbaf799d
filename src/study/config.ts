// `--config FILE`: a study's recipe as JSON. What it leaves out is the preset's; flags override it. `--print-config` is
// the way back (`printConfig.ts`).
import { InputError } from '../errors.ts'
import { readJson } from '../node/files.ts'
import { differences, isObject } from '../report/differences.ts'
import type { Paper } from './paper.ts'
import type { CommonRecipe } from './recipe.ts'
import { oneOf } from './schema.ts'
import { UsageError } from './usage.ts'

/** A file as it was read: any JSON document. */
export interface Config {
  path: string
  document: unknown
  /** Whose results it was taken from. */
  study?: unknown
}

/** A recipe, or the one in a study's results.json. Throws UsageError for a file that is not there or is not JSON. */
export function readConfig(path: string): Config {
  let document: unknown
  try {
    document = readJson(path)
  } catch (error) {
    throw new UsageError(`--config ${path}: ${(error as Error).message}`)
  }
  const run = isObject(document) ? document.run : undefined
  return isObject(run) && isObject(run.config) ? { path, document: run.config, study: run.paper } : { path, document }
}

/** The preset that a document names, if it does. Throws UsageError for one that the study has not. */
export function presetOf<R extends CommonRecipe>(config: Config, paper: Paper<R>) {
  const { document } = config
  if (!isObject(document) || !Object.hasOwn(document, 'preset')) return undefined
  return refusing(config, paper, () => oneOf(Object.keys(paper.presets))(document.preset, 'preset'))
}

/** The preset's recipe with what the document says. Throws UsageError that names the key. */
export function configured<R extends CommonRecipe>(config: Config, paper: Paper<R>, preset: string): R {
  const before = paper.presets[preset].recipe
  return refusing(config, paper, () => ({ ...paper.schema(config.document, '', before), preset }))
}

function refusing<T>({ path, study }: Config, { name }: { name: string }, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    const other = typeof study === 'string' && study !== name ? ` (the recipe is of ${study}, not of ${name})` : ''
    throw new UsageError(`--config ${path}: ${error.message}${other}`)
  }
}

/**
 * What a document changed in the preset's recipe and no flag took back, as 'optimizer.lr=0.001' or 'without
 * schedule.warmup'; not what only chooses cells.
 */
export function departures<R extends CommonRecipe>(preset: R, configured: R, final: R, paper: Paper<R>): string[] {
  const choosing = new Set(paper.flags.filter(({ chooses }) => chooses).map(({ name }) => keyOf(name)))
  const left = new Map(differences(preset, final).map(({ path, b }) => [path, JSON.stringify(b)]))
  return differences(preset, configured)
    .filter(({ path, b }) => path !== 'preset' && !choosing.has(path) && left.get(path) === JSON.stringify(b))
    .map(({ path, b }) => (b === undefined ? `without ${path}` : `${path}=${JSON.stringify(b)}`))
}

/** The recipe's key of a flag: 'train-images' → 'trainImages'. */
export function keyOf(flag: string): string {
  if (flag === 'lr') return 'optimizer.lr'
  return flag.replace(/-(\w)/g, (_, letter) => letter.toUpperCase())
}
