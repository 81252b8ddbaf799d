// What one node learns in a step: the fused loss, and the two kinds of edges that are more than a KL term in it.
import { accumulate, backward, noGrad } from '../autograd.ts'
import { InputError } from '../errors.ts'
import { type AnyNetwork, COSINE_SCALE } from '../nn/resnet.ts'
import { addWhereAgreeing } from '../ops/agree.ts'
import { concat } from '../ops/copy.ts'
import { distillLoss, MOST_EDGES, MOST_TEACHERS, type TeacherEdge } from '../ops/distillLoss.ts'
import { indexSelect, oneHot } from '../ops/indexSelect.ts'
import { add, exp, log, mul, scale, sub } from '../ops/pointwise.ts'
import { sum } from '../ops/reduce.ts'
import { max } from '../ops/select.ts'
import { softmax } from '../ops/softmax.ts'
import { empty, persistent, Tensor } from '../tensor.ts'
import type { Edge } from './edge.ts'

/** An edge with the logits that it brings. */
export type Target = Omit<Edge, 'from' | 'to'> & Pick<TeacherEdge, 'logits'>

/** One of `of` equal parts of a batch, whose gradients add up to the batch's; `first` begins the sum. */
export interface Part {
  of: number
  first: boolean
}

interface Learner {
  /** Default: the whole batch. */
  part?: Part
  network: AnyNetwork
  ceWeight?: number
  labelSmoothing?: number
  margin?: number
  targets: Target[]
  labels: { from: Tensor; index: Tensor }
  /**
   * The sums that the fused loss adds to. The total is all that is minimised. Beside it cross-entropy stands without its
   * margin, a decoupled term as its plain KL, and the KL of the first edges only: see `together`.
   */
  metrics: Tensor
}

/** Records loss and backward of one node; its gradients are overwritten, or added to from the second part on. */
export function learn(
  logits: Tensor,
  { network, ceWeight, labelSmoothing, margin = 0, targets, labels, metrics, part = { of: 1, first: true } }: Learner,
): void {
  const { parameters } = network
  const apart = targets.filter(({ decoupled, whileAgreeing }) => decoupled || whileAgreeing)
  const terms = targets.map((target) => ({ ...termOf(target), ...(apart.includes(target) && { weight: 0 }) }))
  const [edges, ...further] = together(terms)
  const { loss } = distillLoss(logits, { labels, labelSmoothing, ceWeight, edges, metrics })
  const distilled = (edges: TeacherEdge[]) => distillLoss(logits, { labels, ceWeight: 0, edges }).loss
  const beside = further.map(distilled)
  const decoupled = (target: Target) => decoupledLoss(logits, target, labels)
  beside.push(...targets.filter((target) => target.decoupled && !target.whileAgreeing).map(decoupled))
  if (margin !== 0) beside.push(marginLoss(logits, { margin, ceWeight, labelSmoothing, labels }))
  count(beside, logits, metrics)
  if (part.first) parameters.zeroGrad()
  const share = part.of === 1 ? undefined : persistent(logits.gpu, [], [1 / part.of])
  const agreeing = targets.filter(({ whileAgreeing }) => whileAgreeing)
  backward(beside.reduce(add, loss), share, { retain: agreeing.length > 0 })
  if (agreeing.length === 0) return

  const { gradients } = parameters.flat
  const rest = empty(logits.gpu, gradients.shape, 'f32', 'row', 'gradients without the agreeing edges')
  accumulate(gradients, rest, 0)
  const extra = together(agreeing.filter((target) => !target.decoupled).map(termOf)).map(distilled)
  extra.push(...agreeing.filter((target) => target.decoupled).map(decoupled))
  count(extra, logits, metrics)
  parameters.zeroGrad()
  backward(extra.reduce(add))
  addWhereAgreeing(rest, gradients)
}

