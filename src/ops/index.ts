// Table of contents: one line per family.

export { clamp, type GeluOptions, gelu, leakyRelu, sigmoid, silu, tanh } from './activation.ts'
export { type BatchNormOptions, type BatchNormWeights, batchNorm, batchNormWeights } from './batchNorm.ts'
export { type Answers, classwiseEce, type Ece, type EceOptions, ece } from './calibration.ts'
export { cast } from './cast.ts'
export { eq, ge, gt, le, lt, maximum, minimum, where } from './compare.ts'
export { type Conv2dOptions, conv2d } from './conv2d.ts'
export {
  concat,
  flatten,
  type PadOptions,
  pad,
  permute,
  reshape,
  type SliceOptions,
  slice,
  stack,
  toLayout,
  transpose,
} from './copy.ts'
export {
  COLUMNS,
  type Column,
  type DistillLoss,
  type DistillLossOptions,
  distillLoss,
  meansOf,
  type Rows,
  SUMS,
  type TeacherEdge,
  type Value,
} from './distillLoss.ts'
export { type DropoutOptions, dropout } from './dropout.ts'
export { clipGradNorm, detach } from './gradients.ts'
export { indexSelect, oneHot } from './indexSelect.ts'
export { lerpInto } from './lerpInto.ts'
export { linear } from './linear.ts'
export { type MatmulOptions, matmul } from './matmul.ts'
export { type CrossEntropyOptions, crossEntropy, type NllLossOptions, nllLoss } from './nllLoss.ts'
export type { Operand } from './operands.ts'
export { abs, add, addRelu, div, exp, log, mul, neg, scale, sqrt, sub } from './pointwise.ts'
export {
  type AvgPoolOptions,
  avgPool2d,
  globalAvgPool,
  maxPool2d,
  maxPool2dWithIndices,
  type PoolOptions,
} from './pool.ts'
export { pow } from './pow.ts'
export { expand, mean, type ReduceOptions, sum } from './reduce.ts'
export { relu } from './relu.ts'
export { resizeArea, resizeBilinear, resizeBilinearAntialias, resizeNearest } from './resize.ts'
export { type ArgmaxOptions, argmax, max, type TopkOptions, topk } from './select.ts'
export { logSoftmax, type SoftmaxOptions, softmax } from './softmax.ts'
