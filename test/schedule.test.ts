import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { InputError } from '../src/errors.ts'
import * as schedules from '../src/schedule.ts'
import { allclose } from './check.ts'

// The whole curves are compared with PyTorch's by the conformance suite; these are the points a reader can check by
// hand.
const test = suite('schedule')
const ratesOf = (schedule: schedules.Schedule, steps: number[]) => steps.map((t) => schedule(t).lr)
const exact = { atol: 1e-12, rtol: 1e-9 }

test('constant, step, multistep and exponential', () => {
  assert.equal(schedules.constant({ lr: 0.1 })(1e6), { lr: 0.1 })
  allclose(ratesOf(schedules.step({ lr: 1, stepSize: 3, gamma: 0.5 }), [0, 2, 3, 5, 6]), [1, 1, 0.5, 0.5, 0.25], exact)
  const multi = schedules.multiStep({ lr: 1, milestones: [2, 4] })
  allclose(ratesOf(multi, [0, 1, 2, 3, 4, 99]), [1, 1, 0.1, 0.1, 0.01, 0.01], exact)
  allclose(ratesOf(schedules.exponential({ lr: 2, gamma: 0.5 }), [0, 1, 3]), [2, 1, 0.25], exact)
})

test('cosine falls from lr over the middle to minLr', () => {
  const fall = schedules.cosine({ lr: 1, total: 10, minLr: 0.2 })
  allclose(ratesOf(fall, [0, 5, 10]), [1, 0.6, 0.2], exact)
})

test('warm-up rises on a line, reaches lr and then falls to 0', () => {
  const rise = schedules.linearWarmupCosine({ lr: 1, warmup: 5, total: 25, startFactor: 0.5 })
  allclose(ratesOf(rise, [0, 1, 4, 5, 15, 25]), [0.5, 0.6, 0.9, 1, 0.5, 0], exact)
  const none = schedules.linearWarmupCosine({ lr: 1, warmup: 0, total: 10 })
  allclose(ratesOf(none, [0, 5]), [1, 0.5], exact)
})

test('one cycle starts at maxLr / 25, peaks, and ends far below; momentum mirrors it', () => {
  const cycle = schedules.oneCycle({ maxLr: 1, totalSteps: 100, pctStart: 0.1 })
  allclose(ratesOf(cycle, [0, 9, 99]), [0.04, 1, 4e-6], exact)
  assert.equal([cycle(0).momentum, cycle(9).momentum, cycle(99).momentum], [0.95, 0.85, 0.95])
  assert.is(cycle(9).beta1, 0.85)
  assert.is(schedules.oneCycle({ maxLr: 1, totalSteps: 10, cycleMomentum: false })(3).momentum, undefined)
  assert.is(schedules.oneCycle({ maxLr: 1, totalSteps: 10, pctStart: 0.1 })(0).lr, 1)
  const three = schedules.oneCycle({ maxLr: 1, totalSteps: 100, threePhase: true })
  allclose(ratesOf(three, [0, 29, 58, 99]), [0.04, 1, 0.04, 4e-6], exact)
  const rates = Array.from({ length: 100 }, (_, t) => cycle(t).lr)
  assert.ok(rates.every((lr, t) => t === 0 || (t < 10 ? lr > rates[t - 1] : lr < rates[t - 1])))
})

test('refuses what makes no schedule', () => {
  const throws = (run: () => unknown, text: RegExp) =>
    assert.throws(run, (e: Error) => e instanceof InputError && text.test(e.message))
  throws(() => schedules.constant({ lr: -1 }), /constant: lr -1/)
  throws(() => schedules.cosine({ lr: 1, total: 0 }), /total 0/)
  throws(() => schedules.step({ lr: 1, stepSize: Number.NaN }), /stepSize NaN/)
  throws(() => schedules.linearWarmupCosine({ lr: 1, warmup: 10, total: 10 }), /total - warmup 0/)
  throws(() => schedules.oneCycle({ maxLr: 1, totalSteps: 0 }), /totalSteps 0/)
  throws(() => schedules.oneCycle({ maxLr: 1, totalSteps: 10, pctStart: 2 }), /pctStart 2/)
  throws(() => schedules.oneCycle({ maxLr: 1, totalSteps: 10 })(10), /step 10 of 10/)
  throws(() => schedules.oneCycle({ maxLr: 1, totalSteps: 10, divFactor: 0 }), /divFactor 0, needs to be above 0/)
  const named = { maxLr: 1, totalSteps: 10, pct_start: 0.1 } as Parameters<typeof schedules.oneCycle>[0]
  throws(() => schedules.oneCycle(named), /oneCycle: no option 'pct_start'; there are maxLr/)
  const annealStrategy = 'cosine' as 'cos'
  throws(() => schedules.oneCycle({ maxLr: 1, totalSteps: 10, annealStrategy }), /'cosine'; cos or linear/)
})

test.run()
