import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { binomial, bootstrapBins, quantile, seeded } from '../../src/report/bootstrap.ts'
import { calibrate } from '../../src/report/calibration.ts'
import { direction, interval, mean, paired, sd, sdRatio, verdict } from '../../src/report/stats.ts'
import { betaCdf, fQuantile, logGamma, tCdf, tQuantile } from '../../src/report/student.ts'
import { close, fails } from './check.ts'

const test = suite('report/stats')

// [degrees of freedom, p, quantile], from SciPy 1.17.
const T = [
  [1, 0.975, 12.706204736174694],
  [1, 0.999999, 318309.88617359026],
  [2, 0.975, 4.302652729749462],
  [2, 0.6, 0.2886751345948128],
  [3, 0.975, 3.1824463052837078],
  [4, 0.975, 2.7764451051977934],
  [5, 0.975, 2.5705818356363146],
  [5, 0.6, 0.2671808657041451],
  [5, 0.999999, 24.771029720372493],
  [9, 0.975, 2.262157162798205],
  [10, 0.995, 3.16927267261695],
  [30, 0.975, 2.0422724563012378],
  [120, 0.975, 1.9799304050824402],
  [1000, 0.999999, 4.781608620452439],
  [1e6, 0.975, 1.959966356814107],
] as const

test("Student's t quantile to 1e-8, both tails", () => {
  for (const [df, p, want] of T) {
    close(tQuantile(p, df) / want, 1, 1e-9)
    if (p !== 0.999999) close(tQuantile(1 - p, df), -want, 1e-8 * want)
    close(tCdf(want, df), p, 1e-10)
    close(tCdf(-want, df), 1 - p, 1e-10)
  }
  assert.is(tQuantile(0.5, 3), 0)
})

test('closed forms: t with 1 and 2 degrees of freedom, F, ln Γ', () => {
  for (const p of [0.501, 0.6, 0.75, 0.9, 0.99, 0.9999]) {
    close(tQuantile(p, 1), Math.tan(Math.PI * (p - 0.5)), 1e-8)
    close(tQuantile(p, 2), (2 * p - 1) / Math.sqrt(2 * p * (1 - p)), 1e-8)
  }
  close(fQuantile(0.975, 1, 1), 647.7890114778442, 1e-6)
  close(fQuantile(0.975, 4, 4), 9.604529884722858, 1e-8)
  close(fQuantile(0.025, 5, 9), 0.14967697434308713, 1e-10)
  close(logGamma(0.5), Math.log(Math.sqrt(Math.PI)), 1e-14)
  close(logGamma(11), Math.log(3628800), 1e-12)
  close(betaCdf(0.3, 1, 1), 0.3, 1e-14)
  assert.equal([betaCdf(-1, 2, 2), betaCdf(2, 2, 2)], [0, 1])
  fails(() => tQuantile(1, 3), /0 < p < 1/)
  fails(() => fQuantile(0.5, 0, 3), /df > 0/)
})

test('mean, sample standard deviation and the interval of a mean', () => {
  const values = [2, 4, 4, 4, 5, 5, 7, 9]
  assert.is(mean(values), 5)
  close(sd(values), Math.sqrt(32 / 7))
  const { lower, upper, n } = interval(values)
  const half = (2.3646242510102993 * Math.sqrt(32 / 7)) / Math.sqrt(8)
  assert.is(n, 8)
  close(lower, 5 - half, 1e-8)
  close(upper, 5 + half, 1e-8)
  assert.equal(interval([3]), { n: 1, mean: 3, sd: null, lower: null, upper: null })
  assert.is(sd([1]), null)
  fails(() => interval([]), /no values/)
})

test('the interval covers the truth in 95 of 100 samples', () => {
  const random = seeded(3)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  let covered = 0
  for (let i = 0; i < 4000; i++) {
    const { lower, upper } = interval(Array.from({ length: 4 }, () => 10 + normal()))
    if (lower! <= 10 && upper! >= 10) covered++
  }
  close(covered / 4000, 0.95, 0.012)
})

