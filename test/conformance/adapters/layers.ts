// Convolution, products, pooling, normalisation, softmax and resizing as ONNX has them.
import { backward } from '../../../src/autograd.ts'
import { ShapeError } from '../../../src/errors.ts'
import { batchNorm } from '../../../src/ops/batchNorm.ts'
import { conv2d } from '../../../src/ops/conv2d.ts'
import { permute, reshape, toLayout } from '../../../src/ops/copy.ts'
import { matmul } from '../../../src/ops/matmul.ts'
import { crossEntropy, type NllLossOptions, nllLoss } from '../../../src/ops/nllLoss.ts'
import { add, mul } from '../../../src/ops/pointwise.ts'
import { avgPool2d, globalAvgPool, maxPool2dWithIndices } from '../../../src/ops/pool.ts'
import { resizeBilinear, resizeBilinearAntialias, resizeNearest } from '../../../src/ops/resize.ts'
import { logSoftmax, softmax } from '../../../src/ops/softmax.ts'
import { type Shape, sizeOf, type Tensor } from '../../../src/tensor.ts'
import { refuse, zeros } from '../harness.ts'
import type { Attributes, Operators } from './operator.ts'

/** ONNX's pads, with `auto_pad` resolved: [top, left, bottom, right]. */
function padsOf(shape: Shape, kernel: readonly number[], a: Attributes): number[] {
  const { auto_pad = 'NOTSET', pads = [0, 0, 0, 0], strides = [1, 1], dilations = [1, 1] } = a
  if (auto_pad === 'NOTSET') return pads
  if (auto_pad === 'VALID') return [0, 0, 0, 0]
  const totals = [0, 1].map((i) => {
    const windows = Math.ceil(shape[2 + i] / strides[i])
    return Math.max(0, (windows - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1 - shape[2 + i])
  })
  const less = totals.map((total) => Math.floor(total / 2))
  const more = totals.map((total, i) => total - less[i])
  return auto_pad === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less]
}

function pooling(x: Tensor, a: Attributes) {
  const { kernel_shape: kernel, strides: stride = [1, 1], dilations: dilation = [1, 1], output_sizes } = a
  const options = { kernel, stride, dilation, padding: padsOf(x.shape, kernel, a), ceilMode: a.ceil_mode === 1 }
  if (!output_sizes) return options
  // WebNN names the size of the result: it is that of rounding down or that of rounding up.
  const ceilMode = [false, true].find((ceilMode) => {
    const { shape } = maxPool2dWithIndices(x, { ...options, ceilMode }).y
    return shape[2] === output_sizes[0] && shape[3] === output_sizes[1]
  })
  return ceilMode === undefined ? refuse('pool', 'output_sizes', output_sizes) : { ...options, ceilMode }
}

/** A transposed convolution is the gradient of a convolution with respect to its input. */
function transposed([x, w, b]: Tensor[], a: Attributes): Tensor {
  const { strides = [1, 1], dilations = [1, 1], group = 1, output_padding = [0, 0], output_shape } = a
  const [n, , h, width] = x.shape
  const kernel = w.shape.slice(2)
  const full = [h, width].map((d, i) => (d - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1 + output_padding[i])
  let pads = a.pads ?? [0, 0, 0, 0]
  const same = a.auto_pad === 'SAME_UPPER' || a.auto_pad === 'SAME_LOWER'
  const wanted = output_shape?.slice(-2) ?? (same ? [h * strides[0], width * strides[1]] : null)
  if (wanted) {
    const totals = full.map((d, i) => d - wanted[i])
    const first = totals.map((total) => (a.auto_pad === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2)))
    pads = [...first, ...totals.map((total, i) => total - first[i])]
  }
  const size = full.map((d, i) => d - pads[i] - pads[i + 2])
  const z = zeros([n, w.shape[1] * group, ...size], { layout: 'chwn', requiresGrad: true })
  try {
    // What was asked for beyond the last window is rows of zeros: no padding of the convolution.
    const padding = pads.map((p) => Math.max(0, p))
    const y = conv2d(z, w, null, { stride: strides, padding, dilation: dilations, groups: group })
    backward(y, toLayout(x, 'chwn'))
  } catch (error) {
    if (error instanceof ShapeError) refuse('ConvTranspose', 'output_padding', output_padding)
    throw error
  }
  return b ? add(z.grad!, reshape(b, [1, b.size, 1, 1])) : z.grad!
}

/** The channel axis second, the others in one: [N, C, rest, 1], and the way back. */
function channelsSecond(x: Tensor, axis: number): { x: Tensor; back: (y: Tensor) => Tensor } {
  const rank = x.shape.length
  const channel = axis < 0 ? axis + rank : axis
  const order = [channel, ...x.shape.map((_, i) => i).filter((i) => i !== channel)]
  const front = permute(x, order)
  const inverse = x.shape.map((_, i) => order.indexOf(i))
  const c = x.shape[channel]
  const flat = reshape(front, [1, c, sizeOf(x.shape) / c, 1])
  return { x: flat, back: (y) => permute(reshape(y, front.shape), inverse) }
}

