// What a teacher costs its student's training step: with its logits looked up, and with it running in the step on full
// pictures or on the student's small ones. A few steps of finished networks, whose weights nobody needs any more.
import type { Dataset } from '../data/dataset.ts'
import { foldFrozen, type Graph, makeMetrics, recordGradients } from '../distill/graph.ts'
import type { Engine } from '../engine.ts'
import type { Network } from '../nn/resnet.ts'
import type { PictureSource } from '../ops/pictures.ts'
import type { Tensor } from '../tensor.ts'
import { optimizerOf } from './rates.ts'
import type { Stage } from './stage.ts'

/** Seconds of a step: the least of some rounds in turns, since their ratio is asked of a machine that does other work. */
export type StepTimes = Record<'cached' | 'full' | 'low', number>

const ROUNDS = 8
/** Of one of the three in one round. */
const SECONDS = 0.1

/** `graph` is the stage's, its teacher's logits stored; `teacher` is the network that they are of. */
export async function stepTimes(
  engine: Engine,
  stage: Stage,
  { graph, teacher, source, rows, labels, train }: Setup,
): Promise<StepTimes> {
  const { view: low } = stage.nodes.student
  const { view: taught } = stage.nodes.teacher
  const running = (height: number, width: number): Graph => ({
    ...graph,
    stored: {},
    views: { ...graph.views, [taught]: { ...graph.views[taught], height, width } },
    nodes: { ...graph.nodes, teacher: { network: teacher, view: taught, trained: false } },
  })
  const small = graph.views[low]
  const graphs = {
    cached: graph,
    full: running(train.height, train.width),
    low: running(small.height, small.width),
  }
  const kinds = Object.keys(graphs) as (keyof StepTimes)[]
  const reading = source.select(rows.subarray(0, source.index.size))
  if (reading) await reading
  const optimizer = optimizerOf(stage, graph.nodes.student.network.parameters.flat)
  optimizer.advance(1)
  const captured = kinds.map((kind) => {
    const folded = foldFrozen(graphs[kind])
    const metrics = makeMetrics(folded)
    return engine.capture(`step, teacher ${kind}`, () => {
      recordGradients(folded, source, labels, metrics, () => optimizer.step())
    })
  })
  await Promise.all(captured.map((step) => step.compile()))
  const times = captured.map((): number[] => [])
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, step] of captured.entries()) {
      // The first round warms up, the second tells how many steps fill one.
      const steps = round < 2 ? round + 1 : Math.max(2, Math.round(SECONDS / times[i][0]))
      const started = performance.now()
      for (let k = 0; k < steps; k++) step.run()
      await engine.settled()
      if (round > 0) times[i].push((performance.now() - started) / 1000 / steps)
    }
  }
  for (const step of captured) step.release()
  // A part of a batch was timed.
  const { microBatches = 1 } = stage
  return Object.fromEntries(kinds.map((kind, i) => [kind, microBatches * Math.min(...times[i])])) as StepTimes
}

interface Setup {
  graph: Graph
  teacher: Network
  source: PictureSource
  rows: Uint32Array
  labels: Tensor
  train: Pick<Dataset, 'height' | 'width'>
}
