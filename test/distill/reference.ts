// The loss of every graph in float64, as plain as the papers write it, and what holds a method against it. The networks
// are parameters that are logits.
import { checkGraph, type Graph, makeMetrics, recordGradients } from '../../src/distill/graph.ts'
import type * as methods from '../../src/distill/methods.ts'
import { Parameters } from '../../src/nn/parameters.ts'
import type { Network } from '../../src/nn/resnet.ts'
import { pictureSource } from '../../src/ops/pictures.ts'
import { persistent } from '../../src/tensor.ts'
import { allclose, uniform } from '../check.ts'
import { engine } from '../device.ts'

export const [N, C] = [5, 4]
export const LABELS = [2, 0, 3, 1, 2]
export const { gpu } = engine
export const view = { height: 1, width: 1 }
const pictures = { images: new Uint8Array(N), n: N, channels: 1, height: 1, width: 1, mean: [0], std: [1] }
export const rows = Uint32Array.of(4, 1, 0, 3, 2)

export interface Seen {
  network: Network
  view: string
}

/** A "network" whose output is its only parameter, whatever it sees. */
export function seen(seed: number): Seen {
  const values = uniform(N * C, seed).map((x) => 4 * x)
  const parameters = new Parameters(gpu, [{ name: 'z', shape: [N, C], values, kind: 'weight' }])
  const network = { parameters, forward: () => parameters.get('z') } as unknown as Network
  return { network, view: 'all' }
}

export type Logits = Record<string, Float64Array>

export const softmax = (z: ArrayLike<number>, row: number, T: number) => {
  const e = Array.from({ length: C }, (_, c) => Math.exp(z[row * C + c] / T))
  const total = e.reduce((a, b) => a + b)
  return e.map((x) => x / total)
}
export const kl = (p: number[], q: number[]) => p.reduce((total, x, c) => total + x * Math.log(x / q[c]), 0)

/** The loss of one node in float64, mean over the batch. */
export function lossOf(
  name: string,
  node: methods.Role,
  edges: readonly methods.EdgeOf<number>[],
  all: Logits,
): number {
  let total = 0
  for (let row = 0; row < N; row++) {
    const label = LABELS[rows[row]]
    const p = softmax(all[name], row, 1)
    const { ceWeight, labelSmoothing: e = 0 } = node
    total -= ceWeight * p.reduce((ce, x, c) => ce + ((c === label ? 1 - e : 0) + e / C) * Math.log(x), 0)
    for (const { from, to, temperature: T, tau, weight, decoupled } of edges) {
      if (to !== name) continue
      const teachers = [from].flat().map((one) => softmax(all[one], row, T * tau))
      const target = teachers[0].map((_, c) => teachers.reduce((m, t) => m + t[c] / teachers.length, 0))
      const own = softmax(all[name], row, T)
      if (!decoupled) total += weight * T * T * kl(target, own)
      else {
        const pair = (q: number[]) => [q[label], 1 - q[label]]
        const others = (q: number[]) => q.filter((_, c) => c !== label).map((x) => x / (1 - q[label]))
        const parts =
          decoupled.target * kl(pair(target), pair(own)) + decoupled.others * kl(others(target), others(own))
        total += weight * T * T * parts
      }
    }
  }
  return total / N
}

/** By central differences in float64. */
export function gradientOf(
  name: string,
  node: methods.Role,
  edges: readonly methods.EdgeOf<number>[],
  all: Logits,
): Float64Array {
  return all[name].map((_, i) => {
    const at = (h: number) =>
      lossOf(name, node, edges, { ...all, [name]: all[name].map((x, j) => (j === i ? x + h : x)) })
    return (at(1e-5) - at(-1e-5)) / 2e-5
  })
}

export type Made = methods.Method<Seen>

export async function logitsOf(nodes: Made['nodes']): Promise<Logits> {
  const all = Object.entries(nodes).map(async ([name, { network }]) => {
    return [name, Float64Array.from(await network.parameters.get('z').read())] as const
  })
  return Object.fromEntries(await Promise.all(all))
}

/** Runs one recorded step of a method; `update` as in `recordGradients`. */
export function record(method: Made, more: Partial<Graph> = {}, update?: (node: string) => void) {
  const graph: Graph = { views: { all: view }, ...method, ...more }
  checkGraph(graph)
  const source = pictureSource(gpu, pictures, N)
  source.select(rows)
  const labels = persistent(gpu, [N], LABELS, 'u32')
  const metrics = makeMetrics(graph)
  engine.step(() => recordGradients(graph, source, labels, metrics, update))
  return { metrics, gradient: (name: string) => graph.nodes[name].network.parameters.get('z').grad!.read() }
}

/** Every trained node's gradient, and its loss as it is reported. */
export async function check(what: string, method: Made, more: Partial<Graph> = {}, stored: Logits = {}): Promise<void> {
  const all = { ...(await logitsOf(method.nodes)), ...stored }
  const { metrics, gradient } = record(method, more)
  for (const [name, node] of Object.entries(method.nodes)) {
    if (!node.trained) continue
    allclose(
      await gradient(name),
      gradientOf(name, node, method.edges, all),
      { atol: 3e-6, rtol: 1e-4 },
      `${what}: ${name}`,
    )
    const [total] = await metrics[name].read()
    allclose(
      [total / N],
      [lossOf(name, node, method.edges, all)],
      { atol: 3e-6, rtol: 1e-6 },
      `${what}: loss of ${name}`,
    )
  }
}
