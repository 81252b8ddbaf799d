// The run store: every finished stage is a JSON file and its weights, under a key that says what was computed: the
// resolved stage, the keys of the stages it builds on, the data, and whatever decides bits. Written atomically; a rerun
// finds it and skips. The commit is recorded in the file, not in the key.
import { sha256 } from '../data/dataset.ts'
import { InputError } from '../errors.ts'
import type { Choices } from '../gpu/gpu.ts'
import { type FileLayer, readText } from '../io/files.ts'
import { readSafetensors, type SafeTensor, writeSafetensors } from '../io/safetensors.ts'
import { isObject } from '../report/differences.ts'
import type { Shape } from '../tensor.ts'
import type { Parts } from '../train/fit.ts'
import type { Snapshot } from '../train/snapshot.ts'
import type { Look } from './course.ts'
import { type Holder, Locks } from './locks.ts'
import { needs, type Stage } from './stage.ts'

export const CELL_VERSION = 1

/** What, besides the recipe, decides the bits of a result. */
export interface Setting {
  dataHash: string
  fingerprint: string
  adapter: string
  subgroupSize: number
  /** Kernels by shape, sorted, where the run was told to take others than the defaults. */
  choices?: Choices
}

export type Weights = Map<string, { shape: Shape; data: Float32Array }>

/** The learning curve among a checkpoint's tensors, which have a node's name before a slash. */
const CURVE = 'curve'

/** Means of every epoch, per trained node. */
export type Curve = { epoch: number; nodes: Record<string, Parts>; looks?: Record<string, Look> }[]

export interface Checkpoint {
  snapshot: Snapshot
  /** Spent until then. */
  seconds: number
  curve: Curve
}

/** The key of every stage: stages must come after those they need. Names, and whether steps are timed, are not in it. */
export async function keysOf(stages: readonly Stage[], setting: Setting): Promise<Map<string, string>> {
  const keys = new Map<string, string>()
  for (const stage of stages) {
    const { id, label, timed, ...computed } = stage
    const before = needs(stage).map((need) => {
      const key = keys.get(need)
      if (!key) throw new InputError(`stage ${id} needs ${need}, which does not come before it`)
      return key
    })
    const text = JSON.stringify({ computed: withoutIds(computed), before, setting })
    if (keys.has(id)) throw new InputError(`two stages are called ${id}: one would stand for the other`)
    keys.set(id, (await sha256(new TextEncoder().encode(text))).slice(0, 24))
  }
  return keys
}

/** A stage's own references are covered by the keys of what they name. */
function withoutIds(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (name, item) => (name === 'stage' ? undefined : item)))
}

/** `begun`: there is a checkpoint, and nobody is at it. */
export interface State {
  state: 'done' | 'failed' | 'at work' | 'begun' | 'open'
  holder: Holder | null
}

export class Store {
  constructor(
    private files: FileLayer,
    private folder: string,
    readonly locks: Locks = new Locks(files, folder),
  ) {}

  /** Where a cell's file lies. */
  path(key: string, end: '.json' | '.safetensors' | '.checkpoint.safetensors'): string {
    return `${this.folder}/${key}${end}`
  }

  async open(): Promise<void> {
    await this.files.makeDir(this.folder)
  }

  /** The finished result, or null. Throws InputError for a file of a newer version or one that is no cell. */
  async result<T extends { schemaVersion: number }>(key: string): Promise<T | null> {
    const path = this.path(key, '.json')
    if (!(await this.files.exists(path))) return null
    let parsed: unknown
    try {
      parsed = JSON.parse(await readText(this.files, path))
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      throw new InputError(`${path} is not JSON: ${error.message}; remove it to run it again`)
    }
    const cell = isObject(parsed) ? parsed : {}
    const { schemaVersion } = cell
    if (Number.isInteger(schemaVersion) && (schemaVersion as number) > CELL_VERSION) {
      throw new InputError(`${path}: schemaVersion ${schemaVersion}; this program reads up to ${CELL_VERSION}`)
    }
    if (!isCell(cell)) throw new InputError(`${path} is no cell; remove it to run it again`)
    return parsed as T
  }

  /** Every finished result in the folder, whatever study it is of. */
  async *results<T extends { schemaVersion: number }>(): AsyncGenerator<T> {
    if (!(await this.files.exists(this.folder))) return
    for (const { name } of await this.files.list(this.folder)) {
      const key = /^(\w+)\.json$/.exec(name)?.[1]
      const result = key && (await this.result<T>(key))
      if (result) yield result
    }
  }

  /** How many finished results there are, whatever study they are of. */
  async count(): Promise<number> {
    return (await this.files.list(this.folder)).filter(({ name }) => /^\w+\.json$/.test(name)).length
  }

  /** What can be said of a stage without reading its numbers. What saturation left untrained is done. */
  async state(key: string): Promise<State> {
    const cell = await this.result<{ schemaVersion: number; status: string }>(key)
    if (cell) return { state: cell.status === 'failed' ? 'failed' : 'done', holder: null }
    const holder = await this.locks.holder(key)
    if (holder) return { state: 'at work', holder }
    return { state: (await this.files.exists(this.path(key, '.checkpoint.safetensors'))) ? 'begun' : 'open', holder }
  }

