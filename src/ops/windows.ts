// Windows that move over a picture, as convolutions and poolings have them: their options, and how many fit.
import { InputError } from '../errors.ts'

/** One number, or [height, width]. Throws InputError that names the op and the option. */
export function pair(op: string, name: string, value: number | readonly number[], least: number): [number, number] {
  const [first, second] = typeof value === 'number' ? [value, value] : (value ?? [])
  const fits = typeof value === 'number' || (Array.isArray(value) && value.length === 2)
  if (fits && [first, second].every((v) => Number.isInteger(v) && v >= least)) return [first, second]
  throw new InputError(`${op}: ${name} is ${JSON.stringify(value)}, it must be one or two whole numbers from ${least}`)
}

/** Top, left, bottom, right of one number, [height, width] or all four. Throws InputError. */
export function fourPads(op: string, value: number | readonly number[]): [number, number, number, number] {
  const four = Array.isArray(value) && value.length === 4
  const [top, left] = pair(op, 'padding', four ? value.slice(0, 2) : value, 0)
  const [bottom, right] = four ? pair(op, 'padding', value.slice(2), 0) : [top, left]
  return [top, left, bottom, right]
}

/** Windows along a padded side; `reach`: from a window's first pixel to its last. */
export function windowCount(padded: number, reach: number, stride: number, round = Math.floor): number {
  return round((padded - reach - 1) / stride) + 1
}
