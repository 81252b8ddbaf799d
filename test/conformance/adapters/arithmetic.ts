// Elementwise operators. Those we have no kernel for are put together from those we have, where that is exact enough.
import { add, div, exp, log, mul, neg, sqrt, sub } from '../../../src/ops/pointwise.ts'
import { relu } from '../../../src/ops/relu.ts'
import type { Tensor } from '../../../src/tensor.ts'
import type { Operators } from './operator.ts'

const sigmoid = (x: Tensor) => div(1, add(exp(neg(x)), 1))
const sumOf = (inputs: Tensor[]) => inputs.slice(1).reduce((total, x) => add(total, x), inputs[0])
export const abs = (x: Tensor) => add(relu(x), relu(neg(x)))

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
  Tanh: ([x]) => sub(mul(sigmoid(mul(x, 2)), 2), 1),
  LeakyRelu: ([x], { alpha = 0.01 }) => sub(relu(x), mul(relu(neg(x)), alpha)),
}
