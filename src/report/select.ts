// Choosing groups for a comparison, and naming what was chosen.
import type { Group } from './groups.ts'
import type { Teacher } from './rows.ts'

/** The groups of a method, of one kind of teacher where given. */
export function students({ groups }: { groups: Group[] }, method: string, teacher?: Teacher): Group[] {
  return groups.filter((group) => group.method === method && (teacher === undefined || group.teacher === teacher))
}

/** The groups at a size or a temperature. */
export function at(groups: Group[], where: { size?: number; temperature?: number }): Group[] {
  return groups.filter(({ size, temperature }) => {
    return (where.size ?? size) === size && (where.temperature ?? temperature) === temperature
  })
}

/** Falling. */
export function sizesOf(groups: Group[]): number[] {
  return [...new Set(groups.map(({ size }) => size))].sort((a, b) => b - a)
}

/** Rising. */
export function temperaturesOf(groups: Group[]): number[] {
  const all = groups.map(({ temperature }) => temperature).filter((t) => t !== null)
  return [...new Set(all)].sort((a, b) => a - b)
}

/** '1, 4 and 20'. */
export function listOf(values: (number | string)[]): string {
  if (values.length < 2) return values.join('')
  return `${values.slice(0, -1).join(', ')} and ${values[values.length - 1]}`
}

/** '14, 7 px'. */
export function pixels(sizes: number[]): string {
  return `${sizes.join(', ')} px`
}

/** 'supervised, 28 px against 4 px', how claims about image size are tested. */
export function largestAndSmallest(groups: Group[]): string {
  const sizes = sizesOf(groups)
  return `supervised, ${sizes[0]} px against ${sizes[sizes.length - 1]} px`
}

/** What the rows of a comparison are averaged over: 'mean over T = 1, 4, 20 and over 14, 7 px', 'T = 4, 14 px'. */
export function spanOf(groups: Group[]): string {
  const temperatures = temperaturesOf(groups)
  const sizes = sizesOf(groups)
  const single: string[] = []
  const several: string[] = []
  if (temperatures.length) (temperatures.length > 1 ? several : single).push(`T = ${temperatures.join(', ')}`)
  if (sizes.length) (sizes.length > 1 ? several : single).push(pixels(sizes))
  return [...single, ...(several.length ? [`mean over ${several.join(' and over ')}`] : [])].join(', ')
}
