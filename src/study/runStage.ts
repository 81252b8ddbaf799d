// Trains and evaluates one stage. Knows graphs and networks; knows no method.
import { balancedSubset, type Dataset, type DatasetPair, heldOut, sha256 } from '../data/dataset.ts'
import type { Graph, GraphNode } from '../distill/graph.ts'
import { virtualTeacher } from '../distill/methods.ts'
import type { Engine } from '../engine.ts'
import { DistillError } from '../errors.ts'
import { type Network, resnet } from '../nn/resnet.ts'
import { pictureSource, type ViewOptions } from '../ops/pictures.ts'
import { stream } from '../random.ts'
import type { Bin } from '../report/calibration.ts'
import { confusion, likeness, metrics } from '../report/metrics.ts'
import { fitTemperature } from '../report/temperature.ts'
import type { Verification } from '../report/verification.ts'
import { persistent, type Tensor } from '../tensor.ts'
import { type Evaluation, evaluate } from '../train/evaluate.ts'
import { DivergedError, fit, type Progress } from '../train/fit.ts'
import type { Snapshot } from '../train/snapshot.ts'
import { looking } from './course.ts'
import { converged } from './ended.ts'
import { optimizerOf, scheduleOf } from './rates.ts'
import { type Reference, runsAlong, type Stage } from './stage.ts'
import { type StepTimes, stepTimes } from './stepTimes.ts'
import type { Checkpoint, Curve, Weights } from './store.ts'
import { verified } from './verify.ts'

/** Up to so many classes it is kept which are taken for which, and what they are called. */
export const MOST_CLASSES = 100

/** A network's test-set numbers; fractions, nats, seconds. */
export interface Scores {
  accuracy: number
  top5: number
  ece: number
  signedGap: number
  entropy: number
  nll: number
  brier: number
  bins: Bin[]
}

/**
 * KL(other ‖ this) and the share of equal answers; the other's own test ECE, its logits divided by τ where it teaches
 * so.
 */
export type Toward = Record<'kl' | 'agreement' | 'trainKl' | 'trainAgreement', number> & { ece?: number }

