// The public names, browser-safe.
export { backward, noGrad } from './autograd.ts'
export { Engine, type Step, type TensorOptions } from './engine.ts'
export * from './errors.ts'
export { Scalar } from './gpu/tape.ts'
export * from './ops/index.ts'
export { assign, type DType, type Layout, type Shape, Tensor } from './tensor.ts'
