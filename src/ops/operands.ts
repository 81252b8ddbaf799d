// The operands of functions of two: tensors whose shapes broadcast, numbers, Scalars.
import { InputError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { Scalar } from '../gpu/scalar.ts'
import { type Destination, sameShape, Tensor } from '../tensor.ts'
import { broadcastShape, checkFloat, commonLayout } from './axes.ts'
import { toLayout } from './copy.ts'
import { expand } from './reduce.ts'

export type Operand = Tensor | number | Scalar

export const tensorsOf = (operands: readonly Operand[]): Tensor[] => operands.filter((x) => x instanceof Tensor)

/**
 * The tensors among operands, of which there are at least `least`. Throws InputError for fewer, for what is no operand,
 * and for tensors of whole numbers.
 */
export function tensorsAmong(op: string, operands: readonly Operand[], least = 1): Tensor[] {
  const tensors = tensorsOf(operands)
  const fit = operands.every((x) => x instanceof Tensor || x instanceof Scalar || typeof x === 'number')
  if (tensors.length < least || !fit) {
    throw new InputError(
      `${op}: needs tensors, or a tensor and a number or Scalar, got ${operands.map(String).join(' and ')}`,
    )
  }
  checkFloat(op, ...tensors)
  return tensors
}

/** Tensors repeated to their common shape, all in one layout; numbers as they are. Throws ShapeError. */
export function alike<T extends Operand>(op: string, operands: readonly T[]): T[] {
  const tensors = tensorsOf(operands)
  const shape = tensors.map((x) => x.shape).reduce((a, b) => broadcastShape(op, a, b))
  const layout = commonLayout(shape, tensors)
  return operands.map((x) => {
    return x instanceof Tensor ? (toLayout(sameShape(x.shape, shape) ? x : expand(x, shape), layout) as typeof x) : x
  })
}

/**
 * What a kernel with bindings `a` and `b`, numbers `left` and `right` and overrides LEFT_IS_NUMBER and RIGHT_IS_NUMBER
 * is told of two operands. A number has no buffer, but the shader names one: `standIn` is bound and not read.
 */
export function sides(a: Operand, b: Operand, standIn: Tensor) {
  const [tensorA, tensorB] = [a, b].map((x) => (x instanceof Tensor ? x : standIn))
  const [left, right] = [a, b].map((x) => (x instanceof Tensor ? 0 : x))
  const constants: Record<string, number> = {}
  if (!(a instanceof Tensor)) constants.LEFT_IS_NUMBER = 1
  if (!(b instanceof Tensor)) constants.RIGHT_IS_NUMBER = 1
  return { buffers: { a: tensorA, b: tensorB }, numbers: { left, right }, variant: { constants } }
}

/** Operands as the gradient needs them: a Scalar with the number that it has at the call, where that runs once. */
export function atCall(gpu: Gpu, operands: readonly Operand[]): Operand[] {
  return operands.map((x) => (x instanceof Tensor ? x : gpu.tape.atCall(x)))
}

/** Where the gradients of two operands go, of the destinations of the tensors among them; a number has none. */
export function between(a: Operand, b: Operand, destinations: (Destination | null)[]): (Destination | null)[] {
  return [a instanceof Tensor ? destinations[0] : null, b instanceof Tensor ? destinations.at(-1)! : null]
}
