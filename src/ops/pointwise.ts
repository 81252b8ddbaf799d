// Arithmetic of elements, with NumPy broadcasting, and exp, log, sqrt, abs. Operands may differ in shape and layout,
// one of them may be a number or a Scalar. The gradient of a repeated operand is the sum over its copies, in a fixed order.
import source from '../../shaders/pointwise.wgsl'
import { record } from '../autograd.ts'
import { ShapeError } from '../errors.ts'
import { kernels } from '../gpu/kernel.ts'
import type { Scalar } from '../gpu/scalar.ts'
import { type Destination, empty, sameShape, showShape, Tensor } from '../tensor.ts'
import { broadcastShape, broadcastStrides, checkFloat, commonLayout, runsOfValues, walk } from './axes.ts'
import { atCall, between, type Operand, sides, tensorsAmong } from './operands.ts'
import { sumTo } from './reduce.ts'

type Unary = 'exponential' | 'logarithm' | 'root' | 'magnitude'
type Binary = 'sum' | 'difference' | 'product' | 'quotient' | 'divisor' | 'sumRelu' | 'mask' | 'rootBackward' | 'signed'
const pointwise_ = kernels<Unary | Binary>(source)

/** a + b. Throws ShapeError where the shapes don't broadcast. */
export function add(a: Operand, b: Operand): Tensor {
  return binary('add', 'sum', a, b, (dy, _, da, db) => {
    if (da) handOn('add', dy, a, da)
    if (db) handOn('add', dy, b, db)
  })
}

/** a - b. Throws ShapeError where the shapes don't broadcast. */
export function sub(a: Operand, b: Operand): Tensor {
  return binary('sub', 'difference', a, b, (dy, _, da, db) => {
    if (da) handOn('sub', dy, a, da)
    if (db) sumTo('sub', dy, db.to, -1, db.add)
  })
}

/** a · b. Throws ShapeError where the shapes don't broadcast. */
export function mul(a: Operand, b: Operand): Tensor {
  return binary('mul', 'product', a, b, (dy, _, da, db, [left, right]) => {
    if (da) gather('mul', 'product', da, dy, right)
    if (db) gather('mul', 'product', db, dy, left)
  })
}

/** a / b. Throws ShapeError where the shapes don't broadcast. */
export function div(a: Operand, b: Operand): Tensor {
  return binary('div', 'quotient', a, b, (dy, y, da, db, [, divisor]) => {
    if (da) gather('div', 'quotient', da, dy, divisor)
    if (db) gather('div', 'divisor', db, dy, divisor, y)
  })
}

/** -x. */
export function neg(x: Tensor): Tensor {
  return mul(x, -1)
}

/** factor · x. */
export function scale(x: Tensor, factor: number | Scalar): Tensor {
  return mul(x, factor)
}

/** relu(x + r), the end of a residual block; the gradient at 0 is 0. Throws ShapeError where the shapes differ. */
export function addRelu(x: Tensor, r: Tensor): Tensor {
  if (!sameShape(x.shape, r.shape)) {
    throw new ShapeError(`addRelu: ${showShape(x.shape)} and ${showShape(r.shape)} differ`)
  }
  return binary('addRelu', 'sumRelu', x, r, (dy, y, dx, dr) => {
    if (dx && dr) {
      // The same numbers for both: computed once, shared where the layout allows.
      const masked = empty(y.gpu, y.shape, 'f32', y.layout, 'addRelu gradient')
      combine('addRelu', 'mask', masked, dy, y, 0)
      handOn('addRelu', masked, x, dx)
      handOn('addRelu', masked, r, dr)
    } else if (dx) gather('addRelu', 'mask', dx, dy, y)
    else if (dr) gather('addRelu', 'mask', dr, dy, y)
  })
}

/** e to the power of x. */
export function exp(x: Tensor): Tensor {
  return unary('exp', 'exponential', x, (dy, y, dx) => gather('exp', 'product', dx, dy, y))
}

