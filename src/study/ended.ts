// When a training has converged, and generations have saturated: the NLL on images held out has stopped falling.
import { needs, type Stage } from './stage.ts'
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

/** What a finished cell tells of this. */
interface Ended {
  status: 'ok' | 'failed' | 'saturated'
  reason: string | null
  outcome: { curve: Curve } | null
}

/**
 * Why a stage is not to be trained, where what it builds on has saturated; null where it is. Its needs are finished.
 */
export function saturated(stage: Stage, cells: ReadonlyMap<string, Ended>) {
  const before = needs(stage).map((id) => cells.get(id)!)
  const ended = before.find(({ status }) => status === 'saturated')
  if (ended) return ended.reason
  if (!stage.saturation) return null
  const { patience, of } = stage.saturation
  const nlls = of.map(({ stage: id, node }) => cells.get(id)!.outcome!.curve.at(-1)!.looks![node].heldOut.nll)
  if (!flat(nlls, patience)) return null
  const told = nlls.map((nll) => nll.toFixed(4)).join(', ')
  return `saturated at generation ${of.length - 1}: NLL on images held out ${told} by generation, patience ${patience}`
}
