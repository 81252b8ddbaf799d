import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { metrics } from '../../src/report/metrics.ts'
import { boundText, pick, temperatureScaling } from '../../src/report/scaling.ts'
import { uniform } from '../check.ts'

const test = suite('temperature scaling')

/** Logits `sharpness` times too sharp for labels that are drawn from their softmax. */
function answers(n: number, classes: number, sharpness: number, seed: number) {
  const honest = Float64Array.from(uniform(n * classes, seed), (x) => 2 * x)
  const dice = uniform(n, seed + 1)
  const labels = Uint32Array.from({ length: n }, (_, i) => {
    const weights = Array.from({ length: classes }, (_, c) => Math.exp(honest[i * classes + c]))
    const total = weights.reduce((sum, w) => sum + w, 0)
    const below = (c: number) => weights.slice(0, c + 1).reduce((sum, w) => sum + w, 0) / total
    return Math.max(
      0,
      weights.findIndex((_, c) => (dice[i] + 1) / 2 < below(c)),
    )
  })
  return { logits: honest.map((x) => sharpness * x), labels }
}

test('finds how much too sharp logits are, and mends test logits without another answer', () => {
  const [held, seen] = [answers(20_000, 5, 3, 1), answers(10_000, 5, 3, 7)]
  const { tau, atBound, fitted, tested, changed } = temperatureScaling(held, seen, 5)
  assert.ok(Math.abs(tau - 3) < 0.1, `τ ${tau}`)
  assert.is(atBound, null)
  assert.equal([fitted.n, tested.n, changed], [20_000, 10_000, 0])
  assert.ok(fitted.after.nll < fitted.before.nll && tested.after.nll < tested.before.nll)
  assert.ok(tested.before.ece > 0.15 && tested.after.ece < 0.03, `${tested.before.ece} → ${tested.after.ece}`)
  assert.is(tested.after.accuracy, tested.before.accuracy)
  const { nll, ece } = metrics(seen.logits, seen.labels, 5, { temperature: tau })
  assert.equal([tested.after.nll, tested.after.ece], [nll, ece])
})

test('no other temperature has a lower NLL on what it was fitted on', () => {
  const held = answers(500, 4, 0.6, 3)
  const { tau, fitted } = temperatureScaling(held, held, 4)
  for (const other of [0.5, 0.9, 0.99, 1.01, 1.1, 2]) {
    assert.ok(metrics(held.logits, held.labels, 4, { temperature: other * tau }).nll > fitted.after.nll, `${other}`)
  }
})

test('says what a temperature at an end of its range means', () => {
  const sure = { logits: [3, 0, 0, 3], labels: [0, 1] }
  const { tau, atBound } = temperatureScaling(sure, sure, 2)
  assert.match(boundText({ tau, atBound }), 'T = 0.01 is the lowest that is looked for: every answer')
  assert.is(boundText({ tau: 2, atBound: null }), '')
})

test('picks rows and refuses those that are not there', () => {
  const all = { logits: [1, 2, 3, 4, 5, 6], labels: [0, 1, 0] }
  assert.equal(pick(all, [2, 0], 2), { logits: Float64Array.of(5, 6, 1, 2), labels: Uint32Array.of(0, 0) })
  assert.throws(() => pick(all, [3], 2), /beyond 3/)
})

test.run()
