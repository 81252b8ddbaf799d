// What a JSON document may say, as data. A shape checks a value, names the key at fault, quotes what stands there and
// says what is possible; it gives the value back with its keys in the order of the schema, so that equal documents are
// equal texts.
import { InputError, quote } from '../errors.ts'
import { isObject } from '../report/differences.ts'

/** Checks `value`, which stands at `path`; what an object leaves out is taken from `before`. Throws InputError. */
export type Shape<T> = (value: unknown, path: string, before?: unknown) => T

/** A shape for every key. */
export type Schema<T> = { [K in keyof T]-?: Shape<Exclude<T[K], undefined>> }

/** What is wrong with the value at a path. */
export class SchemaFault extends InputError {
  constructor(
    readonly path: string,
    message: string,
  ) {
    super(message)
  }
}

export function fault(path: string, value: unknown, allowed: string): never {
  throw new SchemaFault(path, `${path} ${value === undefined ? 'is missing' : quote(value)}: ${allowed}`)
}

const shape =
  <T>(test: (value: unknown) => boolean, allowed: string): Shape<T> =>
  (value, path) =>
    test(value) ? (value as T) : fault(path, value, allowed)

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

export const positive = shape<number>((x) => isNumber(x) && x > 0, 'a number above 0')
export const from0 = shape<number>((x) => isNumber(x) && x >= 0, 'a number from 0')
export const yesNo = shape<boolean>((x) => typeof x === 'boolean', 'true or false')

export const between = (low: number, high: number): Shape<number> => {
  return shape((x) => isNumber(x) && x >= low && x <= high, `a number from ${low} to ${high}`)
}

/** Between, without the ends. */
export const inside = (low: number, high: number): Shape<number> => {
  return shape((x) => isNumber(x) && x > low && x < high, `a number between ${low} and ${high}`)
}

export const count = (least = 1): Shape<number> => {
  return shape((x) => Number.isSafeInteger(x) && (x as number) >= least, `a whole number from ${least}`)
}

export const oneOf = <T extends string>(allowed: readonly T[]): Shape<T> => {
  return shape((x) => allowed.includes(x as T), `one of ${allowed.join(', ')}`)
}

export const orNull =
  <T>(inner: Shape<T>): Shape<T | null> =>
  (value, path, before) => {
    if (value === null) return null
    try {
      return inner(value, path, before)
    } catch (error) {
      // Only a fault of the value itself could have been mended by null.
      throw error instanceof SchemaFault && error.path === path
        ? new SchemaFault(path, `${error.message}, or null`)
        : error
    }
  }

/** null takes an optional key away that the preset has. */
export const orNone =
  <T>(inner: Shape<T>): Shape<T> =>
  (value, path, before) =>
    value === null ? (undefined as T) : inner(value, path, before)

/** At least one; `distinct` keeps the first of equal ones. */
export const listOf =
  <T>(item: Shape<T>, { distinct = true } = {}): Shape<T[]> =>
  (value, path) => {
    if (!Array.isArray(value) || value.length === 0) return fault(path, value, 'a list of at least one')
    const items = value.map((each, i) => item(each, `${path}[${i}]`))
    return distinct ? [...new Set(items)] : items
  }

/**
 * Every key of `shapes` but the optional ones has to be there, in the value or in what it replaces; no other may be.
 */
export function object<T extends object>(shapes: Schema<T>, optional: readonly (keyof T)[] = []): Shape<T> {
  const known = Object.keys(shapes) as (keyof T & string)[]
  return (value, path, before) => {
    if (!isObject(value)) return fault(path || 'the document', value, `an object with the keys ${known.join(', ')}`)
    const at = (key: string) => (path ? `${path}.${key}` : key)
    for (const key of Object.keys(value)) {
      if (known.some((each) => each === key)) continue
      throw new SchemaFault(
        at(key),
        `unknown key '${at(key)}', the nearest is '${at(nearest(key, known))}'; known: ${known.join(', ')}`,
      )
    }
    const old = isObject(before) ? before : {}
    const result: Partial<T> = {}
    for (const key of known) {
      const given = Object.hasOwn(value, key) ? value[key] : old[key]
      if (given === undefined && optional.includes(key)) continue
      const made = shapes[key](given, at(key), old[key])
      if (made !== undefined) result[key] = made
    }
    return result as T
  }
}

/** The one of `known` with the fewest letters to change; capitals count for little. */
export function nearest(word: string, known: readonly string[]): string {
  const distances = known.map((each) => distance(word.toLowerCase(), each.toLowerCase()))
  return known[distances.indexOf(Math.min(...distances))]
}

/** Letters to insert, remove or replace. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]
}
