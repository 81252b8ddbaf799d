// What is measured of a stage's networks once they are trained.
import { type Dataset, type DatasetPair, sha256 } from '../data/dataset.ts'
import type { Graph } from '../distill/graph.ts'
import type { Engine } from '../engine.ts'
import type { Network } from '../nn/resnet.ts'
import type { ViewOptions } from '../ops/pictures.ts'
import type { Bin } from '../report/calibration.ts'
import { confusion, likeness, metrics } from '../report/metrics.ts'
import { fitTemperature } from '../report/temperature.ts'
import type { Verification } from '../report/verification.ts'
import { type Evaluation, evaluate } from '../train/evaluate.ts'
import { DivergedError } from '../train/fit.ts'
import type { Stage } from './stage.ts'
import type { Weights } from './store.ts'
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

interface Finished {
  views: Record<string, ViewOptions>
  edges: Graph['edges']
  networks: Record<string, Network>
  /** Images that were trained on, and those held out for τ. */
  rows: Uint32Array
  held: Uint32Array | null
  /** Of the training. */
  steps: number
  epochs: number
}

/** Logits of test and of training images. */
interface Answers {
  seen: Float32Array
  own: Float32Array
}

/** Of every trained network its numbers and weights. Throws DivergedError. */
export async function measured(
  engine: Engine,
  data: DatasetPair,
  stage: Stage,
  { views, edges, networks, rows, held, steps, epochs }: Finished,
): Promise<{ nodes: Record<string, NodeResult>; weights: Weights }> {
  const { train, test } = data
  const nodes: Record<string, NodeResult> = {}
  const answers: Record<string, Answers> = {}
  const weights: Weights = new Map()
  const testRows = Uint32Array.from({ length: Math.min(stage.testImages ?? test.n, test.n) }, (_, i) => i)
  for (const [name, node] of Object.entries(stage.nodes)) {
    if (!node.trained && !stage.compare) continue
    const network = networks[name]
    const view = { ...views[node.view], augmentation: null }
    const seen = await evaluate(engine, network, test, { view, rows: testRows })
    // The last update comes after the last loss that was looked at.
    if (!Number.isFinite(seen.nll)) throw new DivergedError(name, steps, epochs, seen.nll)
    const own = await evaluate(engine, network, train, { view, rows: seenAgain(rows, train) })
    answers[name] = { seen: seen.logits, own: own.logits }
    if (!node.trained) continue
    const state = await network.parameters.state()
    for (const [parameter, value] of state) weights.set(`${name}/${parameter}`, value)
    const tau = held ? await fitTau(engine, network, train, view, held) : null
    nodes[name] = {
      test: scores(seen),
      train: { accuracy: own.accuracy, nll: own.nll },
      tau,
      calibrated: tau === null ? null : scores(calibratedScores(seen, tau)),
      inferenceMs: (1000 * seen.seconds) / seen.n,
      forwardFlops: network.flops(view.height, view.width),
      sha256: await digest([...state.values()].map((v) => v.data).concat(seen.logits)),
      ...(seen.classes <= MOST_CLASSES && { confusion: confusion(seen.logits, seen.labels, seen.classes) }),
      ...(stage.verify && { verification: await verified(engine, network, data, view, stage.verify) }),
    }
  }
  if (stage.compare) {
    const testLabels = testRows.map((row) => test.labels[row])
    for (const [name, result] of Object.entries(nodes))
      result.toward = compared(name, answers, edges, testLabels, train.classes.length)
  }
  return { nodes, weights }
}

/** The training images that a network is measured on: all, or as many as a table of 256 MiB has logits for. */
const seenAgain = (rows: Uint32Array, { classes }: Dataset) => rows.subarray(0, Math.floor(2 ** 26 / classes.length))

/** How far a network's answers are from those of each other one, as that one teaches: its logits divided by τ. */
function compared(
  to: string,
  answers: Record<string, Answers>,
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
