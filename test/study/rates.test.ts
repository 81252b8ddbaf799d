// Optimizer and schedule as a recipe names them.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { scheduleOf } from '../../src/study/rates.ts'
import { allclose } from '../check.ts'
import { smallStages } from './small.ts'

const test = suite('rates')

const [stage] = smallStages()
const optimizer = { name: 'sgd', lr: 0.05, weightDecay: 5e-4, momentum: 0.9 } as const

test('milestones are shares of the training: 150, 180 and 210 of 240 epochs of 781 steps', () => {
  const schedule = { name: 'multiStep' as const, milestones: [0.625, 0.75, 0.875] }
  const at = scheduleOf({ ...stage, optimizer, schedule }, 240 * 781)
  const rates = [0, 150, 180, 210].flatMap((epoch) => [at(781 * epoch).lr, at(781 * (epoch + 30) - 1).lr])
  allclose(rates, [0.05, 0.05, 0.005, 0.005, 5e-4, 5e-4, 5e-5, 5e-5], { atol: 1e-12 })
  assert.ok(Math.abs(at(781 * 150 - 1).lr - 0.05) < 1e-12, 'the last step before')
  const half = scheduleOf({ ...stage, optimizer, schedule: { ...schedule, milestones: [0.5], gamma: 0.5 } }, 10)
  allclose(
    [4, 5].map((t) => half(t).lr),
    [0.05, 0.025],
    { atol: 1e-12 },
  )
})

test('the others are what they are called', () => {
  const rates = (name: 'cosine' | 'constant' | 'oneCycle', warmup: number) => {
    const at = scheduleOf({ ...stage, optimizer, schedule: { name, warmup } }, 100)
    return [0, 9, 10, 99].map((t) => at(t).lr)
  }
  allclose(rates('constant', 0.1), [0.05, 0.05, 0.05, 0.05], { atol: 1e-12 })
  allclose(rates('cosine', 0.1).slice(0, 3), [0.005, 0.05 * (0.1 + 0.9 * 0.9), 0.05], { atol: 1e-12 })
  allclose(rates('oneCycle', 0.1).slice(0, 2), [0.05 / 25, 0.05], { atol: 1e-12 })
})

test.run()
