// Whole training steps, recorded as the training loop records them: views, forward passes, fused losses, backward,
// optimizer. Every batch is new.
import { synthetic } from '../data/synthetic.ts'
import { foldFrozen, type Graph, type GraphNode, makeMetrics, recordGradients } from '../distill/graph.ts'
import type { Engine } from '../engine.ts'
import type { Tape } from '../gpu/tape.ts'
import { type ResNetConfig, resnet } from '../nn/resnet.ts'
import { COLUMNS } from '../ops/distillLoss.ts'
import { pictureSource } from '../ops/pictures.ts'
import { adamW } from '../optim.ts'
import { stream } from '../random.ts'
import { assign, persistent } from '../tensor.ts'

export interface StepRecipe {
  name: string
  about: string
  /** Side and channels of the pictures. */
  size: number
  channels: number
  batch: number
  nodes: Record<string, { network: ResNetConfig; size: number; trained: boolean }>
  /** Distils `teacher` into `student` at this temperature. */
  temperature?: number
}

const small: ResNetConfig = { depth: 8, widths: [8, 16, 32], channels: 1 }
const wide: ResNetConfig = { depth: 8, widths: [16, 32, 64], channels: 1 }

export const STEPS: StepRecipe[] = [
  {
    name: 'supervised-resnet8-14',
    about: "the quick preset's student: ResNet-8 8/16/32 at 14x14, batch 64",
    ...{ size: 28, channels: 1, batch: 64 },
    nodes: { student: { network: small, size: 14, trained: true } },
  },
  {
    name: 'supervised-resnet8-7',
    about: "the quick presets' smallest: ResNet-8 8/16/32 at 7x7, batch 64",
    ...{ size: 28, channels: 1, batch: 64 },
    nodes: { student: { network: small, size: 7, trained: true } },
  },
  {
    name: 'cqkd-resnet14-resnet8',
    about: 'frozen ResNet-14 16/32/64 at 28x28 in the step, ResNet-8 16/32/64 student at 14x14, batch 64',
    ...{ size: 28, channels: 1, batch: 64 },
    nodes: {
      teacher: { network: { ...wide, depth: 14 }, size: 28, trained: false },
      student: { network: wide, size: 14, trained: true },
    },
    temperature: 4,
  },
  {
    name: 'supervised-resnet20-32',
    about: 'ResNet-20 16/32/64 at 32x32x3, batch 64',
    ...{ size: 32, channels: 3, batch: 64 },
    nodes: { student: { network: { depth: 20, channels: 3 }, size: 32, trained: true } },
  },
]

export interface PreparedStep {
  recipe: StepRecipe
  tape: Tape
  /** Of one step: forward, and twice that again where a network is trained. */
  flops: number
  /** Does what the host does for step 1, 2, … and submits it. */
  run: (step: number) => void
  /** Mean loss of the steps since it was last asked. */
  loss: () => Promise<number>
}

/** Builds networks and data and records the step; nothing is compiled yet. */
export function prepareStep(engine: Engine, recipe: StepRecipe): PreparedStep {
  const { gpu } = engine
  const { size, channels, batch, temperature } = recipe
  const { train } = synthetic({ train: 10 * batch, size, channels })
  const source = pictureSource(gpu, train, batch)
  const labels = persistent(gpu, [train.n], train.labels, 'u32', 'row', 'labels')
  const views: Graph['views'] = {}
  const nodes: Record<string, GraphNode> = {}
  let flops = 0
  for (const [name, node] of Object.entries(recipe.nodes)) {
    const network = resnet(gpu, node.network, stream(1, name))
    const view = String(node.size)
    views[view] = { height: node.size, width: node.size }
    nodes[name] = { network, view, trained: node.trained, ceWeight: temperature ? 0.5 : 1 }
    flops += (node.trained ? 3 : 1) * network.flops(node.size, node.size) * batch
  }
  const edges = temperature ? [{ from: 'teacher', to: 'student', temperature, weight: 0.5 }] : []
  const graph = foldFrozen({ views, nodes, edges })
  const trained = Object.values(nodes).filter((node) => node.trained)
  const optimizers = trained.map(({ network }) => adamW(network.parameters.flat, { lr: 1e-3 }))
  const metrics = makeMetrics(graph)
  const { tape } = gpu.trace(
    recipe.name,
    () => {
      recordGradients(graph, source, labels, metrics)
      for (const optimizer of optimizers) optimizer.step()
    },
    () => [],
  )
  const order = stream(1, 'order').permutation(train.n)
  return {
    recipe,
    tape,
    flops,
    run(step) {
      const first = ((step - 1) * batch) % train.n
      source.select(order.subarray(first, first + batch))
      for (const optimizer of optimizers) optimizer.advance(step)
      tape.replay()
    },
    async loss() {
      let sum = 0
      for (const sums of Object.values(metrics)) {
        const values = await sums.read()
        assign(sums, new Float32Array(sums.size))
        sum += values[COLUMNS.indexOf('total')] / values[COLUMNS.length]
      }
      return sum
    },
  }
}
