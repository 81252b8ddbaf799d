// Rows of made-up studies, a line a group, whose claims are known beforehand.
import { judgeClaims } from '../../src/report/claims.ts'
import type { Claim } from '../../src/report/compare.ts'
import type { Row } from '../../src/report/rows.ts'
import { fakeResults } from './fake.ts'

export const fake = fakeResults({ seeds: 1 })
export type Line = Partial<Row> & { method: string }

/** Seeds differ alike in all rows, and by a little of their own. */
export function rowsOf(lines: Line[]): Row[] {
  return lines.flatMap((line, i) =>
    [0, 1, 2, 3].map((seed): Row => {
      const own = (0.0004 * ((i * 7 + seed * 5) % 11)) / 10
      const shift = (x: number | null | undefined) => (typeof x === 'number' ? x + 0.01 * seed + own : x)
      const row = {
        ...fake.rows[0],
        temperature: null,
        teacher: null,
        tau: null,
        size: 7,
        n: 1000,
        accuracy: 0.7,
        ...line,
      }
      const moved = {
        accuracy: shift(row.accuracy)!,
        ece: (row.ece ?? 0.1) + own,
        trainAccuracy: row.trainAccuracy ?? 0.95,
      }
      return { ...row, ...moved, seed, nll: (row.nll ?? 0.9) + own }
    }),
  )
}

export const verdicts = (claims: Claim[], lines: Line[]) => {
  return judgeClaims(rowsOf(lines), [], claims).map(({ id, verdict }) => `${id} ${verdict}`)
}
export const reversed = (ids: string[]) => ids.map((id) => `${id} reversed`)
export const hold = (ids: string[]) => ids.map((id) => `${id} holds`)
