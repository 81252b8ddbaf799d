// A kept network: weights under their own names in a safetensors file, and in its metadata all that is needed to show
// it again: architecture, the pictures it sees, the data, the recipe and the numbers it had.
import { cifar10, cifar100 } from '../data/cifar.ts'
import { imagenetColours } from '../data/folder.ts'
import { fashionMnist } from '../data/idx.ts'
import { InputError, quote } from '../errors.ts'
import { readSafetensors, writeSafetensors } from '../io/safetensors.ts'
import type { ResNetConfig } from '../nn/architecture.ts'
import { isObject } from '../report/differences.ts'
import type { Run } from '../report/index.ts'
import type { NodeResult } from './measure.ts'
import type { Stage } from './stage.ts'
import { asTensors, fromTensors, type Weights } from './store.ts'

export const MODEL_VERSION = 1

export interface Model {
  schemaVersion: number
  /** The file's name without its end. */
  name: string
  /** Which network of which stage it is. */
  node: string
  stage: Stage
  /** What other stages took it as, frozen: `anchor of seed0/7px/generation2`. */
  serves: string[]
  network: ResNetConfig
  parameters: number
  loss: string
  dataset: string
  dataHash: string
  /** Of [0, 1] pixels, where the data set's are fixed. */
  normalisation: { mean: number[]; std: number[] } | null
  trainImages: number
  testImages: number
  result: NodeResult
  seconds: number
  made: Pick<
    Run,
    'version' | 'commit' | 'adapter' | 'driver' | 'fingerprint' | 'choices' | 'paper' | 'preset' | 'command'
  > & {
    finished: string
  }
}

const STATISTICS: Record<string, Model['normalisation']> = {
  'fashion-mnist': fashionMnist,
  cifar10,
  cifar100,
  imagenet: imagenetColours,
}

export function normalisationOf(dataset: string): Model['normalisation'] {
  const { mean, std } = STATISTICS[dataset] ?? {}
  return mean && std ? { mean, std } : null
}

export function writeModel(model: Model, weights: Weights): Uint8Array {
  return writeSafetensors(asTensors(weights), { format: 'webgpu-distill model', model: JSON.stringify(model) })
}

/** What `eval` and `calibrate` cannot do without. */
const NEEDED: Record<string, readonly string[]> = {
  string: ['name', 'node', 'stage.id', 'dataset', 'dataHash', 'made.adapter', 'result.sha256'],
  number: ['stage.seed', 'parameters', 'testImages', 'network.depth', 'result.test.nll', 'result.test.brier'],
  object: ['stage.nodes', 'stage.views'],
}

const at = (value: unknown, path: string): unknown => {
  return path.split('.').reduce((place, key) => (isObject(place) ? place[key] : undefined), value)
}

/** Throws InputError for what is no kept network, or one of a newer program. */
export function readModel(bytes: Uint8Array, file: string): { model: Model; weights: Weights } {
  const { tensors, metadata } = readSafetensors(bytes, file)
  if (metadata.format !== 'webgpu-distill model') {
    throw new InputError(`${file}: no kept network, its metadata has no model; studies keep theirs with --keep`)
  }
  let model: Model
  try {
    model = JSON.parse(metadata.model)
  } catch (error) {
    throw new InputError(`${file}: its metadata is damaged: ${error instanceof Error ? error.message : error}`)
  }
  const version = at(model, 'schemaVersion')
  if (!((version as number) <= MODEL_VERSION)) {
    throw new InputError(`${file}: schemaVersion ${quote(version)}; this program reads up to ${MODEL_VERSION}`)
  }
  for (const [kind, paths] of Object.entries(NEEDED)) {
    for (const path of paths) {
      const value = at(model, path)
      if (typeof value === kind && value !== null) continue
      throw new InputError(`${file}: its metadata is damaged: ${path} is ${quote(value)}, not of type ${kind}`)
    }
  }
  const { nodes, views } = model.stage
  const view = views[nodes[model.node]?.view]
  if (!(view?.size >= 1)) throw new InputError(`${file}: its metadata is damaged: no pictures for ${quote(model.node)}`)
  return { model, weights: fromTensors(tensors, file) }
}
