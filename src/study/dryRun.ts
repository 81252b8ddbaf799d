// `--dry-run`: the cells, what they cost, and how long that takes here, from a few training steps of every network and
// size that occurs.
import type { DatasetPair } from '../data/dataset.ts'
import { type Graph, makeMetrics, recordGradients } from '../distill/graph.ts'
import type { Engine } from '../engine.ts'
import { type ResNetConfig, resnet } from '../nn/resnet.ts'
import { pictureSource } from '../ops/pictures.ts'
import type { Modality } from '../ops/view.ts'
import { adamW } from '../optim.ts'
import { stream } from '../random.ts'
import { duration, scaled } from '../report/format.ts'
import { persistent } from '../tensor.ts'
import type { StudyArguments } from './args.ts'
import { type Cost, costOf, flops, mayEnd } from './cost.ts'
import { paysOn, processesFor } from './processes.ts'
import { widest } from './shards.ts'
import { runsAlong, type Stage } from './stage.ts'

/** A network on a batch, or a part of one, of what it sees of pictures. */
interface Probe {
  network: ResNetConfig
  size: number
  modality?: Modality
  batch: number
}

/** Seconds of one training step. */
type StepSeconds = (one: Probe) => number

interface Studied {
  engine: Engine
  data: DatasetPair
  stages: readonly Stage[]
}

export async function dryRun(study: Studied, options: StudyArguments): Promise<number> {
  const { engine, data, stages } = study
  const counts = { train: data.train.n, test: data.test.n }
  const seconds = await probe(study)
  const cells = stages.map((stage) => {
    const cost = costOf(stage, counts, flops)
    return {
      id: stage.id,
      steps: cost.steps,
      trainingFlops: cost.training + cost.teaching,
      seconds: guess(stage, cost, seconds),
    }
  })
  const sum = (of: (cell: (typeof cells)[number]) => number) => cells.reduce((total, cell) => total + of(cell), 0)
  const [trainingFlops, whole] = [sum((cell) => cell.trainingFlops), sum((cell) => cell.seconds)]
  if (options.json) {
    const document = { schemaVersion: 1, adapter: engine.info.adapter, cells, trainingFlops, seconds: whole }
    process.stdout.write(`${JSON.stringify(document, null, 1)}\n`)
    return 0
  }
  const width = Math.max(...cells.map(({ id }) => id.length))
  const line = (id: string, steps: string, work: string, time: string) =>
    `${id.padEnd(width)}  ${steps.padStart(9)}  ${work.padStart(10)}  ${time.padStart(10)}\n`
  const lines = cells.map((cell) => {
    return line(cell.id, String(cell.steps), `${scaled(cell.trainingFlops)}FLOP`, duration(cell.seconds))
  })
  process.stdout.write(line('cell', 'steps', 'training', 'about') + lines.join(''))
  const shared = processesFor({ ...options, dryRun: false }, widest(stages)) > 1 && paysOn(engine.info.adapter)
  const work = `${cells.length} cells, ${mayEnd(stages) ? 'at most ' : ''}${scaled(trainingFlops)}FLOP of training`
  const time = `about ${duration(whole)} on this adapter, evaluation included`
  process.stdout.write(`${work}, ${time}${shared ? '; less in the two processes that a run takes here' : ''}\n`)
  return 0
}

/** Training steps of all trained networks, frozen forward passes, evaluation; a forward pass is a third of a step. */
export function guess(stage: Stage, cost: Cost, seconds: StepSeconds): number {
  let time = 0
  for (const [name, { trained }] of Object.entries(stage.nodes)) {
    const step = (stage.microBatches ?? 1) * seconds(probeOf(stage, name))
    if (trained) time += step * cost.steps
    else time += (step / 3) * (runsAlong(stage, name) ? cost.steps : cost.steps / stage.epochs)
  }
  const rate = cost.training / time
  return time + (rate > 0 ? cost.evaluation / rate : 0)
}

/** Runs a few steps of every network and size, about two seconds in all. */
async function probe({ engine, data, stages }: Studied): Promise<StepSeconds> {
  const wanted = new Map<string, Probe>()
  for (const stage of stages) {
    for (const name of Object.keys(stage.nodes)) {
      const one = probeOf(stage, name)
      wanted.set(JSON.stringify(one), one)
    }
  }
  const known = new Map<string, number>()
  for (const [key, one] of wanted) known.set(key, await stepSeconds(engine, data, one, 2 / wanted.size))
  return (one) => known.get(JSON.stringify(one))!
}

function probeOf({ nodes, views, batch, microBatches = 1 }: Stage, name: string): Probe {
  const { network, view } = nodes[name]
  const { size, modality } = views[view]
  return { network, size, modality, batch: batch / microBatches }
}

async function stepSeconds(
  engine: Engine,
  { train }: DatasetPair,
  { network: config, size, modality, batch }: Probe,
  seconds: number,
): Promise<number> {
  const few = Math.min(train.n, batch)
  const bytes = train.channels * train.height * train.width
  const source = pictureSource(engine.gpu, { ...train, n: few, images: train.images.subarray(0, few * bytes) }, few)
  await source.select(Uint32Array.from({ length: few }, (_, i) => i))
  const labels = persistent(engine.gpu, [few], train.labels.subarray(0, few), 'u32', 'row', 'labels')
  const network = resnet(engine.gpu, config, stream(0, 'probe'))
  const graph: Graph = {
    views: { low: { height: size, width: size, modality } },
    nodes: { student: { network, view: 'low', trained: true } },
    edges: [],
  }
  const metrics = makeMetrics(graph)
  const optimizer = adamW(network.parameters.flat, { lr: 1e-3 })
  const step = engine.capture('probe', () => {
    recordGradients(graph, source, labels, metrics)
    optimizer.step()
  })
  await step.compile()
  optimizer.advance(1)
  step.run()
  await engine.settled()
  const started = performance.now()
  const spent = () => (performance.now() - started) / 1000
  let steps = 0
  // In growing groups: waiting after every single step would measure the waiting.
  for (let group = 1; steps === 0 || spent() < seconds; group *= 2) {
    for (let i = 0; i < group; i++) step.run()
    steps += group
    await engine.settled()
  }
  const each = spent() / steps
  step.release()
  return each * (batch / few)
}
