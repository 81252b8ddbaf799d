import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { seeded } from '../../src/report/bootstrap.ts'
import { columns, softmax } from '../../src/report/metrics.ts'
import { fitTemperature, TAU_RANGE } from '../../src/report/temperature.ts'
import { close, expectCase, fails, torchCases } from './check.ts'

const test = suite('report/temperature')

for (const c of torchCases('temperature_scaling')) {
  test(`torch temperature_scaling ${c.name}`, () => {
    const [logits, labels] = c.inputs
    const fit = fitTemperature(logits.values, labels.values, logits.shape[1])
    expectCase(c, { temperature: [fit.tau], nll_before: [fit.nllBefore], nll_after: [fit.nllAfter] })
    const exact = c.outputs[0].values[0]
    close(fit.tau, exact, 1e-6 * exact)
    const before = columns(logits.values, labels.values, logits.shape[1])
    const after = columns(logits.values, labels.values, logits.shape[1], fit.tau)
    assert.equal(after.prediction, before.prediction, 'argmax unchanged')
  })
}

/** Logits whose labels are drawn from their own softmax at temperature `tau`: the fit must find `tau`. */
function drawn(n: number, classes: number, tau: number): { logits: number[]; labels: number[] } {
  const random = seeded(7)
  const logits = Array.from({ length: n * classes }, () => 6 * random())
  const p = softmax(logits, classes, tau)
  const labels = Array.from({ length: n }, (_, i) => {
    let u = random()
    let c = 0
    while (c < classes - 1 && u >= p[i * classes + c]) u -= p[i * classes + c++]
    return c
  })
  return { logits, labels }
}

test('finds the temperature that the labels were drawn with, and mends the calibration', () => {
  for (const tau of [0.5, 1, 3]) {
    const { logits, labels } = drawn(20_000, 5, tau)
    const fit = fitTemperature(logits, labels, 5)
    close(fit.tau, tau, 0.06 * tau)
    assert.is(fit.atBound, null)
    assert.ok(fit.nllAfter <= fit.nllBefore)
    assert.ok(fit.eceAfter < 0.02)
  }
})

test('logits multiplied by 10,000 give 10,000 times the temperature, up to the bound', () => {
  const { logits, labels } = drawn(500, 4, 1)
  const { tau } = fitTemperature(logits, labels, 4)
  close(
    fitTemperature(
      logits.map((z) => 100 * z),
      labels,
      4,
    ).tau,
    100 * tau,
    1e-7,
  )
  assert.is(
    fitTemperature(
      logits.map((z) => 1e4 * z),
      labels,
      4,
    ).atBound,
    'upper',
  )
})

test('says when the NLL has no minimum', () => {
  const right = fitTemperature([3, 0, 0, 2], [0, 1], 2)
  assert.equal([right.tau, right.atBound], [TAU_RANGE.lower, 'lower'])
  // So sure that the NLL is 0 at any τ of the range.
  const sure = fitTemperature([1e9, 0, 1e9, 0], [0, 0], 2)
  assert.equal([sure.tau, sure.atBound], [TAU_RANGE.lower, 'lower'])
  const wrong = fitTemperature([3, 0, 0, 2], [1, 0], 2)
  assert.equal([wrong.tau, wrong.atBound], [TAU_RANGE.upper, 'upper'])
  assert.is(fitTemperature([5, 5, 5, 5], [0, 1], 2).tau, 1)
})

test('refuses probabilities, but not logits that happen to lie in [0, 1]', () => {
  fails(() => fitTemperature(softmax([1, 2, 3, 3, 1, 0], 3), [2, 0], 3), /these are probabilities; give it logits/)
  fails(() => fitTemperature([1, 0, 0, 1], [0, 1], 2), /probabilities/)
  assert.ok(fitTemperature([0.9, 0.2, 0.1, 0.9, 0.6, 0.5], [0, 1, 1], 2).tau > 0)
})

test('refuses what cannot be fitted', () => {
  fails(() => fitTemperature([], [], 10), /no pictures/)
  fails(() => fitTemperature([1, 2], [0, 0], 1), /at least 2/)
  fails(() => fitTemperature([1, Number.NaN], [0], 2), /logit NaN in row 0, class 1/)
  fails(() => fitTemperature([1, 2], [5], 2), /label 5/)
})

test.run()
