// Distillation as data: networks are nodes, knowledge flows along edges. An edge is T² KL(from ‖ to) with a temperature
// and a weight; a trained node adds its own cross-entropy. Supervised learning, KD, CQKD, DML and TriKD are graphs
// (`methods.ts` makes them), and nothing below knows their names.
import { noGrad } from '../autograd.ts'
import { InputError } from '../errors.ts'
import { numberOf } from '../gpu/scalar.ts'
import type { Folded } from '../nn/fold.ts'
import type { AnyNetwork } from '../nn/resnet.ts'
import { SUMS } from '../ops/distillLoss.ts'
import type { PictureSource, ViewOptions } from '../ops/pictures.ts'
import { persistent, type Tensor } from '../tensor.ts'
import { type Edge, term } from './edge.ts'
import { learn, meanLogits, type Part, type Target } from './loss.ts'

export interface GraphNode {
  network: AnyNetwork
  /** Which view of the batch it sees. */
  view: string
  /** Frozen nodes run in eval mode, without a gradient. */
  trained: boolean
  /** Of a frozen node: what `network.fold()` gave, to run on. */
  folded?: Folded
  /** Weight of the node's own cross-entropy. Default 1. */
  ceWeight?: number
  labelSmoothing?: number
  /** What the label's cosine has to be ahead by (CosFace): of a network with an embedding head. Default 0. */
  margin?: number
  /** false: a trained node normalises with its running statistics (`bnAfterEval: freeze`). Default true. */
  batchStatistics?: boolean
}

export interface Graph {
  views: Record<string, ViewOptions>
  nodes: Record<string, GraphNode>
  edges: readonly Edge[]
  /** `sequential`: a node is updated before the next one's loss, which sees its new outputs. Default `simultaneous`. */
  updates?: 'simultaneous' | 'sequential'
  /** Logits computed once for every row of the data set, [n, classes]: teachers that need not run. */
  stored?: Record<string, Tensor>
}

/** Throws InputError, naming the edge or node, for a graph that can't be trained. */
export function checkGraph({ views, nodes, edges, stored = {} }: Graph): void {
  for (const [name, node] of Object.entries(nodes)) {
    if (!(node.view in views))
      throw new InputError(`graph: node '${name}' sees '${node.view}'; views: ${Object.keys(views)}`)
  }
  for (const { from, to, temperature, tau = 1, weight, until, decoupled } of edges) {
    const edge = `edge ${from} → ${to}`
    const known = (name: string) => name in nodes || (typeof from === 'string' && name in stored)
    for (const name of [from].flat()) {
      if (!known(name)) throw new InputError(`graph: ${edge}: there is no '${name}'`)
    }
    if (from.length === 0) throw new InputError(`graph: ${edge}: from nobody`)
    if (!nodes[to]?.trained) throw new InputError(`graph: ${edge}: '${to}' is not a trained node`)
    if (!(temperature > 0 && Number.isFinite(temperature)))
      throw new InputError(`graph: ${edge}: temperature ${temperature}`)
    if (!(tau > 0 && Number.isFinite(tau))) throw new InputError(`graph: ${edge}: tau ${tau}`)
    if (!Number.isFinite(numberOf(weight))) throw new InputError(`graph: ${edge}: weight ${numberOf(weight)}`)
    if (until !== undefined && !(until >= 0)) throw new InputError(`graph: ${edge}: until epoch ${until}`)
    if (!decoupled) continue
    const looked = [from].flat().find((name) => name in stored)
    if (looked)
      throw new InputError(`graph: ${edge}: decoupled, so its teacher has to run; '${looked}' is stored logits`)
    if (until !== undefined || typeof weight !== 'number') {
      throw new InputError(`graph: ${edge}: decoupled, so its weight is a number that has no end`)
    }
  }
  if (!Object.values(nodes).some((n) => n.trained)) throw new InputError('graph: no node is trained')
}

