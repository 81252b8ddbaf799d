// What tuning found, as JSON that can be kept: the choices, and the trials they come from. It holds for one adapter,
// one driver and one size of subgroups; the choices are all that is read back into an engine.
import { InputError, quote } from '../errors.ts'
import type { Choices, GpuInfo } from '../gpu/gpu.ts'
import type { Trial } from './contest.ts'

const TUNING_VERSION = 1

/** What a tuning holds for. */
export type TuningPlace = Pick<GpuInfo, 'adapter' | 'driver' | 'subgroupSize'>

export interface Tuning extends TuningPlace {
  schemaVersion: number
  /** Where another kernel than the default won: for `init({ choices })`. */
  choices: Choices
  trials: readonly Trial[]
}

export const placeOf = ({ adapter, driver, subgroupSize }: TuningPlace): TuningPlace => {
  return { adapter, driver, subgroupSize }
}

export function tuningOf(info: TuningPlace, trials: readonly Trial[]): Tuning {
  const displaced = trials.filter((trial) => trial.chosen !== trial.default)
  const choices = Object.fromEntries(displaced.map(({ key, chosen }) => [key, chosen]))
  return { schemaVersion: TUNING_VERSION, ...placeOf(info), choices, trials }
}

/** The two of one place as one; of a shape that both have, the later counts. */
export function mergeTunings(earlier: Tuning, later: Tuning): Tuning {
  const again = new Set(later.trials.map(({ key }) => key))
  const kept = Object.entries(earlier.choices).filter(([key]) => !again.has(key))
  const choices = { ...Object.fromEntries(kept), ...later.choices }
  return { ...later, choices, trials: [...earlier.trials.filter(({ key }) => !again.has(key)), ...later.trials] }
}

/** Was it tuned on such an adapter and driver, with subgroups of that size? */
export function holdsFor(tuning: TuningPlace, info: TuningPlace): boolean {
  return JSON.stringify(placeOf(tuning)) === JSON.stringify(placeOf(info))
}

export function tuningText(tuning: Tuning): string {
  return `${JSON.stringify(tuning, null, 1)}\n`
}

/** Reads what `tuningText` wrote. Throws InputError, naming `from`, for what is no tuning or of a newer program. */
export function parseTuning(text: string, from: string): Tuning {
  let found: Partial<Tuning> | null
  try {
    found = JSON.parse(text)
  } catch (error) {
    throw new InputError(
      `${from} is not JSON: ${error instanceof Error ? error.message : error}; remove it and tune again`,
    )
  }
  const { schemaVersion, adapter, driver, subgroupSize, choices, trials = [] } = found ?? {}
  const need = (ok: boolean, field: string, value: unknown, rule: string) => {
    if (!ok)
      throw new InputError(`${from}: ${field} is ${value === undefined ? 'absent' : quote(value)}, it must be ${rule}`)
  }
  need(Number.isInteger(schemaVersion), 'schemaVersion', schemaVersion, `a whole number up to ${TUNING_VERSION}`)
  if (schemaVersion! > TUNING_VERSION) {
    throw new InputError(`${from}: schemaVersion ${schemaVersion}; this program reads up to ${TUNING_VERSION}`)
  }
  need(typeof adapter === 'string', 'adapter', adapter, 'text')
  need(typeof driver === 'string', 'driver', driver, 'text')
  need(Number.isInteger(subgroupSize), 'subgroupSize', subgroupSize, 'a whole number')
  need(isTable(choices), 'choices', choices, 'a table of kernels by shape')
  need(Array.isArray(trials) && trials.every((trial) => typeof trial?.key === 'string'), 'trials', trials, 'a list')
  return { ...(found as Tuning), trials }
}

function isTable(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((kernel) => typeof kernel === 'string')
}