  /** Weights first, then the result: a result without weights can't exist. */
  async finish(key: string, result: { schemaVersion: number }, weights: Weights | null): Promise<void> {
    if (weights) await this.files.writeAtomic(this.path(key, '.safetensors'), writeSafetensors(asTensors(weights)))
    await this.files.writeAtomic(this.path(key, '.json'), `${JSON.stringify(result, null, 1)}\n`)
    await this.files.remove(this.path(key, '.checkpoint.safetensors'))
  }

  async weights(key: string): Promise<Weights> {
    const path = this.path(key, '.safetensors')
    const { tensors } = await this.tensors(path, `remove ${this.path(key, '.json')} to train the cell again`)
    return fromTensors(tensors, path)
  }

  /** With the seconds spent and the learning curve until then. */
  async saveCheckpoint(key: string, { step, tensors }: Snapshot, seconds: number, curve: Curve = []): Promise<void> {
    const numbers = { step: String(step), seconds: String(seconds), schemaVersion: String(CELL_VERSION) }
    // Not in the header, which readers limit: a curve may hold what networks answered after every epoch.
    const data = new TextEncoder().encode(JSON.stringify(curve))
    const all: [string, SafeTensor][] = [...asTensors(tensors), [CURVE, { dtype: 'U8', shape: [data.length], data }]]
    await this.files.writeAtomic(this.path(key, '.checkpoint.safetensors'), writeSafetensors(all, numbers))
  }

  /** A checkpoint to go on from. Throws InputError for a damaged file. */
  async checkpoint(key: string): Promise<Checkpoint | null> {
    const path = this.path(key, '.checkpoint.safetensors')
    if (!(await this.files.exists(path))) return null
    const { tensors, metadata } = await this.tensors(path, 'remove it to start the cell again')
    const [step, seconds, version] = [metadata.step, metadata.seconds, metadata.schemaVersion].map(Number)
    if (!/^\d+$/.test(metadata.step ?? '')) {
      throw new InputError(`${path}: no step in it; remove it to start the cell again`)
    }
    if (!(version <= CELL_VERSION))
      throw new InputError(`${path}: schemaVersion ${version}; this program reads ${CELL_VERSION}`)
    const words = tensors.get(CURVE)?.data as Uint8Array | undefined
    tensors.delete(CURVE)
    return {
      snapshot: { step, tensors: fromTensors(tensors, path) },
      seconds: seconds || 0,
      curve: curveOf(words ? new TextDecoder().decode(words) : metadata.curve, path),
    }
  }

  /** Throws InputError that says what mends a file that is damaged or gone, and FileError for one that cannot be read. */
  private async tensors(path: string, remedy: string) {
    if (!(await this.files.exists(path))) throw new InputError(`${path} is not there; ${remedy}`)
    const bytes = await this.files.readFile(path)
    try {
      return readSafetensors(bytes, path)
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      throw new InputError(`${error.message}; ${remedy}`)
    }
  }

  /**
   * Keys under which there is more than a result and its weights: of cells at work, or of processes that were killed.
   */
  async untidy(): Promise<Set<string>> {
    const names = (await this.files.list(this.folder)).map(({ name }) => name)
    return new Set(names.filter((name) => !/^\w+\.(json|safetensors)$/.test(name)).map((name) => name.split('.')[0]))
  }

  /** Removes what a process that was killed while it wrote has left of a cell. For whoever holds the cell's lock. */
  async sweep(key: string): Promise<void> {
    for (const { name } of await this.files.list(this.folder)) {
      if (name.startsWith(`${key}.`) && name.endsWith('.tmp')) await this.files.remove(`${this.folder}/${name}`)
    }
  }

  async dropCheckpoint(key: string): Promise<void> {
    await this.files.remove(this.path(key, '.checkpoint.safetensors'))
  }
}

function isCell({ schemaVersion, status, stage, setting, outcome }: Record<string, unknown>): boolean {
  const ended = status === 'ok' ? isObject(outcome) : status === 'failed' || status === 'saturated'
  return Number.isInteger(schemaVersion) && ended && isObject(stage) && isObject(setting)
}

function curveOf(curve = '[]', path: string): Curve {
  try {
    const points: Curve = JSON.parse(curve)
    if (points.every(({ epoch, nodes }) => Number.isInteger(epoch) && isObject(nodes))) return points
  } catch {}
  throw new InputError(`${path}: its learning curve is damaged; remove it to start the cell again`)
}

/** One node's weights out of a cell's. */
export function weightsOf(node: string, cell: Weights): Weights {
  const own = [...cell].filter(([name]) => name.startsWith(`${node}/`))
  return new Map(own.map(([name, value]) => [name.slice(node.length + 1), value]))
}

export function* asTensors(weights: Weights): Generator<[string, SafeTensor]> {
  for (const [name, { shape, data }] of weights) yield [name, { dtype: 'F32', shape: [...shape], data }]
}

export function fromTensors(tensors: Map<string, SafeTensor>, path: string): Weights {
  const weights: Weights = new Map()
  for (const [name, { shape, data }] of tensors) {
    if (!(data instanceof Float32Array)) throw new InputError(`${path}: '${name}' is not float32`)
    weights.set(name, { shape, data })
  }
  return weights
}
