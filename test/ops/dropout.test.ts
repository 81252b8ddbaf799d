import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { InputError } from '../../src/errors.ts'
import { type DropoutOptions, dropout } from '../../src/ops/dropout.ts'
import { add } from '../../src/ops/pointwise.ts'
import { stream } from '../../src/random.ts'
import { allclose, checkOp, uniform } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('dropout')
const random = stream(3, 'dropout')

/** Word i of mask `count`, as a number from 0 to 1. */
const numbers = (n: number, count: number) =>
  Array.from(random.words(count * 2 ** 33, n), (word) => (word >>> 8) / 2 ** 24)

for (const p of [0, 0.1, 0.5, 0.9, 1]) {
  test(`drops by the stream's numbers at p ${p}, forward and backward`, async () => {
    for (const n of [1, 63, 64, 1001]) {
      const drawn = numbers(n, 5)
      await checkOp({
        name: `dropout [${n}] p ${p}`,
        inputs: [{ shape: [n] }],
        op: (x) => dropout(x, { p, random, count: 5 }),
        reference: (x) => x.map((v, i) => (drawn[i] >= p && p < 1 ? v / (1 - p) : 0)),
      })
    }
  })
}

test('drops as many as asked, and keeps the mean', async () => {
  const n = 100_000
  const y = await dropout(engine.full([n], 1), { p: 0.3, random, count: 0 }).read()
  const values = [...y]
  const dropped = values.filter((v) => v === 0).length / n
  // Four standard deviations of a binomial distribution.
  assert.ok(Math.abs(dropped - 0.3) < 4 * Math.sqrt((0.3 * 0.7) / n), `${dropped}`)
  allclose([values.reduce((a, b) => a + b, 0) / n], [1], { atol: 0.01 })
})

test('takes another mask with every count and stream, and the same again with the same', async () => {
  const x = engine.full([512], 1)
  const mask = async (name: string, count: number) =>
    [...(await dropout(x, { random: stream(3, name), count }).read())].join()
  const first = await mask('dropout', 0)
  assert.is(await mask('dropout', 0), first)
  assert.is.not(await mask('dropout', 1), first)
  assert.is.not(await mask('another', 0), first)
})

test('moves on in a captured step, its gradient with it', async () => {
  const count = engine.scalar('count', 0)
  const x = engine.tensor(uniform(64), [64], { requiresGrad: true })
  const step = engine.capture('dropped', () => {
    const y = dropout(x, { p: 0.5, random, count })
    x.grad = null
    backward(y, engine.full([64], 1))
    return { y, slope: add(x.grad!, 0) }
  })
  for (const value of [0, 7]) {
    count.value = value
    step.run()
    const kept = numbers(64, value).map((v) => (v >= 0.5 ? 2 : 0))
    assert.equal([...(await step.outputs.slope.read())], kept)
    const values = await x.read()
    assert.equal(
      [...(await step.outputs.y.read())],
      kept.map((k, i) => k * values[i]),
    )
  }
  step.release()
})

test('the gradient has the mask of the call, whatever became of the count since', async () => {
  const count = engine.scalar('count', 5)
  const x = engine.tensor(uniform(64), [64], { requiresGrad: true })
  const y = dropout(x, { p: 0.5, random, count })
  count.value = 6
  backward(y, engine.full([64], 1))
  const kept = numbers(64, 5).map((v) => (v >= 0.5 ? 2 : 0))
  assert.equal([...(await x.grad!.read())], kept)
})

test('refuses a count that names no mask', () => {
  for (const count of [-1, 1.5, 2 ** 32, Number.NaN]) {
    const message = (e: Error) => e instanceof InputError && e.message.startsWith(`dropout: count ${count};`)
    assert.throws(() => dropout(engine.tensor([1]), { random, count }), message)
  }
})

test('asks for a stream', () => {
  const options = { count: 0 } as DropoutOptions
  assert.throws(
    () => dropout(engine.tensor([1]), options),
    /dropout: random: needs a stream, as `stream\(seed, name\)`/,
  )
})

test('refuses a p that is no probability', () => {
  for (const p of [-0.1, 1.1, Number.NaN]) {
    const message = (e: Error) => e instanceof InputError && e.message === `dropout: p ${p}; from 0 to 1`
    assert.throws(() => dropout(engine.tensor([1]), { p, random, count: 0 }), message)
  }
})

test.run()