function normalised([input, gamma, beta, mean, variance]: Tensor[], a: Attributes): Tensor[] {
  const { epsilon: eps = 1e-5, momentum = 0.9, training_mode = 0, axis = 1 } = a
  const { x, back } = channelsSecond(input, axis)
  const c = gamma.size
  // momentum 1 leaves the batch's own statistics; ONNX keeps (1 - momentum) of them, the variance the biased one.
  const [runningMean, runningVar] = [mul(mean, 1), mul(variance, 1)]
  const y = batchNorm(x, { gamma, beta, runningMean, runningVar }, { train: training_mode === 1, momentum: 1, eps })
  if (training_mode === 0) return [back(y)]
  const count = x.size / c
  const kept = (old: Tensor, batch: Tensor, factor: number) =>
    add(mul(old, momentum), mul(batch, (1 - momentum) * factor))
  return [back(y), kept(mean, runningMean, 1), kept(variance, runningVar, (count - 1) / count)]
}

function lossOptions([, , weight]: Tensor[], { reduction = 'mean', ignore_index }: Attributes): NllLossOptions {
  return { reduction, weight, ignoreIndex: ignore_index ?? undefined }
}

/** Whether a centre lies where two of n pixels meet, of which ONNX may want the first and we take the second. */
const onEdge = (n: number, m: number) =>
  Array.from({ length: m }, (_, k) => (2 * k + 1) * n).some((at) => at % (2 * m) === 0)

/** Only what networks need: nearest and linear, half-pixel centres, two axes, scales that fit the sizes exactly. */
function resized(x: Tensor, a: Attributes): Tensor {
  const {
    mode,
    nearest_mode: nearest = 'round_prefer_floor',
    coordinate_transformation_mode: transform = 'half_pixel',
    antialias,
    exclude_outside,
    scales,
    sizes,
  } = a
  const { keep_aspect_ratio_policy: policy = 'stretch' } = a
  const axes = (a.axes ?? x.shape.map((_, i) => i)).map((axis) => (axis < 0 ? axis + x.shape.length : axis))
  if (mode !== 'linear' && mode !== 'nearest') refuse('Resize', 'mode', mode)
  if (transform !== 'half_pixel') refuse('Resize', 'coordinate_transformation_mode', transform)
  if (exclude_outside && !antialias) refuse('Resize', 'exclude_outside', exclude_outside)
  if (policy !== 'stretch') refuse('Resize', 'keep_aspect_ratio_policy', policy)
  const size = x.shape.map((d, i) => {
    const at = axes.indexOf(i)
    return at < 0 ? d : (sizes?.[at] ?? d * scales[at])
  })
  if (!size.every(Number.isInteger)) refuse('Resize', 'scales', scales)
  // The two axes that change become height and width.
  const changed = axes.filter((axis) => size[axis] !== x.shape[axis])
  if (changed.length > 2) refuse('Resize', 'axes', axes)
  const others = x.shape.map((_, i) => i).filter((i) => !changed.includes(i))
  const order = [...others, ...changed.sort()]
  if (
    mode === 'nearest' &&
    (nearest !== 'round_prefer_floor' || order.slice(2).some((i) => onEdge(x.shape[i], size[i])))
  )
    refuse('Resize', 'nearest_mode', nearest)
  const resize = mode === 'nearest' ? resizeNearest : antialias ? resizeBilinearAntialias : resizeBilinear
  const y = resize(
    permute(x, order),
    order.slice(2).map((i) => size[i]),
  )
  return permute(
    y,
    x.shape.map((_, i) => order.indexOf(i)),
  )
}

export const layers: Operators = {
  Conv: ([x, w, b], a) => {
    const { strides: stride = [1, 1], dilations: dilation = [1, 1], group: groups = 1 } = a
    const padding = padsOf(x.shape, w.shape.slice(2), a)
    return conv2d(toLayout(x, 'chwn'), w, b ?? null, { stride, padding, dilation, groups })
  },
  ConvTranspose: transposed,
  MatMul: ([a, b]) => matmul(a, b),
  Gemm: ([a, b, c], { alpha = 1, beta = 1, transA, transB }) => {
    const product = matmul(a, b, { transposeA: transA === 1, transposeB: transB === 1 })
    const scaled = alpha === 1 ? product : mul(product, alpha)
    return c ? add(scaled, beta === 1 ? c : mul(c, beta)) : scaled
  },
  AveragePool: ([x], a) => avgPool2d(x, { ...pooling(x, a), countIncludePad: a.count_include_pad === 1 }),
  MaxPool: ([x], a, outputs) => {
    const { y, indices } = maxPool2dWithIndices(x, pooling(x, a))
    if (outputs === 1) return y
    // ONNX counts from the start of the whole tensor, we from that of a plane.
    if (x.shape[0] * x.shape[1] > 1) refuse('MaxPool', 'indices over several planes', x.shape)
    return [y, indices]
  },
  GlobalAveragePool: ([x]) => reshape(globalAvgPool(x), [x.shape[0], x.shape[1], 1, 1]),
  BatchNormalization: normalised,
  NegativeLogLikelihoodLoss: (inputs, a) => nllLoss(inputs[0], inputs[1], lossOptions(inputs, a)),
  SoftmaxCrossEntropyLoss: (inputs, a, outputs) => {
    const loss = crossEntropy(inputs[0], inputs[1], lossOptions(inputs, a))
    return outputs > 1 ? [loss, logSoftmax(inputs[0], { axis: 1 })] : loss
  },
  Resize: ([x], a) => resized(x, a),
  Softmax: ([x], { axis = -1 }) => softmax(x, { axis }),
  LogSoftmax: ([x], { axis = -1 }) => logSoftmax(x, { axis }),
}
