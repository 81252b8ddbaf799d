// Reductions over axes.
import { abs, exp, log, mul, neg, sqrt } from '../../../src/ops/pointwise.ts'
import { mean, sum } from '../../../src/ops/reduce.ts'
import { argmax, max, topk } from '../../../src/ops/select.ts'
import type { Tensor } from '../../../src/tensor.ts'
import { refuse } from '../harness.ts'
import { type Attributes, allAxes, type Operator, type Operators } from './operator.ts'

type Reduce = typeof sum

/** finish(reduce(prepare(x))). With no axes nothing is reduced, but `prepare` and `finish` still apply. */
function reduction(reduce: Reduce, prepare = (x: Tensor) => x, finish = (x: Tensor) => x): Operator {
  return ([x], attributes: Attributes) => {
    const axes = allAxes(attributes, x.shape.length)
    return finish(reduce(prepare(x), { axes, keepDims: (attributes.keepdims ?? 1) === 1 }))
  }
}

const arg = (prepare: (x: Tensor) => Tensor): Operator => {
  return ([x], { axis = 0, keepdims = 1, select_last_index = 0 }) =>
    argmax(prepare(x), axis, { keepDims: keepdims === 1, last: select_last_index === 1 })
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
  ReduceMax: reduction(max),
  ReduceMin: reduction(max, neg, neg),
  GlobalMaxPool: ([x]) => max(x, { axes: [2, 3], keepDims: true }),
  ArgMax: arg((x) => x),
  ArgMin: arg(neg),
  TopK: ([x], { axis = -1, k, largest = 1, sorted = 1 }) => {
    if (sorted !== 1) refuse('TopK', 'sorted', sorted)
    const { values, indices } = topk(x, k, axis, { largest: largest === 1 })
    return [values, indices]
  },
}
