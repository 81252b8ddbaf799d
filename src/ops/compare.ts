// Comparing elements, and choosing between them, with NumPy broadcasting. Operands that are repeated or lie otherwise
// are copied first.
import source from '../../shaders/compare.wgsl'
import { noGrad, record } from '../autograd.ts'
import { kernels } from '../gpu/kernel.ts'
import { type Destination, empty, Tensor } from '../tensor.ts'
import { checkTensor } from './axes.ts'
import { alike, atCall, between, type Operand, sides, tensorsAmong, tensorsOf } from './operands.ts'

/** The bit of an f32's sign. */
const SIGN = 0x80000000
type Comparison = 'greater' | 'atLeast' | 'same'
type Extreme = 'larger' | 'smaller'
const compare_ = kernels<Comparison | Extreme | 'share' | 'choice' | 'chosen' | 'declined'>(source)

/**
 * The larger of a and b, NaN where one is. Equal ones get half of the gradient each, both all of it where one is NaN,
 * as in PyTorch. Throws ShapeError where the shapes don't broadcast.
 */
export function maximum(a: Operand, b: Operand): Tensor {
  return extreme('maximum', 'larger', a, b)
}

/** The smaller of a and b; as `maximum` otherwise. */
export function minimum(a: Operand, b: Operand): Tensor {
  return extreme('minimum', 'smaller', a, b)
}

/** 1 where a > b, else 0. No gradient. Throws ShapeError where the shapes don't broadcast. */
export function gt(a: Operand, b: Operand): Tensor {
  return comparison('gt', 'greater', a, b)
}

/** 1 where a ≥ b, else 0; as `gt` otherwise. */
export function ge(a: Operand, b: Operand): Tensor {
  return comparison('ge', 'atLeast', a, b)
}

/** 1 where a < b, else 0; as `gt` otherwise. */
export function lt(a: Operand, b: Operand): Tensor {
  return comparison('lt', 'greater', a, b, true)
}

/** 1 where a ≤ b, else 0; as `gt` otherwise. */
export function le(a: Operand, b: Operand): Tensor {
  return comparison('le', 'atLeast', a, b, true)
}

/** 1 where a and b are equal, else 0; as `gt` otherwise. */
export function eq(a: Operand, b: Operand): Tensor {
  return comparison('eq', 'same', a, b)
}

/**
 * a where the condition, of any dtype, is not 0, else b. The gradient flows to the one that was taken; the other may be
 * NaN or infinite there. (What computed the other still runs backward, with 0: guard its operands.) Throws ShapeError
 * where the three don't broadcast, InputError for a condition that is no tensor.
 */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  checkTensor('where: the condition', condition)
  tensorsAmong('where', [a, b], 0)
  const [mask, left, right] = alike<Operand>('where', [condition, a, b]) as [Tensor, Operand, Operand]
  const { buffers, numbers, variant } = sides(left, right, mask)
  const { gpu, size: n } = mask
  const fixed = { n, sign: mask.dtype === 'f32' ? SIGN : 0 }
  const grid = { threads: [n] }
  const y = empty(gpu, mask.shape, 'f32', mask.layout, 'where')
  compare_.choice({ ...buffers, condition: mask, y }, { ...fixed, ...numbers, add: 0 }, grid, variant)
  const flow = (entry: 'chosen' | 'declined', dy: Tensor, dx: Destination) =>
    compare_[entry]({ condition: mask, dy, dx: dx.to }, { ...fixed, left: 0, right: 0, add: dx.add }, grid)
  return record('where', y, tensorsOf([left, right]), (dy, destinations) => {
    const [da, db] = between(left, right, destinations)
    if (da) flow('chosen', dy, da)
    if (db) flow('declined', dy, db)
  })
}

function comparison(op: string, entry: Comparison, a: Operand, b: Operand, exchanged = false): Tensor {
  const [{ gpu }] = tensorsAmong(op, [a, b])
  return noGrad(gpu, () => {
    const [left, right] = alike(op, [a, b])
    return exchanged ? compared(op, entry, right, left) : compared(op, entry, left, right)
  })
}

function extreme(op: string, entry: Extreme, a: Operand, b: Operand): Tensor {
  const [{ gpu }] = tensorsAmong(op, [a, b])
  const [left, right] = alike(op, [a, b])
  const y = compared(op, entry, left, right)
  const fixed = atCall(gpu, [left, right])
  if (entry === 'smaller') fixed.reverse()
  return record(op, y, tensorsOf([left, right]), (dy, destinations) => {
    between(left, right, destinations).forEach((dx, i) => {
      if (!dx) return
      const { buffers, numbers, variant } = sides(fixed[i], fixed[1 - i], dy)
      const params = { n: y.size, ...numbers, sign: 0, add: dx.add }
      compare_.share({ ...buffers, dy, dx: dx.to }, params, { threads: [y.size] }, variant)
    })
  })
}

/** Operands that are alike. */
function compared(op: string, entry: Comparison | Extreme, a: Operand, b: Operand): Tensor {
  const like = a instanceof Tensor ? a : (b as Tensor)
  const { buffers, numbers, variant } = sides(a, b, like)
  const y = empty(like.gpu, like.shape, 'f32', like.layout, op)
  compare_[entry]({ ...buffers, y }, { n: y.size, ...numbers, sign: 0, add: 0 }, { threads: [y.size] }, variant)
  return y
}