test('differences are paired by seed; a seed that one side lacks is left out', () => {
  const a = new Map([
    [2, 5],
    [0, 3],
    [1, 4],
    [7, 99],
  ])
  const b = new Map([
    [0, 1],
    [1, 3],
    [2, 1],
  ])
  const difference = paired(a, b)!
  assert.equal(difference.seeds, [0, 1, 2])
  assert.equal(difference.differences, [2, 1, 4])
  close(difference.mean, 7 / 3)
  assert.is(paired(a, new Map()), null)
})

test('a verdict needs two seeds and an interval that excludes zero', () => {
  assert.is(verdict({ n: 3, lower: 0.1, upper: 1 }, 'above'), 'holds')
  assert.is(verdict({ n: 3, lower: 0.1, upper: 1 }, 'below'), 'reversed')
  assert.is(verdict({ n: 3, lower: -2, upper: -1 }, 'above'), 'reversed')
  assert.is(verdict({ n: 3, lower: -2, upper: -1 }, 'below'), 'holds')
  assert.is(verdict({ n: 3, lower: -1, upper: 1 }, 'above'), 'undecided')
  assert.is(verdict({ n: 3, lower: 0, upper: 1 }, 'above'), 'undecided')
  assert.is(verdict({ n: 3, lower: 1.1, upper: 2 }, 'above', 1), 'holds')
  assert.is(verdict({ n: 1, lower: null, upper: null }, 'above'), 'one seed, no verdict')
  assert.is(verdict({ n: 0, lower: null, upper: null }, 'above'), 'not tested')
  assert.is(direction(0.2, 'above'), 'as claimed')
  assert.is(direction(0.2, 'below'), 'against the claim')
  assert.is(direction(0, 'below'), 'no difference')
})

test('ratio of two standard deviations', () => {
  const { mean: ratio, lower, upper } = sdRatio(3, 1.5, 5)
  assert.is(ratio, 2)
  close(lower! * upper!, 4, 1e-7)
  close(upper!, 2 * Math.sqrt(9.604529884722858), 1e-7)
})

test('binomial numbers have the right mean and spread, exact and normal', () => {
  const random = seeded(11)
  for (const [n, p] of [
    [20, 0.3],
    [5000, 0.002],
    [5000, 0.4],
    [5000, 0.999],
    [40, 0.5],
  ]) {
    const values = Array.from({ length: 20_000 }, () => binomial(n, p, random))
    const spread = Math.sqrt(n * p * (1 - p))
    close(mean(values), n * p, 4 * (spread / Math.sqrt(20_000)))
    close(sd(values)! / spread, 1, 0.03)
    assert.ok(values.every((x) => Number.isInteger(x) && x >= 0 && x <= n))
  }
  assert.equal([binomial(5, 0, random), binomial(5, 1, random), binomial(0, 0.5, random)], [0, 5, 0])
})

test('bootstrap of bins: null for an empty bin, about 1.96 standard errors elsewhere, same seed same interval', () => {
  const random = seeded(5)
  const confidence = Array.from({ length: 10_000 }, () => 0.5 + 0.5 * random())
  const { bins } = calibrate(
    confidence,
    confidence.map((c) => (random() < c ? 1 : 0)),
  )
  const intervals = bootstrapBins([bins], { draws: 4000, seed: 9 })
  for (const [k, bin] of bins.entries()) {
    if (bin.count === 0) {
      assert.is(intervals[k], null)
      continue
    }
    const half = 1.96 * Math.sqrt((bin.accuracy * (1 - bin.accuracy)) / bin.count)
    close((intervals[k]!.upper - intervals[k]!.lower) / (2 * half), 1, 0.08)
  }
  assert.equal(bootstrapBins([bins], { draws: 4000, seed: 9 }), intervals)
  const two = bootstrapBins([bins, bins], { draws: 500 })
  assert.ok(two[14]!.upper > two[14]!.lower)
  fails(() => bootstrapBins([]), /no runs/)
})

test('quantiles interpolate', () => {
  assert.is(quantile([1, 2, 3, 4], 0.5), 2.5)
  assert.equal([quantile([1, 2], 0), quantile([1, 2], 1), quantile([5], 0.3)], [1, 2, 5])
})

test.run()
