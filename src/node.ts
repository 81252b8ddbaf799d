// The Node entry: everything of index.ts, and an `init` that finds an adapter through Dawn.
import type { Engine } from './engine.ts'
import type { Choices } from './gpu/gpu.ts'
import { type EngineOptions, engineFrom } from './init.ts'
import type { FileLayer } from './io/files.ts'
import { openAdapter } from './node/adapter.ts'
import { calm } from './node/calm.ts'
import { nodeFiles as files } from './node/files.ts'
import { storedTuning } from './node/tuning.ts'
import { setChoices } from './ops/choices.ts'

export * from './index.ts'
export { type AdapterOptions, type OpenAdapter, openAdapter } from './node/adapter.ts'
export { decodePicture } from './node/jpeg.ts'

/** The disk, for `openFolder` and `readFolder`. */
export const nodeFiles: FileLayer = files

export interface InitOptions extends Omit<EngineOptions, 'choices'> {
  /** A device the caller owns; it outlives the engine. Of the other options `choices` and `subgroups` count then. */
  device?: GPUDevice
  /**
   * Kernels by pass and shape in place of the defaults, as `tune` found them; 'stored': what the cache has for here.
   */
  choices?: Choices | 'stored'
  /** 'auto' (default), 'hardware', 'lavapipe', 'swiftshader', or a part of an adapter's name. */
  adapter?: string
  /** Allow taking lavapipe into the cache where only SwiftShader is left. Our own programs do, a library never. */
  fetchLavapipe?: boolean
  /** Forbid every download. */
  offline?: boolean
  /** Gets the one line that says which adapter runs. Default: nothing is printed. */
  log?: (line: string) => void
}

/**
 * Opens an engine: hardware first, then software adapters, loudly named through `log`.
 * Throws AdapterError when there is none, or when the `webgpu` package is not installed; InputError for choices that
 * the adapter can't follow.
 */
export async function init(options: InitOptions = {}): Promise<Engine> {
  const { device = null, choices = {}, subgroups, adapter, fetchLavapipe, offline, log } = options
  const opened = device ? undefined : await openAdapter({ adapter, fetchLavapipe, offline, log })
  const engine = await engineFrom(device, opened, { choices: choices === 'stored' ? {} : choices, subgroups })
  engine.gpu.calm = calm
  try {
    if (choices === 'stored') setChoices(engine.gpu, (await storedTuning(engine.info))?.choices ?? {})
  } catch (error) {
    engine.destroy()
    throw error
  }
  return engine
}
