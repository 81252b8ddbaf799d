// ROC, true accept rates and equal error rate against cases counted by hand, and AUC against its definition.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { seeded } from '../../src/report/bootstrap.ts'
import { RATES, verification } from '../../src/report/verification.ts'
import { close } from './check.ts'

const test = suite('report/verification')

/** n scores from `high` downwards in steps of 1. */
const from = (high: number, n: number) => Array.from({ length: n }, (_, i) => high - i)

test('area and equal error rate of four and four', () => {
  // Of 16 couples the same pair is ahead in 4 + 4 + 3 + 1.
  const { auc, eer, samePairs, differentPairs } = verification([9, 8, 6, 3], [7, 5, 4, 2])
  assert.equal([samePairs, differentPairs], [4, 4])
  close(auc, 12 / 16)
  // After s6: far 1/4, false rejects 1/4.
  close(eer, 1 / 4)
})

test('equal scores count half, and the equal error lies on the line between thresholds', () => {
  close(verification([1, 1], [1, 1, 1]).auc, 0.5)
  close(verification([1, 1], [1, 1, 1]).eer, 0.5)
  // (0, 1/2) to (1/3, 1): 1/2 - 5/6 · 3x = 0 at x = 1/5 of far.
  const { auc, eer } = verification([3, 2], [2, 1, 0])
  close(auc, (3 + 2.5) / 6)
  close(eer, 1 / 5)
})

test('apart, and the wrong way round', () => {
  const apart = verification(from(10, 5), from(0, 20))
  close(apart.auc, 1)
  close(apart.eer, 0)
  const wrong = verification(from(0, 5), from(100, 20))
  close(wrong.auc, 0)
  close(wrong.eer, 1)
})

test('the threshold lets through no more than the rate allows', () => {
  // 100 different pairs 100, 99, …, 1: at 0.1 ten are accepted, 91 and above, so same pairs above 90 are.
  const different = from(100, 100)
  close(verification([90.5, 90, 89, 200], different).tar1e1, 2 / 4)
  // Ties at the threshold: the 10th and 11th are equal, so neither may pass.
  const tied = [...from(100, 9), 50, 50, ...from(40, 89)]
  close(verification([50, 51, 49, 1000], tied).tar1e1, 2 / 4)
})

test('a rate with fewer than ten different pairs under it is not known', () => {
  const few = verification([1, 2], from(0, 99))
  assert.equal([few.tar1e1, few.tar1e2, few.tar1e3], [null, null, null])
  const some = verification([1, 2, -9.5, -50.5], from(0, 1000))
  assert.equal([some.tar1e1, some.tar1e2, some.tar1e3], [1, 3 / 4, null])
  const enough = verification([1, 2, -9.5, -50.5], from(0, 10_000))
  assert.equal([enough.tar1e1, enough.tar1e2, enough.tar1e3], [1, 1, 3 / 4])
  assert.equal(
    enough.roc.map(({ far }) => far),
    [...RATES],
  )
  assert.is(few.roc[0].far, 0.15)
})

test('the curve rises from rate to rate up to (1, 1) and holds the named rates', () => {
  const random = seeded(3)
  const normal = () => random() + random() + random() - 1.5
  const same = Array.from({ length: 2000 }, () => normal() + 0.7)
  const different = Array.from({ length: 20_000 }, normal)
  const { roc, auc, eer, tar1e1, tar1e2, tar1e3 } = verification(same, different)
  const at = (rate: number) => roc.find(({ far }) => far === rate)!.tar
  assert.equal([at(0.1), at(0.01), at(0.001), at(1)], [tar1e1, tar1e2, tar1e3, 1])
  for (const [i, point] of roc.slice(1).entries()) assert.ok(point.far > roc[i].far && point.tar >= roc[i].tar)
  let ahead = 0
  for (const a of same) for (const b of different) ahead += a > b ? 1 : 0
  close(auc, ahead / (same.length * different.length), 1e-9)
  // Sum of three uniforms, 0.7 apart: both errors are the share above 0.35.
  assert.ok(Math.abs(eer - 0.25) < 0.02, `${eer}`)
})

test('no pairs and no numbers are refused', () => {
  assert.throws(() => verification([], [1]), /no same pairs/)
  assert.throws(() => verification([1], []), /no different pairs/)
  assert.throws(() => verification([1, Number.NaN], [1]), /same pair's score is NaN/)
})

test.run()
