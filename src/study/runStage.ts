// Trains and evaluates one stage. Knows graphs and networks; knows no method.
import { balancedSubset, type Dataset, type DatasetPair, heldOut } from '../data/dataset.ts'
import type { Graph, GraphNode } from '../distill/graph.ts'
import { virtualTeacher } from '../distill/methods.ts'
import type { Engine } from '../engine.ts'
import { DistillError } from '../errors.ts'
import type { Scalar } from '../gpu/scalar.ts'
import { type Network, resnet } from '../nn/resnet.ts'
import { pictureSource, type ViewOptions } from '../ops/pictures.ts'
import { stream } from '../random.ts'
import { persistent, type Tensor } from '../tensor.ts'
import { evaluate } from '../train/evaluate.ts'
import { type FitOptions, fit, type Progress } from '../train/fit.ts'
import type { Snapshot } from '../train/snapshot.ts'
import { looking } from './course.ts'
import { converged } from './ended.ts'
import { measured, type NodeResult } from './measure.ts'
import { optimizerOf, scheduleOf } from './rates.ts'
import { type Reference, runsAlong, type Stage } from './stage.ts'
import { type StepTimes, stepTimes } from './stepTimes.ts'
import type { Checkpoint, Curve, Weights } from './store.ts'

export interface StageOutcome {
  nodes: Record<string, NodeResult>
  seconds: number
  imagesPerSecond: number
  dispatches: number
  trainImages: number
  curve: Curve
  /** Where the stage asked for it. */
  stepTimes?: StepTimes
}

export interface StageInput {
  engine: Engine
  data: DatasetPair
  stage: Stage
  /** Weights and τ of an earlier stage's network. */
  earlier: (reference: Reference) => Promise<{ weights: Weights; tau: number | null }>
  resume: Checkpoint | null
  save: (snapshot: Snapshot, seconds: number, curve: Curve) => Promise<void>
  /** Between checkpoints; default 20. */
  saveSeconds?: number
  onProgress: (progress: Progress) => void
  signal: AbortSignal
}

/** The training subset of a seed, and the held-out images after it in the same random order. */
export function split(train: Dataset, stage: Pick<Stage, 'seed' | 'trainImages' | 'reserved' | 'calibrationImages'>) {
  const { trainImages, reserved, calibrationImages } = stage
  const order = (n: number) => stream(stage.seed, 'subset').permutation(n)
  const without = (kept: ArrayLike<number>) => heldOut(train.n, train.n - kept.length, kept, order)
  const rows =
    trainImages !== null
      ? balancedSubset(train.labels, train.classes.length, trainImages, order)
      : without(reserved > 0 ? heldOut(train.n, reserved, [], order) : [])
  const held = calibrationImages > 0 ? heldOut(train.n, calibrationImages, rows, order) : null
  return { rows, held }
}

export async function runStage(input: StageInput): Promise<{ outcome: StageOutcome; weights: Weights }> {
  const { engine, data, stage } = input
  const { train } = data
  const { rows, held } = split(train, stage)
  const source = pictureSource(engine.gpu, train, stage.batch / (stage.microBatches ?? 1))
  const augmented = engine.scalar('augmented pictures', 0)
  const views = viewsOf(stage, augmented)
  const { networks, taus } = await networksOf(input)
  const edges = stage.edges.map((edge) => ({ ...edge, tau: tauOf(edge.tau, taus) }))
  const stored = await storedLogits(engine, train, stage, rows, views, networks)
  const graph: Graph = { views, nodes: nodesOf(stage, networks, stored), edges, stored, updates: stage.updates }
  const labels = persistent(engine.gpu, [train.n], train.labels, 'u32', 'row', 'labels')

  const look = looking(engine, data, stage, rows, views, networks)
  const trained = await training(input, { graph, source, labels, rows, augmented }, look)
  const { seconds, imagesPerSecond, dispatches, steps, curve } = trained
  const finished = { views, edges, networks, rows, held, steps, epochs: curve.length }
  const { nodes, weights } = await measured(engine, data, stage, finished)
  // Last, since it goes on training.
  const timed = stage.timed && { graph, teacher: networks.teacher, source, rows, labels, train }
  const times = timed && { stepTimes: await stepTimes(engine, stage, timed) }
  const outcome = { nodes, seconds, imagesPerSecond, dispatches, trainImages: rows.length, curve, ...times }
  return { outcome, weights }
}

/** `counter` counts augmented pictures. */
function viewsOf(stage: Stage, counter: Scalar): Record<string, ViewOptions> {
  const { key } = stream(stage.seed, 'augment')
  const augmentation = stage.augmentation ? { ...stage.augmentation, key, counter } : null
  const views: Record<string, ViewOptions> = {}
  for (const [name, { size, ...view }] of Object.entries(stage.views)) {
    views[name] = { height: size, width: size, ...view, augmentation }
  }
  return views
}

