// When a training has converged: what is looked at on images held out has stopped falling.
import type { Curve } from './store.ts'

/** Whether none of the last `patience` values is below all before them. */
export function flat(values: readonly number[], patience: number): boolean {
  if (values.length <= patience) return false
  const least = Math.min(...values.slice(0, -patience))
  return values.slice(-patience).every((value) => !(value < least))
}

/** Whether no trained network has had a lower NLL on images held out for so many epochs. */
export function converged(curve: Curve, patience: number): boolean {
  const names = Object.keys(curve.at(-1)?.looks ?? {})
  const course = (name: string) => curve.map(({ looks }) => looks![name].heldOut.nll)
  return names.length > 0 && names.every((name) => flat(course(name), patience))
}
