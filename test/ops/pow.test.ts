import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { InputError, ShapeError } from '../../src/errors.ts'
import { pow } from '../../src/ops/pow.ts'
import { sum } from '../../src/ops/reduce.ts'
import type { Shape } from '../../src/tensor.ts'
import { allclose, broadcast, checkOp, uniform } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('pow')

/** Values from 0.5 to 1.5. */
const positive = (size: number, seed: number) => uniform(size, seed).map((v) => 1 + v / 2)

test('takes numbers as exponents, whole ones for bases of either sign', async () => {
  for (const n of [0, 1, 2, 3, 7, 32, 33, 40, -1, -2, -3, -33]) {
    const shape = [3, 5, 2, 7]
    const data = positive(210, 3).map((v, i) => (i % 2 ? -v : v))
    const inputs = [{ shape, layout: 'chwn' as const, data }]
    await checkOp({ name: `x^${n}`, inputs, op: (x) => pow(x, n), reference: (x) => x.map((v) => v ** n) })
  }
  for (const n of [0.5, 2.5, -0.3]) {
    const inputs = [{ shape: [65], data: positive(65, 4) }]
    await checkOp({ name: `x^${n}`, inputs, op: (x) => pow(x, n), reference: (x) => x.map((v) => v ** n) })
  }
})

test('takes numbers and Scalars as bases', async () => {
  for (const base of [2.5, engine.scalar('base', 2.5)]) {
    await checkOp({
      name: '2.5^x',
      inputs: [{ shape: [65] }],
      op: (x) => pow(base, x),
      reference: (x) => x.map((v) => 2.5 ** v),
    })
  }
})

test('takes tensors on both sides, whatever the shapes and layouts', async () => {
  const whole = [3, 5, 2, 7]
  for (const [a, b, to] of [
    [[65], [65], [65]],
    [[3, 5], [5], [3, 5]],
    [[2, 3], [], [2, 3]],
    [whole, [5, 1, 1], whole],
    [[3, 1, 2, 1], whole, whole],
  ] as [Shape, Shape, Shape][]) {
    const size = a.reduce((n, d) => n * d, 1)
    await checkOp({
      name: `[${a}]^[${b}]`,
      inputs: [{ shape: a, data: positive(size, 5), layout: a.length === 4 ? 'chwn' : 'row' }, { shape: b }],
      op: pow,
      reference: broadcast((x, n) => x ** n, [a, b], to),
    })
  }
})

test('0, infinities and what has no power', async () => {
  const bases = [0, 0, 0, 0, -2, -2, 0.5, -8, 5, 0, 0, 0]
  const exponents = [0, 2, -1, 0.5, 0.5, 35, 100, -3, 0, -0.5, -40, 40]
  const y = pow(engine.tensor(bases), engine.tensor(exponents))
  const want = bases.map((v, i) => v ** exponents[i])
  assert.equal(want.slice(0, 5), [1, 0, Number.POSITIVE_INFINITY, 0, Number.NaN])
  allclose(await y.read(), want, { atol: 0, rtol: 1e-6 })
})

test('gradients at 0 are those of PyTorch', async () => {
  const x = engine.tensor([0, 0, 0], [3], { requiresGrad: true })
  const n = engine.tensor([0, 1, 2], [3], { requiresGrad: true })
  backward(sum(pow(x, n)))
  assert.equal([...(await x.grad!.read())], [0, 1, 0])
  assert.equal([...(await n.grad!.read())], [0, 0, 0])
  const [y, m] = [
    engine.tensor([0, 0, -2], [3], { requiresGrad: true }),
    engine.tensor([0.5, -0.5, 3], [3], { requiresGrad: true }),
  ]
  backward(sum(pow(y, m)))
  assert.equal([...(await y.grad!.read())], [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 12])
  assert.equal([...(await m.grad!.read())], [0, Number.NEGATIVE_INFINITY, Number.NaN])
})

test('follows a Scalar that changes between the runs of a captured step, forward and backward', async () => {
  const n = engine.scalar('n', 2)
  const x = engine.tensor([2, 3], [2], { requiresGrad: true })
  const step = engine.capture('powers', () => {
    const y = sum(pow(x, n))
    x.gradEmpty = true
    backward(y)
    return y
  })
  for (const [value, want, gradient] of [
    [2, 13, [4, 6]],
    [3, 35, [12, 27]],
  ] as const) {
    n.value = value
    step.run()
    assert.is(await step.outputs.item(), want)
    assert.equal([...(await x.grad!.read())], gradient)
  }
  step.release()
})

test('names the operation and what does not fit', () => {
  const x = engine.zeros([2, 3])
  const shape = (e: Error) => e instanceof ShapeError && e.message === "pow: [2, 3] and [2] don't broadcast"
  assert.throws(() => pow(x, engine.zeros([2])), shape)
  const input = (e: Error) =>
    e instanceof InputError && e.message === "pow: needs f32, got u32 [1]; cast(x, 'f32') makes it so"
  assert.throws(() => pow(x, engine.zeros([1], { dtype: 'u32' })), input)
  assert.throws(() => pow(x, undefined as unknown as number), /^pow: needs tensors, .* and undefined$/)
})

test('an exponent that is no number shows at every base; 1 and -1 to an infinite power are 1', async () => {
  const bases = [0, 1, -1, 2, -2]
  const a = engine.tensor(bases, [5])
  assert.equal(
    [
      ...(await pow(
        a,
        engine.tensor(
          bases.map(() => Number.NaN),
          [5],
        ),
      ).read()),
    ].map(Number.isNaN),
    [...bases.map(() => true)],
  )
  for (const n of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    assert.equal([...(await pow(engine.tensor([1, -1], [2]), engine.tensor([n, n], [2])).read())], [1, 1])
})

test.run()
