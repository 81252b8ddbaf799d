// Choosing rows by the value of what a study varies.
import type { Group } from './groups.ts'

/** The values that are numbers, rising. */
export function numbersIn(groups: Group[]): number[] {
  const all = groups.flatMap(({ at }) => (typeof at === 'number' ? [at] : []))
  return [...new Set(all)].sort((a, b) => a - b)
}

/** The groups at a value. */
export function having(groups: Group[], at: number | string): Group[] {
  return groups.filter((group) => group.at === at)
}
