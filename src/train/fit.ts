// The training loop: dataset → batches → one replayed step (views, forward, fused losses, backward, optimizer) → metrics
// every few steps → snapshot. It knows no method and no network.
import { endingEdges } from '../distill/edge.ts'
import { checkGraph, foldFrozen, type Graph, makeMetrics, recordGradients } from '../distill/graph.ts'
import type { Part } from '../distill/loss.ts'
import type { Engine, Step } from '../engine.ts'
import { checkOptions, DistillError, InputError, ShapeError } from '../errors.ts'
import type { Scalar } from '../gpu/scalar.ts'
import type { Parameters } from '../nn/parameters.ts'
import { meansOf } from '../ops/distillLoss.ts'
import type { PictureSource } from '../ops/pictures.ts'
import { checkRows } from '../ops/view.ts'
import type { Optimizer } from '../optim.ts'
import type { Schedule } from '../schedule.ts'
import { assign, showShape, type Tensor } from '../tensor.ts'
import { type Batches, batchesOf } from './batches.ts'
import { restore, type Snapshot, snapshot } from './snapshot.ts'

/**
 * Of the pictures of the epoch so far as the steps saw them (augmented, batch statistics), per trained node: means, by
 * COLUMNS, and their `ece`.
 */
export type Parts = Record<string, number>

export interface Progress {
  /** Steps done, of how many. */
  step: number
  steps: number
  epoch: number
  nodes: Record<string, Parts>
  imagesPerSecond: number
}

export interface FitOptions {
  graph: Graph
  /** Where batches come from; its batch size is the batch size, or that of a part of `microBatches`. */
  source: PictureSource
  /**
   * Takes a batch in so many equal parts, one after the other, and updates once from the mean of their gradients: the
   * memory of a part, the gradient of the batch. But for batch norm, which knows no other parts: it normalises each by
   * its own mean and variance, and moves its running statistics once a part, as PyTorch does when gradients are
   * accumulated. Default 1. Not for sequential updates, nor for edges that count while agreeing.
   */
  microBatches?: number
  /** Labels of the whole data set, u32 [n]. */
  labels: Tensor
  /** Rows of the data set to train on. */
  rows: Uint32Array
  /**
   * As of PyTorch's DataLoader. true: what is left of an epoch's pictures after its last full batch, others in every
   * epoch, is left out. false: it is trained on in a smaller batch, a step more, by a capture of its own over the same
   * weights and optimizer state; not with `microBatches`. Default true.
   */
  dropLast?: boolean
  epochs: number
  optimizer: (parameters: Parameters) => Optimizer
  /** Learning rate (and what cycles with it) of step 0, 1, … */
  schedule: Schedule
  seed: number
  /** Counts augmented pictures; give the one that the views use. */
  augmented?: Scalar
  /** Steps between reports. Default: what takes about half a second. */
  every?: number
  /** After the first step, or the first `every`, and so on; until then `engine.onCompiling` tells how far the kernels are. */
  onProgress?: (progress: Progress) => void
  /** After the last step of every epoch, before anything is saved; its time is not counted. true ends the training. */
  afterEpoch?: (epoch: number) => Promise<boolean>
  /** Continue from here, to the same bits as the undisturbed run. */
  resume?: Snapshot | null
  /** Seconds between snapshots handed to `save`. Default 20. */
  saveSeconds?: number
  /** `seconds`: as in FitResult, of the steps so far. */
  save?: (snapshot: Snapshot, seconds: number) => Promise<void> | void
  /** Stops after the current report; a snapshot is saved first. */
  signal?: AbortSignal
}

/** A loss that became NaN or infinite. Names the node, the step and the epoch. */
export class DivergedError extends DistillError {
  constructor(node: string, step: number, epoch: number, value: number) {
    super(
      'diverged',
      `training diverged: the loss of '${node}' is ${value} at step ${step} (epoch ${epoch}); lower the learning rate`,
    )
  }
}

export class AbortedError extends DistillError {
  constructor(step: number, steps: number) {
    super('aborted', `training stopped at step ${step} of ${steps}`)
  }
}

export interface FitResult {
  steps: number
  /** Of the steps taken here and what was saved, without compilation and `afterEpoch`. */
  seconds: number
  imagesPerSecond: number
  dispatches: number
}