/** The same graph, its frozen networks with batch norm folded into their convolutions. */
export function foldFrozen(graph: Graph): Graph {
  const fold = (node: GraphNode) => (node.trained ? node : { ...node, folded: node.network.fold?.() })
  const nodes = Object.entries(graph.nodes).map(([name, node]) => [name, fold(node)])
  return { ...graph, nodes: Object.fromEntries(nodes) }
}

/** The loss in force, as people write it. */
export function formula({ nodes, edges }: Pick<Graph, 'edges'> & { nodes: Record<string, Told> }): string[] {
  return Object.entries(nodes)
    .filter(([, node]) => node.trained)
    .map(([name, { ceWeight = 1, labelSmoothing = 0, margin = 0 }]) => {
      const how = [...(labelSmoothing ? [`smoothing ${labelSmoothing}`] : []), ...(margin ? [`margin ${margin}`] : [])]
      const labels = `CE(${[`${name}, y`, ...how].join('; ')})`
      const terms = ceWeight === 0 ? [] : [ceWeight === 1 ? labels : `${ceWeight} ${labels}`]
      for (const edge of edges) if (edge.to === name) terms.push(term(edge))
      return `L(${name}) = ${terms.join(' + ') || '0'}`
    })
}

type Told = Pick<GraphNode, 'trained' | 'ceWeight' | 'labelSmoothing' | 'margin'>

/** Running sums of every trained node's loss parts and metrics: see `meansOf`. */
export function makeMetrics(graph: Graph): Record<string, Tensor> {
  const trained = Object.entries(graph.nodes).filter(([, node]) => node.trained)
  return Object.fromEntries(
    trained.map(([name, { network }]) => {
      const { gpu } = network.parameters
      return [name, persistent(gpu, [SUMS], null, 'f32', 'row', `metrics ${name}`)]
    }),
  )
}

/**
 * Records one training step up to the gradients: views, forward passes, every trained node's loss, backward. Gradients
 * stop at a target. `update` is called for a node once its gradients are there: after all of them, so that all losses
 * see the logits of before the step, or, with sequential updates, before the next node's loss. `part` makes it one of
 * several parts of a batch: see FitOptions.microBatches.
 */
export function recordGradients(
  graph: Graph,
  source: PictureSource,
  labels: Tensor,
  metrics: Record<string, Tensor>,
  update?: (node: string) => void,
  part?: Part,
): void {
  const views = Object.fromEntries(Object.entries(graph.views).map(([name, view]) => [name, source.view(view)]))
  const logits: Record<string, Tensor> = {}
  const run = ({ network, view, trained, batchStatistics = true, folded }: GraphNode) =>
    network.forward(views[view], { train: trained && batchStatistics, folded })
  for (const [name, node] of Object.entries(graph.nodes)) {
    logits[name] = node.trained ? run(node) : noGrad(node.network.parameters.gpu, () => run(node))
  }
  const trained = Object.keys(graph.nodes).filter((name) => graph.nodes[name].trained)
  const sequential = graph.updates === 'sequential'
  for (const [i, name] of trained.entries()) {
    const node = graph.nodes[name]
    const edges = graph.edges.filter(({ to }) => to === name)
    const targets = edges.map((edge): Target => ({ ...edge, logits: targetOf(edge, graph, logits, source) }))
    learn(logits[name], {
      ...node,
      targets,
      labels: { from: labels, index: source.index },
      metrics: metrics[name],
      part,
    })
    if (!sequential) continue
    update?.(name)
    if (i + 1 < trained.length) logits[name] = noGrad(node.network.parameters.gpu, () => run(node))
  }
  if (!sequential) for (const name of trained) update?.(name)
}

/** Logits of this batch, or rows of stored ones. */
function targetOf(
  { from, temperature }: Edge,
  { stored }: Graph,
  logits: Record<string, Tensor>,
  source: PictureSource,
) {
  if (typeof from !== 'string')
    return meanLogits(
      from.map((name) => logits[name]),
      temperature,
    )
  return stored?.[from] ? { from: stored[from], index: source.index } : logits[from]
}
