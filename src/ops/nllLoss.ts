// Cross-entropy as PyTorch has it, with weights of classes and labels to ignore. For rows that are taught as well, or
// whose accuracy and calibration are wanted, distillLoss does all in one.
import source from '../../shaders/nllLoss.wgsl'
import { record } from '../autograd.ts'
import { checkOptions, InputError, ShapeError } from '../errors.ts'
import { kernels } from '../gpu/kernel.ts'
import { empty, sameShape, showShape, type Tensor } from '../tensor.ts'
import { checkFloat, checkTensor } from './axes.ts'
import { toLayout } from './copy.ts'
import { div } from './pointwise.ts'
import { mean, sum } from './reduce.ts'
import { logSoftmax } from './softmax.ts'

const OPTIONS = ['weight', 'ignoreIndex', 'reduction']
const nll_ = kernels<'forward' | 'backward'>(source)

export interface NllLossOptions {
  /** [C], what a picture of each class counts; all 1 by default. No gradient. */
  weight?: Tensor
  /** Labels that count nothing, a class or not. Default -100. */
  ignoreIndex?: number
  /** `mean`: over what the labels count, NaN where that is nothing. Default `mean`. */
  reduction?: 'mean' | 'sum' | 'none'
}

export interface CrossEntropyOptions extends NllLossOptions {
  /** ε: the target is 1 - ε at the label and ε / C everywhere. Default 0. */
  labelSmoothing?: number
}

/**
 * -w[y] x[y] of logarithms of probabilities x [N, C] or [N, C, …] with labels y [N] or [N, …], i32 or u32: [] or, with
 * reduction `none`, the shape of the labels. A label that is no class makes the loss NaN and has no gradient. As
 * torch.nn.functional.nll_loss. Throws ShapeError where shapes don't fit, InputError for other dtypes and options.
 */
export function nllLoss(x: Tensor, labels: Tensor, options: NllLossOptions = {}): Tensor {
  checkOptions('nllLoss', options, OPTIONS)
  check('nllLoss', x, labels, options)
  return reduced('nllLoss', x, labels, options)
}

/**
 * nllLoss of logSoftmax(logits) over axis 1, with label smoothing. As torch.nn.functional.cross_entropy of labels. Throws
 * as `nllLoss`, and InputError for a smoothing outside 0 … 1.
 */
export function crossEntropy(logits: Tensor, labels: Tensor, options: CrossEntropyOptions = {}): Tensor {
  checkOptions('crossEntropy', options, [...OPTIONS, 'labelSmoothing'])
  check('crossEntropy', logits, labels, options)
  return reduced('crossEntropy', logSoftmax(logits, { axis: 1 }), labels, options)
}

function reduced(op: string, logarithms: Tensor, labels: Tensor, options: CrossEntropyOptions): Tensor {
  const { weight, ignoreIndex = -100, labelSmoothing: smoothing = 0, reduction = 'mean' } = options
  const [x, y] = [toLayout(logarithms, 'row'), toLayout(labels, 'row')]
  const [places, classes] = [y.size, x.shape[1]]
  const [low, high] = labels.dtype === 'i32' ? [-(2 ** 31), 2 ** 31] : [0, 2 ** 32]
  const ignores = low <= ignoreIndex && ignoreIndex < high ? 1 : 0
  const view = { places, classes, inner: places / Math.max(1, x.shape[0]) }
  const params = { ...view, ignores, ignored: ignores === 1 ? ignoreIndex | 0 : 0, smoothing, nan: Number.NaN }
  const variant = { constants: { WEIGHTED: weight ? 1 : 0 } }
  const each = empty(x.gpu, labels.shape, 'f32', 'row', op)
  const counted = empty(x.gpu, labels.shape, 'f32', 'row', `${op} weights`)
  const given = { labels: y, w: weight ?? x }
  nll_.forward({ ...given, x, each, counted }, { ...params, add: 0 }, { threads: [places] }, variant)
  record(op, each, [x], (dy, [dx]) => {
    if (dx) nll_.backward({ ...given, dy, dx: dx.to }, { ...params, add: dx.add }, { threads: [x.size] }, variant)
  })
  if (reduction === 'none') return each
  if (reduction === 'sum') return sum(each)
  return weight || ignores === 1 ? div(sum(each), sum(counted)) : mean(each)
}

function check(op: string, x: Tensor, labels: Tensor, options: CrossEntropyOptions): void {
  const { weight, ignoreIndex = -100, labelSmoothing = 0, reduction = 'mean' } = options
  checkFloat(op, x, ...(weight ? [weight] : []))
  checkTensor(`${op}: labels`, labels)
  const [n, c, ...rest] = x.shape
  if (labels.dtype === 'f32') throw new InputError(`${op}: labels of type f32, need u32 or i32`)
  if (x.shape.length < 2 || c === 0 || !sameShape(labels.shape, [n, ...rest])) {
    const shapes = `${showShape(x.shape)} with labels ${showShape(labels.shape)}`
    throw new ShapeError(`${op}: ${shapes}; needs [N, C] with [N], or [N, C, …] with [N, …]`)
  }
  if (weight && !sameShape(weight.shape, [c])) {
    throw new ShapeError(`${op}: weights ${showShape(weight.shape)} for ${c} classes, need [${c}]`)
  }
  if (!Number.isInteger(ignoreIndex)) throw new InputError(`${op}: ignoreIndex ${ignoreIndex}, needs a whole number`)
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new InputError(`${op}: labelSmoothing ${labelSmoothing}, needs 0 … 1`)
  }
  if (!['mean', 'sum', 'none'].includes(reduction)) {
    throw new InputError(`${op}: reduction '${reduction}', needs mean, sum or none`)
  }
}