/**
 * Trains every trained node of the graph. Throws DivergedError, AbortedError, InputError, ShapeError for labels or stored
 * logits of another data set.
 */
export async function fit(engine: Engine, options: FitOptions): Promise<FitResult> {
  const { source, labels, schedule, signal } = options
  checkGraph(options.graph)
  checkFit(engine, options)
  const graph = foldFrozen(options.graph)
  const batches = batchesOf({ ...options, part: source.index.size })
  const trained = Object.keys(graph.nodes).filter((name) => graph.nodes[name].trained)
  const optimizers = trained.map((name) => options.optimizer(graph.nodes[name].network.parameters))
  const metrics = makeMetrics(graph)
  const first = options.resume ? restore(options.resume, batches.steps, graph, optimizers, metrics) : 0
  const stopped = () => signal?.aborted && first < batches.steps
  if (stopped()) throw new AbortedError(first, batches.steps)

  const { edges, at: weigh } = endingEdges(graph.edges)
  const update = (name: string) => optimizers[trained.indexOf(name)].step()
  const tapes: Step<void>[] = []
  const record = (label: string, fn: () => void) => {
    const tape = engine.capture(label, fn)
    tapes.push(tape)
    return tape
  }
  const capture = (from: PictureSource): Taped => {
    const gradients = (part?: Part) => {
      recordGradients({ ...graph, edges }, from, labels, metrics, part ? undefined : update, part)
    }
    return { from, ...captureStep(record, options.microBatches ?? 1, gradients, () => trained.forEach(update)) }
  }
  const { pictures, ragged } = batches
  try {
    const whole = ragged < pictures ? capture(source) : null
    const last = ragged > 0 ? capture(source.inBatchesOf(ragged)) : null
    await Promise.all(tapes.map((tape) => tape.compile()))
    await engine.settled()
    if (stopped()) throw new AbortedError(first, batches.steps)
    return await train(options, batches, first, {
      tapedAt: (at) => (whole && at % pictures < pictures - ragged ? whole : last!),
      begin(step, epoch) {
        // Sums run through an epoch, however often they are looked at, so that its means do not depend on the clock.
        if (step % batches.perEpoch === 0)
          for (const sums of Object.values(metrics)) assign(sums, new Float32Array(sums.size))
        for (const optimizer of optimizers) optimizer.advance(step + 1, schedule(step))
        weigh(epoch)
      },
      means: () => readMetrics(metrics),
      snapshot: (step) => snapshot(step, graph, optimizers, metrics),
    })
  } finally {
    for (const tape of tapes) tape.release()
  }
}

/** A step as it is recorded, for batches of one size. */
interface Taped {
  from: PictureSource
  parts: Step<void>[]
  end: Step<void>[]
}

/** What the loop knows of what it trains. */
interface Trained {
  /** The step that takes the batch which begins with the run's picture `at`. */
  tapedAt(at: number): Taped
  /** Before a step runs. */
  begin(step: number, epoch: number): void
  means(): Promise<Record<string, Parts>>
  snapshot(step: number): Promise<Snapshot>
}

