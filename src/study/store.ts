// The run store: every finished stage is a JSON file and its weights, under a key that says what was computed: the
// resolved stage, the keys of the stages it builds on, the data, and whatever decides bits. Written atomically; a rerun
// finds it and skips. The commit is recorded in the file, not in the key.
import { sha256 } from '../data/dataset.ts'
import { InputError } from '../errors.ts'
import { type FileLayer, readText } from '../io/files.ts'
import { readSafetensors, type SafeTensor, writeSafetensors } from '../io/safetensors.ts'
import type { Shape } from '../tensor.ts'
import type { Snapshot } from '../train/snapshot.ts'
import { needs, type Stage } from './stage.ts'

export const CELL_VERSION = 1

/** What, besides the recipe, decides the bits of a result. */
export interface Setting {
  dataHash: string
  fingerprint: string
  adapter: string
  subgroupSize: number
}

export type Weights = Map<string, { shape: Shape; data: Float32Array }>

/** The key of every stage: stages must come after those they need. */
export async function keysOf(stages: readonly Stage[], setting: Setting): Promise<Map<string, string>> {
  const keys = new Map<string, string>()
  for (const stage of stages) {
    const { id, label, ...computed } = stage
    const before = needs(stage).map((need) => {
      const key = keys.get(need)
      if (!key) throw new InputError(`stage ${id} needs ${need}, which does not come before it`)
      return key
    })
    const text = JSON.stringify({ computed: withoutIds(computed), before, setting })
    keys.set(id, (await sha256(new TextEncoder().encode(text))).slice(0, 24))
  }
  return keys
}

/** A stage's own references are covered by the keys of what they name. */
function withoutIds(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (name, item) => (name === 'stage' ? undefined : item)))
}

export class Store {
  constructor(
    private files: FileLayer,
    private folder: string,
  ) {}

  /** Where a cell's file lies. */
  path(key: string, end: '.json' | '.safetensors' | '.checkpoint.safetensors'): string {
    return `${this.folder}/${key}${end}`
  }

  async open(): Promise<void> {
    await this.files.makeDir(this.folder)
  }

  /** The finished result, or null. Throws InputError for a file of a newer version or one that is not JSON. */
  async result<T extends { schemaVersion: number }>(key: string): Promise<T | null> {
    const path = this.path(key, '.json')
    if (!(await this.files.exists(path))) return null
    let parsed: T
    try {
      parsed = JSON.parse(await readText(this.files, path)) as T
    } catch (error) {
      throw new InputError(
        `${path} is not JSON: ${error instanceof Error ? error.message : error}; remove it to run it again`,
      )
    }
    if (!(parsed.schemaVersion <= CELL_VERSION)) {
      throw new InputError(`${path}: schemaVersion ${parsed.schemaVersion}; this program reads up to ${CELL_VERSION}`)
    }
    return parsed
  }

  /** Weights first, then the result: a result without weights can't exist. */
  async finish(key: string, result: { schemaVersion: number }, weights: Weights | null): Promise<void> {
    if (weights) await this.files.writeAtomic(this.path(key, '.safetensors'), writeSafetensors(asTensors(weights)))
    await this.files.writeAtomic(this.path(key, '.json'), `${JSON.stringify(result, null, 1)}\n`)
    await this.files.remove(this.path(key, '.checkpoint.safetensors'))
  }

  async weights(key: string): Promise<Weights> {
    const path = this.path(key, '.safetensors')
    return fromTensors(readSafetensors(await this.files.readFile(path), path).tensors, path)
  }

  async saveCheckpoint(key: string, { step, tensors }: Snapshot, seconds: number): Promise<void> {
    const metadata = { step: String(step), seconds: String(seconds), schemaVersion: String(CELL_VERSION) }
    await this.files.writeAtomic(
      this.path(key, '.checkpoint.safetensors'),
      writeSafetensors(asTensors(tensors), metadata),
    )
  }

  /** A checkpoint to go on from, and the seconds spent until then. Throws InputError for a damaged file. */
  async checkpoint(key: string): Promise<{ snapshot: Snapshot; seconds: number } | null> {
    const path = this.path(key, '.checkpoint.safetensors')
    if (!(await this.files.exists(path))) return null
    const { tensors, metadata } = readSafetensors(await this.files.readFile(path), path)
    const [step, seconds, version] = [metadata.step, metadata.seconds, metadata.schemaVersion].map(Number)
    if (!Number.isInteger(step)) throw new InputError(`${path}: no step in it; remove it to start the cell again`)
    if (!(version <= CELL_VERSION))
      throw new InputError(`${path}: schemaVersion ${version}; this program reads ${CELL_VERSION}`)
    return { snapshot: { step, tensors: fromTensors(tensors, path) }, seconds: seconds || 0 }
  }

  async dropCheckpoint(key: string): Promise<void> {
    await this.files.remove(this.path(key, '.checkpoint.safetensors'))
  }
}

function* asTensors(weights: Weights): Generator<[string, SafeTensor]> {
  for (const [name, { shape, data }] of weights) yield [name, { dtype: 'F32', shape: [...shape], data }]
}

function fromTensors(tensors: Map<string, SafeTensor>, path: string): Weights {
  const weights: Weights = new Map()
  for (const [name, { shape, data }] of tensors) {
    if (!(data instanceof Float32Array)) throw new InputError(`${path}: '${name}' is not float32`)
    weights.set(name, { shape, data })
  }
  return weights
}
