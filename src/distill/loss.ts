// What one node learns in a step: the fused loss, and the two kinds of edges that are more than a KL term in it.
import { accumulate, backward, noGrad } from '../autograd.ts'
import { InputError } from '../errors.ts'
import { type AnyNetwork, COSINE_SCALE } from '../nn/resnet.ts'
import { addWhereAgreeing } from '../ops/agree.ts'
import { concat } from '../ops/copy.ts'
import { distillLoss, type TeacherEdge } from '../ops/distillLoss.ts'
import { indexSelect, oneHot } from '../ops/indexSelect.ts'
import { add, exp, log, mul, scale, sub } from '../ops/pointwise.ts'
import { sum } from '../ops/reduce.ts'
import { max } from '../ops/select.ts'
import { softmax } from '../ops/softmax.ts'
import { empty, persistent, type Tensor } from '../tensor.ts'
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
   * The sums that the fused loss adds to. Cross-entropy stands there without its margin, a decoupled or agreeing term as
   * its plain KL, and not in the total.
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
  const edges = targets.map((target) => ({ ...termOf(target), ...(apart.includes(target) && { weight: 0 }) }))
  const { loss } = distillLoss(logits, { labels, labelSmoothing, ceWeight, edges, metrics })
  const decoupled = targets.filter((target) => target.decoupled && !target.whileAgreeing)
  const agreeing = targets.filter(({ whileAgreeing }) => whileAgreeing)
  const total = decoupled.reduce((all, target) => add(all, decoupledLoss(logits, target, labels)), loss)
  if (part.first) parameters.zeroGrad()
  const share = part.of === 1 ? undefined : persistent(logits.gpu, [], [1 / part.of])
  const whole = margin === 0 ? total : add(total, marginLoss(logits, { margin, ceWeight, labelSmoothing, labels }))
  backward(whole, share, { retain: agreeing.length > 0 })
  if (agreeing.length === 0) return

  const { gradients } = parameters.flat
  const rest = empty(logits.gpu, gradients.shape, 'f32', 'row', 'gradients without the agreeing edges')
  accumulate(gradients, rest, 0)
  const plain = agreeing.filter((target) => !target.decoupled).map(termOf)
  const also = agreeing.filter((target) => target.decoupled)
  const extra = distillLoss(logits, { labels, ceWeight: 0, edges: plain }).loss
  parameters.zeroGrad()
  backward(also.reduce((all, target) => add(all, decoupledLoss(logits, target, labels)), extra))
  addWhereAgreeing(rest, gradients)
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
