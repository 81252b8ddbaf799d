// Reductions over axes.
import { exp, log, mul, sqrt } from '../../../src/ops/pointwise.ts'
import { mean, sum } from '../../../src/ops/reduce.ts'
import type { Tensor } from '../../../src/tensor.ts'
import { abs } from './arithmetic.ts'
import { type Attributes, allAxes, type Operator, type Operators } from './operator.ts'

type Reduce = typeof sum

/** finish(reduce(prepare(x))). With no axes nothing is reduced, but `prepare` and `finish` still apply. */
function reduction(reduce: Reduce, prepare = (x: Tensor) => x, finish = (x: Tensor) => x): Operator {
  return ([x], attributes: Attributes) => {
    const axes = allAxes(attributes, x.shape.length)
    return finish(reduce(prepare(x), { axes, keepDims: (attributes.keepdims ?? 1) === 1 }))
  }
}

const squared = (x: Tensor) => mul(x, x)

export const reductions: Operators = {
  ReduceSum: reduction(sum),
  ReduceMean: reduction(mean),
  ReduceL1: reduction(sum, abs),
  ReduceL2: reduction(sum, squared, sqrt),
  ReduceSumSquare: reduction(sum, squared),
  ReduceLogSum: reduction(sum, undefined, log),
  ReduceLogSumExp: reduction(sum, exp, log),
}
