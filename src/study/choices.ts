// `--choices FILE`: the kernels that a tuning chose, in place of the defaults. They make other bits, so they are recorded
// with the run and are a part of every cell's key.
import type { Engine } from '../engine.ts'
import { DistillError } from '../errors.ts'
import type { Choices } from '../gpu/gpu.ts'
import { type FileLayer, readText } from '../io/files.ts'
import { nodeFiles } from '../node/files.ts'
import { setChoices } from '../ops/choices.ts'
import { holdsFor, parseTuning } from '../tune/tuning.ts'
import { UsageError } from './usage.ts'

/**
 * Has the engine follow the file's choices; null where no kernel of it displaces a default. Throws UsageError for a file
 * that is none, or was made on another adapter, driver or size of subgroups.
 */
export async function takeChoices(engine: Engine, path: string, files: FileLayer = nodeFiles): Promise<Choices | null> {
  try {
    const tuning = parseTuning(await readText(files, path), path)
    const { adapter, driver, subgroupSize } = engine.info
    const told = (of: typeof tuning | Engine['info']) =>
      `${of.adapter} (${of.driver || 'driver untold'}, subgroups of ${of.subgroupSize})`
    if (!holdsFor(tuning, { adapter, driver, subgroupSize })) {
      throw new UsageError(`--choices ${path}: tuned on ${told(tuning)}, this is ${told(engine.info)}`)
    }
    setChoices(engine.gpu, tuning.choices)
  } catch (error) {
    if (error instanceof UsageError || !(error instanceof DistillError)) throw error
    throw new UsageError(`--choices: ${error.message}`)
  }
  const { choices } = engine.gpu
  return Object.keys(choices).length > 0 ? choices : null
}
