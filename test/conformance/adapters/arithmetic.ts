// Elementwise operators.
import { clamp, leakyRelu, sigmoid, tanh } from '../../../src/ops/activation.ts'
import { cast } from '../../../src/ops/cast.ts'
import { gt, lt, maximum, minimum, where } from '../../../src/ops/compare.ts'
import { abs, add, div, exp, log, mul, neg, sqrt, sub } from '../../../src/ops/pointwise.ts'
import { pow } from '../../../src/ops/pow.ts'
import { relu } from '../../../src/ops/relu.ts'
import type { Tensor } from '../../../src/tensor.ts'
import type { Operators } from './operator.ts'

const sumOf = (inputs: Tensor[]) => inputs.slice(1).reduce((total, x) => add(total, x), inputs[0])

export const arithmetic: Operators = {
  Add: ([a, b]) => add(a, b),
  Sub: ([a, b]) => sub(a, b),
  Mul: ([a, b]) => mul(a, b),
  Div: ([a, b]) => div(a, b),
  Exp: ([x]) => exp(x),
  Log: ([x]) => log(x),
  Sqrt: ([x]) => sqrt(x),
  Relu: ([x]) => relu(x),
  Neg: ([x]) => neg(x),
  Identity: ([x]) => x,
  Sum: sumOf,
  Mean: (inputs) => div(sumOf(inputs), inputs.length),
  Abs: ([x]) => abs(x),
  Reciprocal: ([x]) => div(1, x),
  Sigmoid: ([x]) => sigmoid(x),
  Tanh: ([x]) => tanh(x),
  LeakyRelu: ([x], { alpha = 0.01 }) => leakyRelu(x, alpha),
  Max: (inputs) => inputs.reduce((a, b) => maximum(a, b)),
  Min: (inputs) => inputs.reduce((a, b) => minimum(a, b)),
  Pow: ([a, b]) => pow(a, cast(b, 'f32')),
  Sign: ([x]) => sub(gt(x, 0), lt(x, 0)),
  Where: ([condition, a, b]) => where(condition, a, b),
  Clip: ([x], { min, max }) =>
    (min ?? max ?? null) === null ? x : clamp(x, { min: min ?? undefined, max: max ?? undefined }),
}
