// What flows from one network to another, as data, and how its term of the loss is written.
import { numberOf, Scalar } from '../gpu/scalar.ts'
import type { Value } from '../ops/distillLoss.ts'

export interface Edge {
  /** A node, a name in `stored`, or several nodes: the target is the mean of their probabilities at this temperature. */
  from: string | readonly string[]
  to: string
  /** Softens both softmaxes. */
  temperature: number
  /** Divides the teacher's logits first: its calibration (temperature scaling). Default 1. */
  tau?: number
  weight: Value
  /** Epochs after which its weight is 0. Default: it stays. */
  until?: number
  /** Its gradient counts only in steps in which its dot product with that of the rest of the loss is above 0 (SCKD). */
  whileAgreeing?: boolean
  /** Weighs the two parts of the KL apart: label against all others, and the others among themselves (DKD). */
  decoupled?: { target: number; others: number }
}

/** Its term of the loss, as people write it. */
export function term({ from, to, temperature: T, tau = 1, weight, until, whileAgreeing, decoupled }: Edge): string {
  const teacher = typeof from === 'string' ? from : `mean(${from.join(', ')})`
  const target = tau === 1 ? teacher : `${teacher}/${tau.toFixed(3)}`
  const pair = T === 1 ? `(${target} ‖ ${to})` : `(${target} ‖ ${to}; T=${T})`
  const { target: a, others: b } = decoupled ?? { target: 1, others: 1 }
  const kl = decoupled ? `(${a} KL_target${pair} + ${b} KL_others${pair})` : `KL${pair}`
  const limits = [
    ...(until === undefined ? [] : [`until epoch ${until}`]),
    ...(whileAgreeing ? ['while agreeing'] : []),
  ]
  const w = numberOf(weight)
  return `${w === 1 ? '' : `${+w.toFixed(4)} `}${T === 1 ? '' : `${T}² `}${kl}${limits.length ? ` [${limits.join(', ')}]` : ''}`
}

/** Edges that end before training does get a weight that changes; call `at` before every step. */
export function endingEdges(edges: readonly Edge[]): { edges: Edge[]; at: (epoch: number) => void } {
  const ending: { weight: Scalar; full: Value; until: number }[] = []
  const all = edges.map((edge): Edge => {
    if (edge.until === undefined) return edge
    const weight = new Scalar('weight of an edge', numberOf(edge.weight))
    ending.push({ weight, full: edge.weight, until: edge.until })
    return { ...edge, weight }
  })
  return {
    edges: all,
    at(epoch) {
      for (const { weight, full, until } of ending) weight.value = epoch < until ? numberOf(full) : 0
    },
  }
}
