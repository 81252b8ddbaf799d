// A kept network on a device again, and its logits for pictures of its data set.
import { type Dataset, type DatasetPair, heldOut } from '../data/dataset.ts'
import { openSet } from '../data/openSet.ts'
import type { Engine } from '../engine.ts'
import { InputError } from '../errors.ts'
import { engineFrom } from '../init.ts'
import { type Network, resnet } from '../nn/resnet.ts'
import { findDataset } from '../node/datasets.ts'
import { stream } from '../random.ts'
import { type Evaluation, evaluate } from '../train/evaluate.ts'
import { adapterFor } from './adapter.ts'
import type { FileOptions } from './fileArgs.ts'
import type { Model } from './model.ts'
import { split } from './runStage.ts'
import type { Weights } from './store.ts'

const log = (line: string) => void process.stderr.write(`${line}\n`)

export const openEngine = async (options: FileOptions): Promise<Engine> => {
  return engineFrom(null, await adapterFor(options, log))
}

/** The network's data set; pictures that are not those it was trained on are said to be so. */
export async function dataOf(
  { stage, dataset, dataHash }: Model,
  { data, offline }: FileOptions,
): Promise<DatasetPair> {
  const found = await findDataset(dataset, { data, offline, log })
  const pair = stage.verify ? openSet(found, stage.verify.identities) : found
  if (pair.hash !== dataHash) log(`WARNING: ${dataset} here has other bytes than the network was trained and tested on`)
  return pair
}

export function networkOf(engine: Engine, model: Model, weights: Weights): Network {
  const network = resnet(engine.gpu, model.network, stream(0, 'replaced'))
  network.parameters.load(weights)
  return network
}

/** Logits of the pictures that its numbers are from. */
export function testAnswers(engine: Engine, network: Network, { test }: DatasetPair, model: Model) {
  const n = Math.min(model.stage.testImages ?? test.n, test.n)
  return answers(engine, network, test, { model, rows: Uint32Array.from({ length: n }, (_, i) => i) })
}

/**
 * Logits of training images that it was not trained on: those that its recipe held out, or `images` others. Throws
 * InputError where there are none.
 */
export function heldAnswers(
  engine: Engine,
  network: Network,
  { train }: DatasetPair,
  { model, images }: { model: Model; images?: number },
) {
  const { rows, held } = split(train, model.stage)
  const there = train.n - rows.length
  if ((images ?? 1) > there) {
    throw new InputError(`${model.name}: trained on ${rows.length} of ${train.n} images; ${there} are left to fit on`)
  }
  const order = (n: number) => stream(model.stage.seed, 'subset').permutation(n)
  const chosen = images === undefined && held ? held : heldOut(train.n, images ?? Math.min(2000, there), rows, order)
  return answers(engine, network, train, { model, rows: Uint32Array.from(chosen) })
}

interface Asked {
  model: Model
  rows: Uint32Array
}

function answers(engine: Engine, network: Network, data: Dataset, { model, rows }: Asked): Promise<Evaluation> {
  const { size, ...view } = model.stage.views[model.stage.nodes[model.node].view]
  return evaluate(engine, network, data, { view: { height: size, width: size, ...view, augmentation: null }, rows })
}