/** What was fitted for networks of earlier stages, by stage and node. */
type Taus = Map<string, number | null>

/** The stage's networks as they start, and τ of those that are of earlier stages. */
async function networksOf({ engine, stage, earlier }: StageInput) {
  const networks: Record<string, Network> = {}
  const taus: Taus = new Map()
  for (const [name, node] of Object.entries(stage.nodes)) {
    const purpose = typeof node.from === 'string' ? node.from : 'init unused'
    networks[name] = resnet(engine.gpu, node.network, stream(stage.seed, purpose))
    if (typeof node.from === 'string') continue
    const { weights, tau } = await earlier(node.from)
    networks[name].parameters.load(weights)
    taus.set(`${node.from.stage} ${node.from.node}`, tau)
  }
  return { networks, taus }
}

function tauOf(tau: number | Reference, known: Taus): number {
  if (typeof tau === 'number') return tau
  const fitted = known.get(`${tau.stage} ${tau.node}`)
  if (fitted === null || fitted === undefined) throw new DistillError('tau', `${tau.stage} has no τ for '${tau.node}'`)
  return fitted
}

/**
 * Logits that are computed once, by node: a virtual teacher's, and those of a frozen network, which sees the same
 * pictures in every epoch unless they are augmented.
 */
async function storedLogits(
  engine: Engine,
  train: Dataset,
  stage: Stage,
  rows: Uint32Array,
  views: Record<string, ViewOptions>,
  networks: Record<string, Network>,
): Promise<Record<string, Tensor>> {
  const stored: Record<string, Tensor> = {}
  if (stage.virtual !== undefined) {
    const classes = train.classes.length
    const table = virtualTeacher(train.labels, classes, stage.virtual)
    stored.virtual = persistent(engine.gpu, [train.n, classes], table, 'f32', 'row', 'virtual teacher')
  }
  for (const [name, node] of Object.entries(stage.nodes)) {
    if (node.trained || runsAlong(stage, name)) continue
    const view = { ...views[node.view], augmentation: null }
    const { logits } = await evaluate(engine, networks[name], train, { view, rows })
    stored[name] = scatter(engine, logits, rows, train.n, networks[name].config.classes)
  }
  return stored
}

/** Logits of chosen rows at their place in a table of all rows, as the gathering loss wants them. */
function scatter(engine: Engine, logits: Float32Array, rows: Uint32Array, total: number, classes: number) {
  const table = new Float32Array(total * classes)
  for (const [i, row] of rows.entries()) table.set(logits.subarray(i * classes, (i + 1) * classes), row * classes)
  return persistent(engine.gpu, [total, classes], table, 'f32', 'row', 'stored logits')
}

/** The networks that run in a step: those whose logits are not looked up. */
function nodesOf(stage: Stage, networks: Record<string, Network>, stored: Record<string, Tensor>) {
  const nodes: Record<string, GraphNode> = {}
  for (const [name, node] of Object.entries(stage.nodes)) {
    if (!(name in stored)) nodes[name] = { ...node, network: networks[name] }
  }
  return nodes
}

/**
 * Trains, from the checkpoint where there is one. What `look` takes after every epoch is not in the seconds, nor is the
 * compilation of kernels, which would be the first cell's alone.
 */
async function training(
  { engine, stage, resume, save, saveSeconds, onProgress, signal }: StageInput,
  pictures: Pick<FitOptions, 'graph' | 'source' | 'labels' | 'rows' | 'augmented'>,
  look: ReturnType<typeof looking>,
) {
  const curve: Curve = [...(resume?.curve ?? [])]
  const before = resume?.seconds ?? 0
  const result = await fit(engine, {
    ...pictures,
    epochs: stage.epochs,
    microBatches: stage.microBatches,
    optimizer: (parameters) => optimizerOf(stage, parameters.flat),
    schedule: scheduleOf(stage, stage.epochs * Math.floor(pictures.rows.length / stage.batch)),
    seed: stage.seed,
    resume: resume?.snapshot,
    saveSeconds,
    save: (snapshot, seconds) => save(snapshot, before + seconds, curve),
    afterEpoch: look
      ? async () => {
          curve.at(-1)!.looks = await look()
          return stage.patience !== undefined && converged(curve, stage.patience)
        }
      : undefined,
    onProgress: (progress) => {
      if (curve.at(-1)?.epoch === progress.epoch) curve.pop()
      curve.push({ epoch: progress.epoch, nodes: progress.nodes })
      onProgress(progress)
    },
    signal,
  })
  return { ...result, seconds: before + result.seconds, curve }
}
