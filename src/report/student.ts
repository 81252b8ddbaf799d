// Distribution functions behind the intervals: the regularised incomplete beta function and, through it, quantiles of
// Student's t and of F. The beta function uses Lentz's continued fraction (Abramowitz & Stegun 26.5.8).
import { InputError } from '../errors.ts'

// Lanczos coefficients for g = 7, n = 9: ln Γ to about 1e-15.
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
]

/** ln Γ(x), x > 0. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  let sum = LANCZOS[0]
  for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i] / (x - 1 + i)
  const t = x + 6.5
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum)
}

/** Regularised incomplete beta I_x(a, b), the distribution function of Beta(a, b). */
export function betaCdf(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x))
  return x < (a + 1) / (a + b + 2) ? (front * fraction(x, a, b)) / a : 1 - (front * fraction(1 - x, b, a)) / b
}

function fraction(x: number, a: number, b: number): number {
  const tiny = 1e-300
  let c = 1
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1), tiny)
  let h = d
  for (let m = 1; m <= 10_000; m++) {
    for (const term of [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ]) {
      d = 1 / nonZero(1 + term * d, tiny)
      c = nonZero(1 + term / c, tiny)
      h *= d * c
    }
    if (Math.abs(d * c - 1) < 1e-16) break
  }
  return h
}

function nonZero(x: number, tiny: number): number {
  return Math.abs(x) < tiny ? tiny : x
}

/** P(t <= x) for Student's t with `df` degrees of freedom. */
export function tCdf(x: number, df: number): number {
  const tail = betaCdf(df / (df + x * x), df / 2, 0.5) / 2
  return x > 0 ? 1 - tail : tail
}

/** The p-quantile of Student's t. */
export function tQuantile(p: number, df: number): number {
  if (!(p > 0 && p < 1 && df > 0)) throw new InputError(`tQuantile: p = ${p}, df = ${df}; 0 < p < 1 and df > 0 needed`)
  if (p === 0.5) return 0
  // The tail, not 1 - tail, is solved for: no digits are lost far out.
  const tail = Math.min(p, 1 - p)
  const root = solve((x) => betaCdf(df / (df + x * x), df / 2, 0.5) / 2 - tail)
  return p < 0.5 ? -root : root
}

/** The p-quantile of the F distribution. */
export function fQuantile(p: number, df1: number, df2: number): number {
  if (!(p > 0 && p < 1 && df1 > 0 && df2 > 0)) {
    throw new InputError(`fQuantile: p = ${p}, df = ${df1}, ${df2}; 0 < p < 1 and df > 0 needed`)
  }
  return solve((x) => p - betaCdf((df1 * x) / (df1 * x + df2), df1 / 2, df2 / 2))
}

/** The positive root of a falling function, by bracketing and then bisection to the last bit. */
function solve(falling: (x: number) => number): number {
  let high = 1
  while (falling(high) > 0 && high < 1e300) high *= 2
  let low = high / 2
  while (falling(low) < 0 && low > 1e-300) low /= 2
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2
    if (middle === low || middle === high) break
    if (falling(middle) > 0) low = middle
    else high = middle
  }
  return (low + high) / 2
}
