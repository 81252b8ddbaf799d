// `--choices FILE`: the kernels that a tuning chose, in place of the defaults. They make other bits, so they are
// recorded with the run and are a part of every cell's key.
import type { Engine } from '../engine.ts'
import { DistillError } from '../errors.ts'
import type { Choices } from '../gpu/gpu.ts'
import { type FileLayer, readText } from '../io/files.ts'
import { nodeFiles } from '../node/files.ts'
import { setChoices } from '../ops/choices.ts'
import { holdsFor, parseTuning, type Tuning, type TuningPlace } from '../tune/tuning.ts'
import { UsageError } from './usage.ts'

/**
 * Has the engine follow the file's choices; null where no kernel of it displaces a default. Throws UsageError for a
 * file that is none, or was made on another adapter, driver or size of subgroups.
 */
export async function takeChoices(engine: Engine, path: string, files: FileLayer = nodeFiles): Promise<Choices | null> {
  const tuning = await tuningIn(path, files)
  const told = ({ adapter, driver, subgroupSize }: TuningPlace) =>
    `${adapter} (${driver || 'driver untold'}, subgroups of ${subgroupSize})`
  if (!holdsFor(tuning, engine.info)) {
    throw new UsageError(`--choices ${path}: tuned on ${told(tuning)}, this is ${told(engine.info)}`)
  }
  await refusing(() => setChoices(engine.gpu, tuning.choices))
  const { choices } = engine.gpu
  return Object.keys(choices).length > 0 ? choices : null
}

/** Do these cells have the kernels of the file, or, without one, the defaults? Needs no device. */
export async function followed(path: string | undefined): Promise<(choices: Choices | undefined) => boolean> {
  const wanted = entriesOf(path === undefined ? {} : (await tuningIn(path, nodeFiles)).choices)
  return (choices = {}) => entriesOf(choices) === wanted
}

const entriesOf = (choices: Choices): string => JSON.stringify(Object.entries(choices).sort())

const tuningIn = (path: string, files: FileLayer): Promise<Tuning> => {
  return refusing(async () => parseTuning(await readText(files, path), path))
}

async function refusing<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof DistillError ? new UsageError(`--choices: ${error.message}`) : error
  }
}