export interface NodeResult {
  test: Scores
  train: { accuracy: number; nll: number }
  /** By the other network's name, where the stage asked for it. */
  toward?: Record<string, Toward>
  /** Fitted on held-out images, where the stage asked for it. */
  tau: number | null
  calibrated: Scores | null
  inferenceMs: number
  forwardFlops: number
  /** On identities that nothing was trained on, where the stage asked for it. */
  verification?: Verification
  /** On the test set, how often class i was taken for class j; absent beyond 100 classes and in older cells. */
  confusion?: number[][]
  /** SHA-256 of weights and test logits: equal bits give equal digests. */
  sha256: string
}

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
  const { engine, data, stage, resume, save, saveSeconds, onProgress, signal } = input
  const { train, test } = data
  const { rows, held } = split(train, stage)
  const source = pictureSource(engine.gpu, train, stage.batch / (stage.microBatches ?? 1))
  const counter = engine.scalar('augmented pictures', 0)
  const { key } = stream(stage.seed, 'augment')
  const augmentation = stage.augmentation ? { ...stage.augmentation, key, counter } : null
  const views: Record<string, ViewOptions> = {}
  for (const [name, { size, ...view }] of Object.entries(stage.views)) {
    views[name] = { height: size, width: size, ...view, augmentation }
  }
  const plain = (view: string): ViewOptions => ({ ...views[view], augmentation: null })

  const nodes: Record<string, GraphNode> = {}
  const networks: Record<string, Network> = {}
  const taus = new Map<string, number | null>()
  for (const [name, node] of Object.entries(stage.nodes)) {
    const purpose = typeof node.from === 'string' ? node.from : 'init unused'
    const network = resnet(engine.gpu, node.network, stream(stage.seed, purpose))
    if (typeof node.from !== 'string') {
      const { weights, tau } = await input.earlier(node.from)
      network.parameters.load(weights)
      taus.set(`${node.from.stage} ${node.from.node}`, tau)
    }
    networks[name] = network
    nodes[name] = { ...node, network }
  }
  const edges = stage.edges.map((edge) => ({ ...edge, tau: tauOf(edge.tau, taus) }))
  const stored: Record<string, Tensor> = {}
  const graph: Graph = { views, nodes, edges, stored, updates: stage.updates }
  if (stage.virtual !== undefined) {
    const classes = train.classes.length
    const table = virtualTeacher(train.labels, classes, stage.virtual)
    stored.virtual = persistent(engine.gpu, [train.n, classes], table, 'f32', 'row', 'virtual teacher')
  }

  // A frozen network sees the same pictures in every epoch unless they are augmented: its logits are computed once.
  for (const [name, node] of Object.entries(stage.nodes)) {
    if (node.trained || runsAlong(stage, name)) continue
    const { logits } = await evaluate(engine, networks[name], train, { view: plain(node.view), rows })
    stored[name] = scatter(engine, logits, rows, train.n, networks[name].config.classes)
    delete graph.nodes[name]
  }

  const labels = persistent(engine.gpu, [train.n], train.labels, 'u32', 'row', 'labels')
  const look = looking(engine, data, stage, rows, views, networks)
  const curve: Curve = [...(resume?.curve ?? [])]
  const before = resume?.seconds ?? 0
  let started = performance.now()
  const spent = () => before + (performance.now() - started) / 1000
  const result = await fit(engine, {
    graph,
    source,
    labels,
    rows,
    epochs: stage.epochs,
    microBatches: stage.microBatches,
    optimizer: (parameters) => optimizerOf(stage, parameters.flat),
    schedule: scheduleOf(stage, stage.epochs * Math.floor(rows.length / stage.batch)),
    seed: stage.seed,
    augmented: counter,
    resume: resume?.snapshot,
    saveSeconds,
    save: (snapshot) => save(snapshot, spent(), curve),
    afterEpoch: look
      ? async () => {
          const before = performance.now()
          curve.at(-1)!.looks = await look()
          started += performance.now() - before
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
  const seconds = spent()

  const results: Record<string, NodeResult> = {}
  const answers: Record<string, { seen: Float32Array; own: Float32Array }> = {}
  const weights: Weights = new Map()
  const testRows = Uint32Array.from({ length: Math.min(stage.testImages ?? test.n, test.n) }, (_, i) => i)
  for (const [name, node] of Object.entries(stage.nodes)) {
    if (!node.trained && !stage.compare) continue
    const view = plain(node.view)
    const seen = await evaluate(engine, networks[name], test, { view, rows: testRows })
    // The last update comes after the last loss that was looked at.
    if (!Number.isFinite(seen.nll)) throw new DivergedError(name, result.steps, curve.length, seen.nll)
    const own = await evaluate(engine, networks[name], train, { view, rows: seenAgain(rows, train) })
    answers[name] = { seen: seen.logits, own: own.logits }
    if (!node.trained) continue
    const state = await networks[name].parameters.state()
    for (const [parameter, value] of state) weights.set(`${name}/${parameter}`, value)
    const tau = held ? await fitTau(engine, networks[name], train, view, held) : null
    results[name] = {
      test: scores(seen),
      train: { accuracy: own.accuracy, nll: own.nll },
      tau,
      calibrated: tau === null ? null : scores(calibratedScores(seen, tau)),
      inferenceMs: (1000 * seen.seconds) / seen.n,
      forwardFlops: networks[name].flops(view.height, view.width),
      sha256: await digest([...state.values()].map((v) => v.data).concat(seen.logits)),
      ...(seen.classes <= MOST_CLASSES && { confusion: confusion(seen.logits, seen.labels, seen.classes) }),
      ...(stage.verify && { verification: await verified(engine, networks[name], data, view, stage.verify) }),
    }
  }
  if (stage.compare) {
    const testLabels = testRows.map((row) => test.labels[row])
    for (const name of Object.keys(results))
      results[name].toward = compared(name, answers, edges, testLabels, train.classes.length)
  }
  // Last, since it goes on training.
  const timed = stage.timed && { graph, teacher: networks.teacher, source, rows, labels, train }
  const times = timed && { stepTimes: await stepTimes(engine, stage, timed) }
  const { imagesPerSecond, dispatches } = result
  const outcome = { nodes: results, seconds, imagesPerSecond, dispatches, trainImages: rows.length, curve, ...times }
  return { outcome, weights }
}

/** The training images that a network is measured on: all, or as many as a table of 256 MiB has logits for. */
const seenAgain = (rows: Uint32Array, { classes }: Dataset) => rows.subarray(0, Math.floor(2 ** 26 / classes.length))

/** How far a network's answers are from those of each other one, as that one teaches: its logits divided by τ. */
function compared(
  to: string,
  answers: Record<string, { seen: Float32Array; own: Float32Array }>,
  edges: Graph['edges'],
  labels: ArrayLike<number>,
  classes: number,
): Record<string, Toward> {
  const others = Object.keys(answers).filter((from) => from !== to)
  return Object.fromEntries(
    others.map((from) => {
      const { tau = 1 } = edges.find((edge) => edge.to === to && edge.from === from) ?? {}
      const [seen, own] = [answers[from].seen, answers[from].own].map((z) => z.map((logit) => logit / Number(tau)))
      const { kl, agreement } = likeness(seen, answers[to].seen, classes)
      const train = likeness(own, answers[to].own, classes)
      const { ece } = metrics(seen, labels, classes)
      return [from, { kl, agreement, trainKl: train.kl, trainAgreement: train.agreement, ece }]
    }),
  )
}

function tauOf(tau: number | Reference, known: Map<string, number | null>): number {
  if (typeof tau === 'number') return tau
  const fitted = known.get(`${tau.stage} ${tau.node}`)
  if (fitted === null || fitted === undefined) throw new DistillError('tau', `${tau.stage} has no τ for '${tau.node}'`)
  return fitted
}

/** Logits of chosen rows at their place in a table of all rows, as the gathering loss wants them. */
function scatter(engine: Engine, logits: Float32Array, rows: Uint32Array, total: number, classes: number) {
  const table = new Float32Array(total * classes)
  for (const [i, row] of rows.entries()) table.set(logits.subarray(i * classes, (i + 1) * classes), row * classes)
  return persistent(engine.gpu, [total, classes], table, 'f32', 'row', 'stored logits')
}

async function fitTau(engine: Engine, network: Network, train: Dataset, view: ViewOptions, held: Uint32Array) {
  const { logits, labels, classes } = await evaluate(engine, network, train, { view, rows: held })
  return fitTemperature(logits, labels, classes).tau
}

function scores({ accuracy, top5, ece, signedGap, entropy, nll, brier, bins }: Scores): Scores {
  return { accuracy, top5, ece, signedGap, entropy, nll, brier, bins }
}

/** The same logits divided by τ; on the host, in float64, since a trained network is not needed again. */
function calibratedScores({ logits, labels, classes }: Evaluation, tau: number): Scores {
  return metrics(logits, labels, classes, { temperature: tau })
}

export async function digest(parts: Float32Array[]): Promise<string> {
  const bytes = new Uint8Array(parts.reduce((n, p) => n + p.byteLength, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at)
    at += part.byteLength
  }
  return sha256(bytes)
}
