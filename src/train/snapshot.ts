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

/**
 * Loads a snapshot and returns its step. Throws InputError when it is of another graph, of another optimizer, or of a
 * longer run than this one of `steps`.
 */
export function restore(
  from: Snapshot,
  steps: number,
  graph: Graph,
  optimizers: readonly Optimizer[],
  metrics: Metrics,
): number {
  if (!(Number.isInteger(from.step) && from.step >= 0 && from.step <= steps)) {
    throw new InputError(`resume: the checkpoint is of step ${from.step}, this run has ${steps}`)
  }
  // Whatever does not fit is found before anything is overwritten.
  const loads: (() => void)[] = []
  const load = (key: string, what: string, to: Tensor) => {
    const stored = from.tensors.get(key)
    if (stored?.data.length !== to.size) throw unfit(what)
    loads.push(() => assign(to, stored.data))
  }
  for (const [i, [name, node]] of trainedNodes(graph).entries()) {
    const keys = [...from.tensors.keys()].filter((key) => key.startsWith(`${name}/`) && key !== `${name}/metrics`)
    const states = keys.filter((key) => key.startsWith(`${name}/optimizer.`))
    const parameters = keys.filter((key) => !states.includes(key))
    const values = new Map(parameters.map((key) => [key.slice(name.length + 1), from.tensors.get(key)!]))
    node.network.parameters.checkState(values)
    loads.push(() => node.network.parameters.load(values))
    const { state } = optimizers[i]
    if (states.length !== state.length) throw unfit(`optimizer state of '${name}'`)
    for (const [j, to] of state.entries()) load(`${name}/optimizer.${j}`, `optimizer state of '${name}'`, to)
  }
  for (const [name, sums] of Object.entries(metrics)) load(`${name}/metrics`, `sums of '${name}'`, sums)
  for (const run of loads) run()
  return from.step
}

const unfit = (what: string) => new InputError(`resume: the checkpoint's ${what} does not fit this run`)
