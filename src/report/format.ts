// How numbers are written: percent with two decimals, nats with three, a true minus sign, a dash for what is missing.
import type { Part, Unit } from './claim.ts'
import type { Interval } from './stats.ts'

export const MISSING = '–'

export function fixed(x: number, digits: number): string {
  const text = x.toFixed(digits)
  return text.startsWith('-') ? (Number(text) === 0 ? text.slice(1) : `−${text.slice(1)}`) : text
}

export function percent(x: number, digits = 2): string {
  return fixed(100 * x, digits)
}

/** About three significant digits, in plain notation. */
export function significant(x: number): string {
  const size = Math.abs(x)
  return fixed(x, size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4)
}

/** 1284000 → '1.28 M'. */
export function scaled(x: number): string {
  const [divisor, unit] =
    x >= 1e12 ? [1e12, ' T'] : x >= 1e9 ? [1e9, ' G'] : x >= 1e6 ? [1e6, ' M'] : x >= 1e3 ? [1e3, ' k'] : [1, '']
  return significant(x / divisor) + unit
}

/** 61 → '61.0 s', 7300 → '2.03 h'. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${significant(seconds)} s`
  return seconds < 7200 ? `${significant(seconds / 60)} min` : `${significant(seconds / 3600)} h`
}

/** 2000 → '2,000'. */
export function thousands(x: number): string {
  return String(Math.round(x)).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** The first letter upper case. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** '82.31 ± 0.46': mean and standard deviation over seeds; the mean alone where there is one seed. */
export function plusMinus(summary: Interval | null, write: (x: number) => string): string {
  if (summary === null) return MISSING
  return summary.sd === null ? write(summary.mean) : `${write(summary.mean)} ± ${write(summary.sd)}`
}

const UNITS: Record<Unit, { write: (x: number) => string; unit: string; signed: boolean }> = {
  fraction: { write: (x) => percent(x), unit: 'points', signed: true },
  nats: { write: (x) => fixed(x, 3), unit: 'nats', signed: true },
  number: { write: (x) => fixed(x, 2), unit: '', signed: true },
  ratio: { write: (x) => significant(x), unit: 'times', signed: false },
}
/** What is nearer to 0 is the rounding of float64, not a difference. */
const NOISE = 1e-12

/** '+0.82 points'. */
export function estimateOf({ estimate, unit }: Pick<Part, 'estimate' | 'unit'>): string {
  return estimate === null ? MISSING : `${sign(estimate, unit)} ${UNITS[unit].unit}`.trim()
}

/** '+0.82 points [+0.31, +1.33]'; of one seed without an interval. */
export function withInterval(part: Pick<Part, 'estimate' | 'lower' | 'upper' | 'unit'>): string {
  return part.lower === null ? estimateOf(part) : `${estimateOf(part)} ${intervalOf(part)}`
}

/** '[+0.31, +1.33]'. */
export function intervalOf({ lower, upper, unit }: Pick<Part, 'lower' | 'upper' | 'unit'>): string {
  return lower === null || upper === null ? MISSING : `[${sign(lower, unit)}, ${sign(upper, unit)}]`
}

function sign(x: number, unit: Unit): string {
  const { write, signed } = UNITS[unit]
  const text = write(x)
  if (!signed || text.startsWith('−')) return text
  // The side of 0 that an end of an interval lies on is what a verdict says: the sign stays where the digits round to 0.
  if (Number(text) !== 0) return `+${text}`
  return `${Math.abs(x) < NOISE ? '' : x < 0 ? '−' : '+'}${text}`
}