/** Edges in groups that one fused loss takes each: the first one's KL terms are measured, too. */
function together(edges: TeacherEdge[]): TeacherEdge[][] {
  const groups: TeacherEdge[][] = [[]]
  for (const edge of edges) {
    const group = groups.at(-1)!
    const tensors = new Set([...group, edge].map(({ logits }) => ('from' in logits ? logits.from : logits)))
    if (group.length < MOST_EDGES && tensors.size <= MOST_TEACHERS) group.push(edge)
    else groups.push([edge])
  }
  return groups
}

/** Adds losses, means over the batch, to the total in the sums. */
function count(losses: Tensor[], { gpu, shape }: Tensor, metrics: Tensor): void {
  const total = new Tensor(metrics.storage, metrics.offset, [])
  noGrad(gpu, () => {
    for (const loss of losses) accumulate(scale(loss, shape[0]), total, 1)
  })
}

/** Its plain KL term. */
const termOf = ({ logits, temperature, tau, weight }: Target): TeacherEdge => ({ logits, temperature, tau, weight })

/** What the cross-entropy is more where the label's cosine counts less by the margin (Wang et al. 2018). */
function marginLoss(
  logits: Tensor,
  { margin, ceWeight, labelSmoothing, labels }: Pick<Learner, 'margin' | 'ceWeight' | 'labelSmoothing' | 'labels'>,
): Tensor {
  const less = noGrad(logits.gpu, () => scale(hot(logits, labels), -COSINE_SCALE * margin!))
  const loss = (of: Tensor) => distillLoss(of, { labels, ceWeight, labelSmoothing }).loss
  return sub(loss(add(logits, less)), loss(logits))
}

/** Logits whose softmax at T is the mean of the softmaxes of `all` at T. */
export function meanLogits(all: Tensor[], T: number): Tensor {
  return noGrad(all[0].gpu, () => {
    const total = all.map((logits) => softmax(logits, { temperature: T })).reduce(add)
    // What no member thinks possible gets 1e-30, whose logarithm is finite.
    return scale(log(add(scale(total, 1 / all.length), 1e-30)), T)
  })
}

/**
 * weight T² (target KL(b_t ‖ b_s) + others KL(o_t ‖ o_s)): b the two probabilities of the label and of all else, o those
 * of the other classes among themselves (Zhao et al. 2022). With target = 1 and others = the teacher's probability of
 * all else it would be the KL itself.
 */
function decoupledLoss(logits: Tensor, target: Target, labels: Learner['labels']): Tensor {
  const { temperature: T, tau = 1, weight, decoupled } = target
  if ('from' in target.logits) throw new InputError('a decoupled edge needs a teacher that runs, not stored logits')
  if (typeof weight !== 'number') throw new InputError('a decoupled edge has no end: its weight is a number')
  const { gpu } = logits
  const none = { labels, ceWeight: 0, gradient: true }
  const label = noGrad(gpu, () => hot(logits, labels))
  const hide = noGrad(gpu, () => scale(label, -1e4))
  const taught = noGrad(gpu, () => scale(target.logits as Tensor, 1 / tau))
  // Logits of the label against all others.
  const pair = (x: Tensor) => {
    const among = { axes: 1, keepDims: true }
    const others = scale(add(x, hide), 1 / T)
    const top = max(others, among)
    const all = add(top, log(sum(exp(sub(others, top)), among)))
    return concat([scale(sum(mul(x, label), among), 1 / T), all], 1)
  }
  const two = noGrad(gpu, () => pair(taught))
  const first = distillLoss(pair(logits), {
    ...none,
    edges: [{ logits: two, weight: weight * T * T * decoupled!.target }],
  })
  const rest = noGrad(gpu, () => add(taught, hide))
  const edge = { logits: rest, temperature: T, weight: weight * decoupled!.others }
  const second = distillLoss(add(logits, hide), { ...none, edges: [edge] })
  return add(first.loss, second.loss)
}

/** 1 at the label of each row of logits. */
function hot(logits: Tensor, { from, index }: Learner['labels']): Tensor {
  return oneHot(indexSelect(from, index), logits.shape[1])
}
