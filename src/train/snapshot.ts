// Everything a training run needs to continue to the same bits: weights and running statistics, optimizer state, sums of
// the epoch's losses, the step. Random streams are functions of seed and step, so they need not be stored.
import type { Graph } from '../distill/graph.ts'
import { InputError } from '../errors.ts'
import type { Optimizer } from '../optim.ts'
import { assign, type Shape, type Tensor } from '../tensor.ts'

export interface Snapshot {
  step: number
  /** `node/parameter`, `node/optimizer.i` and `node/metrics`, all float32. */
  tensors: Map<string, { shape: Shape; data: Float32Array }>
}

const trainedNodes = (graph: Graph) => Object.entries(graph.nodes).filter(([, node]) => node.trained)

type Metrics = Record<string, Tensor>

export async function snapshot(
  step: number,
  graph: Graph,
  optimizers: readonly Optimizer[],
  metrics: Metrics,
): Promise<Snapshot> {
  const tensors: Snapshot['tensors'] = new Map()
  for (const [i, [name, node]] of trainedNodes(graph).entries()) {
    for (const [key, value] of await node.network.parameters.state()) tensors.set(`${name}/${key}`, value)
    for (const [j, state] of optimizers[i].state.entries()) {
      tensors.set(`${name}/optimizer.${j}`, { shape: state.shape, data: (await state.read()) as Float32Array })
    }
  }
  for (const [name, sums] of Object.entries(metrics)) {
    tensors.set(`${name}/metrics`, { shape: sums.shape, data: (await sums.read()) as Float32Array })
  }
  return { step, tensors }
}

/** Loads a snapshot and returns its step. Throws InputError when it is of another graph. */
export function restore(from: Snapshot, graph: Graph, optimizers: readonly Optimizer[], metrics: Metrics): number {
  for (const [i, [name, node]] of trainedNodes(graph).entries()) {
    const own = [...from.tensors].filter(([key]) => key.startsWith(`${name}/`))
    const parameters = own.filter(([key]) => !key.startsWith(`${name}/optimizer.`) && key !== `${name}/metrics`)
    node.network.parameters.load(new Map(parameters.map(([key, value]) => [key.slice(name.length + 1), value])))
    for (const [j, state] of optimizers[i].state.entries()) {
      const stored = from.tensors.get(`${name}/optimizer.${j}`)
      if (!stored || stored.data.length !== state.size) {
        throw new InputError(`resume: the checkpoint's optimizer state of '${name}' does not fit this run`)
      }
      assign(state, stored.data)
    }
  }
  for (const [name, sums] of Object.entries(metrics)) {
    const stored = from.tensors.get(`${name}/metrics`)
    if (stored?.data.length === sums.size) assign(sums, stored.data)
  }
  return from.step
}
