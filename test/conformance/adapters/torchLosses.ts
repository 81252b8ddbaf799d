// Losses, metrics and calibration of the torch suite. Every loss is the one fused call with other inputs.
import { backward } from '../../../src/autograd.ts'
import { ece } from '../../../src/ops/calibration.ts'
import { reshape, slice } from '../../../src/ops/copy.ts'
import {
  COLUMNS,
  type Column,
  type DistillLoss,
  type DistillLossOptions,
  distillLoss,
} from '../../../src/ops/distillLoss.ts'
import { argmax } from '../../../src/ops/select.ts'
import { logSoftmax, softmax } from '../../../src/ops/softmax.ts'
import { fitTemperature } from '../../../src/report/temperature.ts'
import type { Tensor } from '../../../src/tensor.ts'
import type { Case } from '../cases.ts'
import { type Adapters, input, type Results, upload } from '../harness.ts'

interface LossAttributes {
  temperature: number
  alpha: number
  label_smoothing: number
  reduction: 'none' | 'mean' | 'sum'
  n_bins: number
  boundaries?: number[]
}

const read = (c: Case, name: string) => upload(input(c, name))
const labelsOf = (c: Case) => upload(input(c, 'labels'), { dtype: 'u32' })
const leaf = (c: Case, name: string) => upload(input(c, name), { requiresGrad: true })

const entry = (x: Tensor, i: number) => slice(x, { starts: [i], ends: [i + 1] })
/** A column reduced over the batch, []. */
const part = ({ parts }: DistillLoss, column: Column) => reshape(entry(parts, COLUMNS.indexOf(column)), [])
/** A column's values, [N]. */
const values = ({ table }: DistillLoss, column: Column) => reshape(entry(table, COLUMNS.indexOf(column)), [-1])

function trained(c: Case, name: string, options: DistillLossOptions): { result: DistillLoss; gradient: Tensor } {
  const logits = leaf(c, name)
  const result = distillLoss(logits, options)
  backward(result.loss)
  return { result, gradient: logits.grad! }
}

function crossEntropy(c: Case): Results {
  const { label_smoothing: labelSmoothing, reduction } = c.attributes as unknown as LossAttributes
  const each = reduction === 'none'
  const options = { labels: labelsOf(c), labelSmoothing, reduction: each ? ('sum' as const) : reduction }
  const { result, gradient } = trained(c, 'logits', options)
  return { loss: each ? values(result, 'ce') : result.loss, grad_logits: gradient }
}

function distilled(c: Case): Results {
  const { temperature, alpha, label_smoothing: labelSmoothing } = c.attributes as unknown as LossAttributes
  const edges = [{ logits: read(c, 'teacher'), temperature, weight: alpha }]
  const { result, gradient } = trained(c, 'student', {
    labels: labelsOf(c),
    labelSmoothing,
    ceWeight: 1 - alpha,
    edges,
  })
  return { loss: result.loss, ce: part(result, 'ce'), kd: part(result, 'kl0'), grad_student: gradient }
}

function divergence(c: Case): Results {
  const { temperature } = c.attributes as unknown as LossAttributes
  const teacher = read(c, 'teacher')
  const labels = upload(
    { ...input(c, 'teacher'), shape: [teacher.shape[0]], values: new Uint8Array(teacher.shape[0]) },
    { dtype: 'u32' },
  )
  const { result, gradient } = trained(c, 'student', { labels, ceWeight: 0, edges: [{ logits: teacher, temperature }] })
  return { loss: result.loss, grad_student: gradient }
}

/** Student and teacher learn from each other and from the anchor. */
function trikd(c: Case): Results {
  const { temperature, ...weights } = c.attributes as Record<string, number>
  const labels = labelsOf(c)
  const node = (name: string, peer: string) => {
    const own = name[0]
    const edge = (from: string) => ({ logits: read(c, from), temperature, weight: weights[`w_${own}_${from[0]}`] })
    return trained(c, name, { labels, ceWeight: weights[`w_${own}_ce`], edges: [edge(peer), edge('anchor')] })
  }
  const [student, teacher] = [node('student', 'teacher'), node('teacher', 'student')]
  return {
    loss_student: student.result.loss,
    loss_teacher: teacher.result.loss,
    ce_student: part(student.result, 'ce'),
    ce_teacher: part(teacher.result, 'ce'),
    kd_student_from_teacher: part(student.result, 'kl0'),
    kd_student_from_anchor: part(student.result, 'kl1'),
    kd_teacher_from_student: part(teacher.result, 'kl0'),
    kd_teacher_from_anchor: part(teacher.result, 'kl1'),
    grad_student: student.gradient,
    grad_teacher: teacher.gradient,
  }
}

function metrics(c: Case): Results {
  const result = distillLoss(read(c, 'logits'), { labels: labelsOf(c) })
  return {
    nll: part(result, 'nll'),
    brier: part(result, 'brier'),
    entropy: values(result, 'entropy'),
    entropy_mean: part(result, 'entropy'),
    accuracy: part(result, 'hit'),
    top5_accuracy: part(result, 'top5'),
  }
}

function calibration(answers: Parameters<typeof ece>[0], { n_bins, boundaries }: LossAttributes): Results {
  // Torch-based code has bins (lo, hi] and nothing else: a confidence of 0 is in none.
  const shape = boundaries ? { edges: boundaries } : { bins: n_bins }
  const { errors, bins } = ece(answers, { ...shape, zeroInFirst: false })
  const counts = slice(bins, { starts: [0], ends: [1], axes: [1] })
  return { ece: reshape(entry(errors, 0), []), bin_counts: reshape(counts, [-1]) }
}

function softmaxAt(c: Case): Results {
  const { temperature } = c.attributes as unknown as LossAttributes
  const [one, two] = [leaf(c, 'logits'), leaf(c, 'logits')]
  const [probabilities, logarithms] = [
    softmax(one, { axis: 1, temperature }),
    logSoftmax(two, { axis: 1, temperature }),
  ]
  backward(probabilities, read(c, 'grad_y'))
  backward(logarithms, read(c, 'grad_y'))
  return {
    softmax: probabilities,
    log_softmax: logarithms,
    grad_logits_of_softmax: one.grad!,
    grad_logits_of_log_softmax: two.grad!,
  }
}

export const torchLosses: Adapters = {
  argmax: (c) => ({ index: argmax(read(c, 'x'), 1) }),
  softmax_t: softmaxAt,
  cross_entropy: crossEntropy,
  kl_distill: divergence,
  cqkd_loss: distilled,
  trikd_loss: trikd,
  classification_metrics: metrics,
  ece: (c) => {
    const { table } = distillLoss(read(c, 'logits'), { labels: labelsOf(c) })
    return calibration({ table }, c.attributes as unknown as LossAttributes)
  },
  ece_from_confidence: (c) => {
    const correct = upload(input(c, 'correct'), { dtype: 'f32' })
    return calibration({ confidence: read(c, 'confidence'), correct }, c.attributes as unknown as LossAttributes)
  },
  temperature_scaling: (c) => {
    const logits = input(c, 'logits')
    const fit = fitTemperature(logits.values, input(c, 'labels').values, logits.shape[1])
    return { temperature: [fit.tau], nll_before: [fit.nllBefore], nll_after: [fit.nllAfter] }
  },
}