/** The natural logarithm of x; -Infinity at 0, NaN below. */
export function log(x: Tensor): Tensor {
  return unary('log', 'logarithm', x, (dy, _, dx) => gather('log', 'quotient', dx, dy, x))
}

/** The square root of x; NaN below 0. */
export function sqrt(x: Tensor): Tensor {
  return unary('sqrt', 'root', x, (dy, y, dx) => gather('sqrt', 'rootBackward', dx, dy, y))
}

/** |x|; the gradient at 0 is 0. */
export function abs(x: Tensor): Tensor {
  return unary('abs', 'magnitude', x, (dy, _, dx) => gather('abs', 'signed', dx, dy, x))
}

function unary(
  op: string,
  entry: Unary,
  x: Tensor,
  backward: (dy: Tensor, y: Tensor, dx: Destination) => void,
): Tensor {
  checkFloat(op, x)
  const y = empty(x.gpu, x.shape, 'f32', x.layout, op)
  const walked = walk(op, x.shape, [y.strides, x.strides], 0)
  const { header, params } = runsOfValues(x.gpu, walked, [true, true])
  pointwise_[entry]({ a: x, y }, { ...params, left: 0, right: 0 }, { threads: [params.threads] }, { header })
  return record(op, y, [x], (dy, [dx]) => {
    if (dx) backward(dy, y, dx)
  })
}

function binary(
  op: string,
  entry: Binary,
  a: Operand,
  b: Operand,
  backward: (dy: Tensor, y: Tensor, da: Destination | null, db: Destination | null, operands: Operand[]) => void,
): Tensor {
  const tensors = tensorsAmong(op, [a, b])
  const shape = broadcastShape(op, shapeOf(a), shapeOf(b))
  const y = empty(tensors[0].gpu, shape, 'f32', commonLayout(shape, tensors), op)
  combine(op, entry, y, a, b, 0)
  const operands = atCall(y.gpu, [a, b])
  return record(op, y, tensors, (dy, destinations) => {
    const [da, db] = between(a, b, destinations)
    backward(dy, y, da, db, operands)
  })
}

const shapeOf = (x: Operand) => (x instanceof Tensor ? x.shape : [])

/** y = a ∘ b, or y += a ∘ b: y dense in its own layout, a and b repeated to its shape. */
function combine(op: string, entry: Binary, y: Tensor, a: Operand, b: Operand, add: 0 | 1, q?: Tensor): void {
  const strides = [
    y.strides,
    ...[a, b].map((x) => (x instanceof Tensor ? broadcastStrides(x, y.shape) : y.shape.map(() => 0))),
  ]
  const { buffers, numbers, variant } = sides(a, b, a instanceof Tensor ? a : (b as Tensor))
  const tensors = [true, a instanceof Tensor, b instanceof Tensor]
  const { header, params } = runsOfValues(y.gpu, walk(op, y.shape, strides, 0), tensors)
  const constants = { ...variant.constants, ADD: add }
  const all = { ...buffers, ...(q && { q }), y }
  pointwise_[entry](all, { ...params, ...numbers }, { threads: [params.threads] }, { header, constants })
}

/** The gradient dy of an operand whose copies it flows to unchanged. */
function handOn(op: string, dy: Tensor, x: Operand, dx: Destination): void {
  if (x instanceof Tensor && sameShape(x.shape, dy.shape) && x.layout === dy.layout) dx.pass(dy)
  else sumTo(op, dy, dx.to, 1, dx.add)
}

/** The gradient a ∘ b of an operand: straight where it belongs, or summed over the axes that it was repeated on. */
function gather(op: string, entry: Binary, dx: Destination, a: Tensor, b: Operand, q?: Tensor): void {
  const { to, add } = dx
  if (sameShape(to.shape, a.shape)) {
    combine(op, entry, to, a, b, add, q)
    return
  }
  const whole = empty(a.gpu, a.shape, 'f32', a.layout, `${op} gradient`)
  combine(op, entry, whole, a, b, 0, q)
  sumTo(op, whole, to, 1, add)
}
