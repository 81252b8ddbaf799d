// What tables are made of. A column has a head, and what a group of rows has to say under it.
import { fixed, MISSING, percent, plusMinus } from './format.ts'
import { type Group, perSeed, summarise } from './groups.ts'
import type { Metric } from './rows.ts'
import { median } from './stats.ts'

export interface Column {
  head: string
  cell(group: Group): string
}

export interface Table {
  title: string
  caption: string
  head: string[]
  /** Columns that are texts, set to the left; the others to the right. */
  left: number[]
  blocks: { title: string; rows: string[][] }[]
}

/** The mean over seeds. */
export const mean = (head: string, name: Metric, write: (x: number) => string): Column => {
  return {
    head,
    cell({ rows }) {
      const found = summarise(rows, name)
      return found === null ? MISSING : write(found.mean)
    },
  }
}

/** The median over seeds: of times, which other work on the machine makes longer in some cells. */
export const middle = (head: string, name: Metric, write: (x: number) => string): Column => {
  return {
    head,
    cell({ rows }) {
      const values = [...perSeed(rows, name).values()]
      return values.length ? write(median(values)) : MISSING
    },
  }
}

/** Mean ± standard deviation over seeds. */
export const metric = (head: string, name: Metric, write: (x: number) => string): Column => {
  return { head, cell: ({ rows }) => plusMinus(summarise(rows, name), write) }
}

export function percent2(x: number): string {
  return percent(x)
}

export function nats(x: number): string {
  return fixed(x, 3)
}

export function percent1(x: number): string {
  return percent(x, 1)
}