/** Steps `first` … to the end. */
async function train(options: FitOptions, batches: Batches, first: number, of: Trained): Promise<FitResult> {
  const { augmented, onProgress, save, signal } = options
  const { batch, perEpoch, steps, before, chosen } = batches
  const started = performance.now()
  let step = first
  let reported = first
  let idle = 0
  let every = options.every ?? 1
  let [lastReport, lastSave] = [started, started]
  let ended = false
  const spent = () => (performance.now() - started - idle) / 1000
  while (step < steps && !ended) {
    const epoch = Math.floor(step / perEpoch)
    of.begin(step, epoch)
    const begins = before(step)
    const { from, parts, end } = of.tapedAt(begins)
    for (const [i, tape] of parts.entries()) {
      const at = begins + i * from.index.size
      if (augmented) augmented.value = at
      const reading = from.select(chosen(at))
      if (reading) await reading
      tape.run()
      // Read and decoded while the device is at work.
      const next = at + from.index.size
      if (next < before(steps)) of.tapedAt(next).from.prefetch?.(chosen(next))
    }
    for (const tape of end) tape.run()
    step++
    if ((step - first) % every !== 0 && step % perEpoch !== 0 && !signal?.aborted) continue

    const nodes = await of.means()
    const now = performance.now()
    for (const [name, parts] of Object.entries(nodes)) {
      if (!Number.isFinite(parts.total)) throw new DivergedError(name, step, epoch + 1, parts.total)
    }
    const imagesPerSecond = (1000 * (before(step) - before(reported))) / (now - lastReport)
    onProgress?.({ step, steps, epoch: epoch + 1, nodes, imagesPerSecond })
    if (step % perEpoch === 0 && options.afterEpoch) {
      ended = await options.afterEpoch(epoch + 1)
      idle += performance.now() - now
    }
    // The cadence grows to half a second and no further, so that the host stays responsive and rarely waits.
    if (!options.every) every = Math.max(1, Math.min(64, Math.round((0.5 * imagesPerSecond) / batch)))
    reported = step
    lastReport = performance.now()
    // What has ended needs no snapshot, and is not stopped.
    if (ended) continue
    const due = now - lastSave > 1000 * (options.saveSeconds ?? 20)
    if (save && (due || signal?.aborted) && step < steps) {
      await save(await of.snapshot(step), spent())
      lastSave = performance.now()
    }
    if (signal?.aborted && step < steps) throw new AbortedError(step, steps)
  }
  const seconds = spent()
  const { parts, end } = of.tapedAt(0)
  const dispatches = [...parts, ...end].reduce((sum, tape) => sum + tape.dispatches, 0)
  const imagesPerSecond = seconds > 0 ? (before(step) - before(first)) / seconds : 0
  return { steps: step, seconds, imagesPerSecond, dispatches }
}

/** A step of one tape, or of one a part and the update at the end. */
function captureStep(
  record: (label: string, fn: () => void) => Step<void>,
  of: number,
  gradients: (part?: Part) => void,
  update: () => void,
) {
  if (of === 1) return { parts: [record('training step', () => gradients())], end: [] }
  const first = record('first part of a batch', () => gradients({ of, first: true }))
  const other = record('part of a batch', () => gradients({ of, first: false }))
  return { parts: [first, ...new Array<Step<void>>(of - 1).fill(other)], end: [record('update', update)] }
}

const OPTIONS = [
  ...['graph', 'source', 'microBatches', 'labels', 'rows', 'dropLast', 'epochs', 'optimizer', 'schedule', 'seed'],
  ...['augmented', 'every', 'onProgress', 'afterEpoch', 'resume', 'saveSeconds', 'save', 'signal'],
]

function checkFit(engine: Engine, options: FitOptions) {
  const { graph, source, labels, rows, epochs, microBatches = 1, dropLast = true } = options
  checkOptions('fit', options, OPTIONS)
  const { nodes, updates, edges, stored = {} } = graph
  if (!Number.isInteger(epochs) || epochs < 0) throw new InputError(`fit: epochs ${epochs}; a whole number from 0`)
  if (!Number.isInteger(microBatches) || microBatches < 1) {
    throw new InputError(`fit: microBatches ${microBatches}; a whole number from 1`)
  }
  const whole = updates === 'sequential' ? 'sequential updates' : edges.some((e) => e.whileAgreeing) && 'agreeing edges'
  if (microBatches > 1 && whole)
    throw new InputError(`fit: ${whole} look at a whole batch, microBatches is ${microBatches}`)
  if (microBatches > 1 && !dropLast)
    throw new InputError(`fit: dropLast false, microBatches ${microBatches}: a smaller batch has no equal parts`)
  const { n } = source.bytes
  const tensors = [['labels', labels] as const, ...Object.entries(stored)]
  for (const [name, { shape }] of tensors) {
    if (shape[0] !== n) throw new ShapeError(`fit: ${name} ${showShape(shape)} for a data set of ${n} pictures`)
  }
  checkRows(rows, n, 'fit')
  const networks = Object.entries(nodes).map(([name, { network }]) => [name, network.parameters] as const)
  for (const [name, { gpu }] of [...networks, ...tensors, ['source', source.index] as const]) {
    if (gpu !== engine.gpu) throw new InputError(`fit: '${name}' belongs to another engine`)
  }
}

/** Reads the running sums: means per picture. One read each, every few steps, never inside one. */
async function readMetrics(metrics: Record<string, Tensor>): Promise<Record<string, Parts>> {
  const result: Record<string, Parts> = {}
  for (const [name, sums] of Object.entries(metrics)) result[name] = meansOf(await sums.read())
  return result
}
