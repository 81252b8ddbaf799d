// The loss of distillation and what is known of every picture, in float64.
import { COLUMNS, type Column } from '../../src/ops/distillLoss.ts'
import type { Tensor } from '../../src/tensor.ts'
import { allclose, uniform } from '../check.ts'
import { engine } from '../device.ts'

export interface Edge {
  t: ArrayLike<number>
  T?: number
  tau?: number
  weight?: number
}
interface Settings {
  labels: ArrayLike<number>
  smoothing?: number
  ceWeight?: number
  edges?: Edge[]
  squared?: boolean
}

function logSoftmax(z: ArrayLike<number>, row: number, C: number, divisor: number): number[] {
  const scaled = Array.from({ length: C }, (_, c) => z[row * C + c] / divisor)
  const peak = Math.max(...scaled)
  const sum = scaled.reduce((total, v) => total + Math.exp(v - peak), 0)
  return scaled.map((v) => v - peak - Math.log(sum))
}

/** Every column of every picture, by the formulas of the README in float64. */
export function reference(s: ArrayLike<number>, C: number, settings: Settings): Record<Column, number[]> {
  const { labels, smoothing = 0, ceWeight = 1, edges = [], squared = true } = settings
  const table = Object.fromEntries(COLUMNS.map((name) => [name, [] as number[]])) as Record<Column, number[]>
  for (let n = 0; n < s.length / C; n++) {
    const logP = logSoftmax(s, n, C, 1)
    const label = labels[n]
    const sum = (f: (c: number) => number) => logP.reduce((total, _, c) => total + f(c), 0)
    const ce = -sum((c) => (smoothing / C + (c === label ? 1 - smoothing : 0)) * logP[c])
    const kl = [0, 0, 0, 0]
    for (const [k, { t, T = 1, tau = 1 }] of edges.entries()) {
      const target = logSoftmax(t, n, C, tau * T)
      const own = logSoftmax(s, n, C, T)
      kl[k] = (squared ? T * T : 1) * sum((c) => (target[c] > -700 ? Math.exp(target[c]) * (target[c] - own[c]) : 0))
    }
    const ahead = sum((c) => (logP[c] > logP[label] || (logP[c] === logP[label] && c < label) ? 1 : 0))
    table.total.push(edges.reduce((total, { weight = 1 }, k) => total + weight * kl[k], ceWeight * ce))
    table.ce.push(ce)
    for (const k of [0, 1, 2, 3] as const) table[`kl${k}`].push(kl[k])
    table.hit.push(ahead === 0 ? 1 : 0)
    table.top5.push(ahead < 5 ? 1 : 0)
    table.confidence.push(Math.exp(Math.max(...logP)))
    table.entropy.push(-sum((c) => (logP[c] > -700 ? Math.exp(logP[c]) * logP[c] : 0)))
    table.nll.push(-logP[label])
    table.brier.push(sum((c) => (Math.exp(logP[c]) - (c === label ? 1 : 0)) ** 2))
  }
  return table
}

export const scaled = (n: number, seed: number, by = 4) => uniform(n, seed).map((v) => by * v)
export const u32 = (values: ArrayLike<number>) => engine.tensor(values, [values.length], { dtype: 'u32' })
export const classesOf = (N: number, C: number) => Array.from({ length: N }, (_, n) => (n * 7 + 3) % C)
export const average = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length

export async function tableOf(table: Tensor): Promise<Record<Column, number[]>> {
  const values = await table.read()
  const rows = table.shape[1]
  return Object.fromEntries(COLUMNS.map((name, j) => [name, [...values.slice(j * rows, (j + 1) * rows)]])) as never
}

export async function checkTable(table: Tensor, want: Record<Column, number[]>, rtol = 2e-5) {
  const got = await tableOf(table)
  for (const name of COLUMNS) allclose(got[name], want[name], { atol: 2e-6, rtol }, name)
}
