// Distillation as data: networks are nodes, knowledge flows along edges. An edge is T² KL(from ‖ to) with a temperature
// and a weight; a trained node adds its own cross-entropy. Supervised learning, KD, CQKD, DML and TriKD are graphs, and
// nothing below knows their names.
import { backward, noGrad } from '../autograd.ts'
import { InputError } from '../errors.ts'
import type { Network } from '../nn/resnet.ts'
import { COLUMNS, distillLoss, type TeacherEdge } from '../ops/distillLoss.ts'
import type { PictureSource, ViewOptions } from '../ops/pictures.ts'
import { persistent, type Tensor } from '../tensor.ts'

export interface GraphNode {
  network: Network
  /** Which view of the batch it sees. */
  view: string
  /** Frozen nodes run in eval mode, without a gradient. */
  trained: boolean
  /** Weight of the node's own cross-entropy. Default 1. */
  ceWeight?: number
  labelSmoothing?: number
  /** false: a trained node normalises with its running statistics (`bnAfterEval: freeze`). Default true. */
  batchStatistics?: boolean
}

export interface Edge {
  /** A node, or a name in `stored`. */
  from: string
  to: string
  /** Softens both softmaxes. */
  temperature: number
  /** Divides the teacher's logits first: its calibration (temperature scaling). Default 1. */
  tau?: number
  weight: number
}

export interface Graph {
  views: Record<string, ViewOptions>
  nodes: Record<string, GraphNode>
  edges: readonly Edge[]
  /** Logits computed once for every row of the data set, [n, classes]: teachers that need not run. */
  stored?: Record<string, Tensor>
}

/** Throws InputError, naming the edge or node, for a graph that can't be trained. */
export function checkGraph({ views, nodes, edges, stored = {} }: Graph): void {
  for (const [name, node] of Object.entries(nodes)) {
    if (!(node.view in views))
      throw new InputError(`graph: node '${name}' sees '${node.view}'; views: ${Object.keys(views)}`)
  }
  for (const { from, to, temperature, tau = 1, weight } of edges) {
    const edge = `edge ${from} → ${to}`
    if (!(from in nodes) && !(from in stored)) throw new InputError(`graph: ${edge}: there is no '${from}'`)
    if (!nodes[to]?.trained) throw new InputError(`graph: ${edge}: '${to}' is not a trained node`)
    if (!(temperature > 0 && Number.isFinite(temperature)))
      throw new InputError(`graph: ${edge}: temperature ${temperature}`)
    if (!(tau > 0 && Number.isFinite(tau))) throw new InputError(`graph: ${edge}: tau ${tau}`)
    if (!Number.isFinite(weight)) throw new InputError(`graph: ${edge}: weight ${weight}`)
  }
  if (!Object.values(nodes).some((n) => n.trained)) throw new InputError('graph: no node is trained')
}

/** The loss in force, as people write it. */
export function formula({ nodes, edges }: Graph): string[] {
  return Object.entries(nodes)
    .filter(([, node]) => node.trained)
    .map(([name, { ceWeight = 1, labelSmoothing = 0 }]) => {
      const labels = labelSmoothing ? `CE(${name}, y; smoothing ${labelSmoothing})` : `CE(${name}, y)`
      const terms = ceWeight === 0 ? [] : [ceWeight === 1 ? labels : `${ceWeight} ${labels}`]
      for (const { from, to, temperature: T, tau = 1, weight } of edges) {
        if (to !== name) continue
        const target = tau === 1 ? from : `${from}/${tau.toFixed(3)}`
        const kl = T === 1 ? `KL(${target} ‖ ${to})` : `${T}² KL(${target} ‖ ${to}; T=${T})`
        terms.push(weight === 1 ? kl : `${+weight.toFixed(4)} ${kl}`)
      }
      return `L(${name}) = ${terms.join(' + ') || '0'}`
    })
}

/** Running sums of every trained node's loss parts and metrics: COLUMNS, then the number of pictures. */
export function makeMetrics(graph: Graph): Record<string, Tensor> {
  const trained = Object.entries(graph.nodes).filter(([, node]) => node.trained)
  return Object.fromEntries(
    trained.map(([name, { network }]) => {
      const { gpu } = network.parameters
      return [name, persistent(gpu, [COLUMNS.length + 1], null, 'f32', 'row', `metrics ${name}`)]
    }),
  )
}

/**
 * Records one training step up to the gradients: views, forward passes, every trained node's fused loss, backward.
 * All losses see the logits of before the step; gradients stop at a target.
 */
export function recordGradients(
  graph: Graph,
  source: PictureSource,
  labels: Tensor,
  metrics: Record<string, Tensor>,
): void {
  const views = Object.fromEntries(Object.entries(graph.views).map(([name, view]) => [name, source.view(view)]))
  const logits: Record<string, Tensor> = {}
  for (const [name, node] of Object.entries(graph.nodes)) {
    const { network, view, trained, batchStatistics = true } = node
    const { gpu } = network.parameters
    const run = () => network.forward(views[view], { train: trained && batchStatistics })
    logits[name] = trained ? run() : noGrad(gpu, run)
  }
  for (const [name, node] of Object.entries(graph.nodes)) {
    if (!node.trained) continue
    const { parameters } = node.network
    const { loss } = distillLoss(logits[name], {
      labels: { from: labels, index: source.index },
      labelSmoothing: node.labelSmoothing,
      ceWeight: node.ceWeight,
      edges: edgesInto(name, graph, logits, source),
      metrics: metrics[name],
    })
    parameters.zeroGrad()
    backward(loss)
  }
}

/** The targets of one node: logits of this batch, or rows of stored ones. */
function edgesInto(name: string, graph: Graph, logits: Record<string, Tensor>, source: PictureSource): TeacherEdge[] {
  return graph.edges
    .filter(({ to }) => to === name)
    .map(({ from, temperature, tau, weight }) => {
      const stored = graph.stored?.[from]
      return { logits: stored ? { from: stored, index: source.index } : logits[from], temperature, tau, weight }
    })
}
