import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { InputError, ShapeError } from '../../src/errors.ts'
import { eq, ge, gt, le, lt, maximum, minimum, where } from '../../src/ops/compare.ts'
import { log, mul } from '../../src/ops/pointwise.ts'
import { sum } from '../../src/ops/reduce.ts'
import type { Layout, Shape, Tensor } from '../../src/tensor.ts'
import { allclose, broadcast, checkOp, uniform } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('compare')

const SHAPES: [Shape, Shape, Shape, Layout?, Layout?][] = [
  [[65], [65], [65]],
  [[3, 5], [5], [3, 5]],
  [
    [3, 1],
    [1, 5],
    [3, 5],
  ],
  [[], [2, 3], [2, 3]],
  [[3, 5, 2, 7], [3, 5, 2, 7], [3, 5, 2, 7], 'chwn', 'row'],
  [[5, 1, 1], [3, 5, 2, 7], [3, 5, 2, 7], 'row', 'chwn'],
]

test('takes the larger and the smaller, whatever the shapes and layouts', async () => {
  for (const [a, b, to, ...layouts] of SHAPES) {
    const inputs = [a, b].map((shape, i) => ({ shape, layout: layouts[i] }))
    const name = `[${a}] and [${b}]`
    await checkOp({ name: `maximum ${name}`, inputs, op: maximum, reference: broadcast(Math.max, [a, b], to) })
    await checkOp({ name: `minimum ${name}`, inputs, op: minimum, reference: broadcast(Math.min, [a, b], to) })
  }
})

test('takes numbers and Scalars on either side', async () => {
  const inputs = [{ shape: [3, 5, 2, 7], layout: 'chwn' as const }]
  for (const c of [0.25, engine.scalar('c', 0.25)]) {
    const larger = (x: Float64Array) => x.map((v) => Math.max(v, 0.25))
    const smaller = (x: Float64Array) => x.map((v) => Math.min(v, 0.25))
    await checkOp({ name: 'maximum(x, c)', inputs, op: (x) => maximum(x, c), reference: larger })
    await checkOp({ name: 'maximum(c, x)', inputs, op: (x) => maximum(c, x), reference: larger })
    await checkOp({ name: 'minimum(x, c)', inputs, op: (x) => minimum(x, c), reference: smaller })
    await checkOp({ name: 'minimum(c, x)', inputs, op: (x) => minimum(c, x), reference: smaller })
  }
  const y = gt(engine.zeros([2, 3, 1, 1], { layout: 'chwn' }), -1)
  assert.is(y.layout, 'chwn')
})

test('equal ones share the gradient, the other sides have all or nothing', async () => {
  for (const [f, wantA, wantB] of [
    [maximum, [0, 1, 1.5], [1, 0, 1.5]],
    [minimum, [1, 0, 1.5], [0, 1, 1.5]],
  ] as const) {
    const a = engine.tensor([1, 5, 2], [3], { requiresGrad: true })
    const b = engine.tensor([3, 4, 2], [3], { requiresGrad: true })
    backward(f(a, b), engine.tensor([1, 1, 3]))
    assert.equal([...(await a.grad!.read())], wantA)
    assert.equal([...(await b.grad!.read())], wantB)
  }
  const x = engine.tensor([1, -2], [2], { requiresGrad: true })
  backward(sum(maximum(x, x)))
  assert.equal([...(await x.grad!.read())], [1, 1])
})

test('a NaN on either side comes through', async () => {
  const [a, b] = [engine.tensor([Number.NaN, 1, 2]), engine.tensor([1, Number.NaN, 3])]
  assert.equal([...(await maximum(a, b).read())], [Number.NaN, Number.NaN, 3])
  assert.equal([...(await minimum(a, b).read())], [Number.NaN, Number.NaN, 2])
})

test('a NaN does not stop the gradient', async () => {
  for (const f of [maximum, minimum]) {
    const a = engine.tensor([Number.NaN, 1], [2], { requiresGrad: true })
    const b = engine.tensor([1, Number.NaN], [2], { requiresGrad: true })
    backward(f(a, b), engine.tensor([2, 3]))
    assert.equal([...(await a.grad!.read())], [2, 3])
    assert.equal([...(await b.grad!.read())], [2, 3])
  }
})

test('compares as JavaScript does', async () => {
  const [a, b] = [
    [1, 2, 3, Number.NaN, 0],
    [2, 2, 2, 1, -0],
  ]
  const [x, y] = [engine.tensor(a, [5], { requiresGrad: true }), engine.tensor(b)]
  const holds = (f: (a: number, b: number) => boolean) => a.map((v, i) => (f(v, b[i]) ? 1 : 0))
  const check = async (got: Tensor, want: number[]) => {
    assert.equal([...(await got.read())], want)
    assert.not(got.node)
  }
  await check(
    gt(x, y),
    holds((a, b) => a > b),
  )
  await check(
    ge(x, y),
    holds((a, b) => a >= b),
  )
  await check(
    lt(x, y),
    holds((a, b) => a < b),
  )
  await check(
    le(x, y),
    holds((a, b) => a <= b),
  )
  await check(
    eq(x, y),
    holds((a, b) => a === b),
  )
  await check(lt(2, x), [0, 0, 1, 0, 0])
})

test('chooses where a condition of any type holds', async () => {
  const [a, b] = [
    [1, 2, 3, 4],
    [10, 20, 30, 40],
  ]
  for (const dtype of ['f32', 'i32', 'u32'] as const) {
    const condition = engine.tensor([1, 0, dtype === 'u32' ? 2 : -2, 0], [4], { dtype })
    assert.equal([...(await where(condition, engine.tensor(a), engine.tensor(b)).read())], [1, 20, 3, 40])
    assert.equal([...(await where(condition, 7, 8).read())], [7, 8, 7, 8])
  }
  assert.equal([...(await where(engine.tensor([-0, 0.5]), 1, 0).read())], [0, 1])
  const ends = engine.tensor([-(2 ** 31), 0], [2], { dtype: 'i32' })
  assert.equal([...(await where(ends, 1, 0).read())], [1, 0])
})

test('chooses with broadcasting, of tensors and numbers', async () => {
  const mask = (shape: Shape) =>
    uniform(
      shape.reduce((n, d) => n * d, 1),
      77,
    ).map((v) => (v > 0 ? 1 : 0))
  for (const [a, b, to, ...layouts] of SHAPES) {
    for (const conditionShape of [a, b, to]) {
      const condition = engine.tensor(mask(conditionShape), conditionShape)
      const fixed = Float64Array.from(mask(conditionShape))
      const chosen = broadcast((c, l, r) => (c ? l : r), [conditionShape, a, b], to)
      const inputs = [a, b].map((shape, i) => ({ shape, layout: layouts[i] }))
      await checkOp({
        name: `where of [${conditionShape}], [${a}] and [${b}]`,
        inputs,
        op: (x, y) => where(condition, x, y),
        reference: (x, y) => chosen(fixed, x, y),
      })
    }
  }
  const inputs = [{ shape: [6] }]
  const condition = engine.tensor([1, 0, 1, 0, 0, 1])
  const at = [1, 0, 1, 0, 0, 1]
  const left = (x: Float64Array) => x.map((v, i) => (at[i] ? v : 2))
  const right = (x: Float64Array) => x.map((v, i) => (at[i] ? 2 : v))
  await checkOp({ name: 'where(c, x, 2)', inputs, op: (x) => where(condition, x, 2), reference: left })
  await checkOp({ name: 'where(c, 2, x)', inputs, op: (x) => where(condition, 2, x), reference: right })
})

test('what is not chosen may be infinite', async () => {
  const x = engine.tensor([0, 2], [2], { requiresGrad: true })
  const y = where(gt(x, 0), log(x), 0)
  allclose(await y.read(), [0, Math.log(2)])
  const z = engine.tensor([Number.POSITIVE_INFINITY, 2], [2], { requiresGrad: true })
  backward(sum(where(lt(z, 5), mul(z, 3), 0)))
  assert.equal([...(await z.grad!.read())], [0, 3])
})

test('a Huber loss in a captured step, whose threshold changes', async () => {
  const threshold = engine.scalar('threshold', 1)
  const x = engine.tensor([0.5, -3], [2], { requiresGrad: true })
  const step = engine.capture('huber', () => {
    const size = maximum(x, mul(x, -1))
    const y = sum(where(lt(size, threshold), mul(mul(x, x), 0.5), mul(size, threshold)))
    x.gradEmpty = true
    backward(y)
    return y
  })
  step.run()
  assert.is(await step.outputs.item(), 3.125)
  assert.equal([...(await x.grad!.read())], [0.5, -1])
  threshold.value = 4
  step.run()
  assert.is(await step.outputs.item(), 4.625)
  assert.equal([...(await x.grad!.read())], [0.5, -3])
  step.release()
})

test('follows Scalars that change between the runs of a captured step, forward and backward', async () => {
  const c = engine.scalar('c', 2)
  const x = engine.tensor([1, 3], [2], { requiresGrad: true })
  const step = engine.capture('scalars', () => {
    const y = sum(mul(maximum(x, c), minimum(c, x)))
    x.gradEmpty = true
    backward(y)
    return y
  })
  for (const value of [2, 4]) {
    c.value = value
    step.run()
    assert.is(await step.outputs.item(), 4 * value)
    assert.equal([...(await x.grad!.read())], [value, value])
  }
  step.release()
})

test('takes tensors without elements', async () => {
  const x = engine.zeros([0, 3], { requiresGrad: true })
  const y = where(gt(x, 0), maximum(x, 1), engine.zeros([3]))
  assert.equal(y.shape, [0, 3])
  assert.is((await y.read()).length, 0)
  backward(y, engine.zeros([0, 3]))
  assert.equal(x.grad!.shape, [0, 3])
})

test('names the operation and what does not fit', () => {
  const x = engine.zeros([2, 3])
  const whole = engine.zeros([2, 3], { dtype: 'i32' })
  const shape = (message: string) => (e: Error) => e instanceof ShapeError && e.message === message
  const input = (message: string) => (e: Error) => e instanceof InputError && e.message === message
  assert.throws(() => maximum(x, engine.zeros([2])), shape("maximum: [2, 3] and [2] don't broadcast"))
  assert.throws(() => lt(x, engine.zeros([2])), shape("lt: [2, 3] and [2] don't broadcast"))
  assert.throws(() => where(engine.zeros([4]), x, x), shape("where: [4] and [2, 3] don't broadcast"))
  assert.throws(() => gt(x, whole), input("gt: needs f32, got i32 [2, 3]; cast(x, 'f32') makes it so"))
  assert.throws(() => where(x, whole, 1), input("where: needs f32, got i32 [2, 3]; cast(x, 'f32') makes it so"))
  assert.throws(() => where(1 as unknown as Tensor, x, x), input('where: the condition: needs a tensor, got 1'))
  assert.throws(() => where(x, '1' as unknown as number, 1), /^where: needs .* got 1 and 1$/)
  assert.throws(() => minimum(1, 2), input('minimum: needs tensors, or a tensor and a number or Scalar, got 1 and 2'))
})

test.run()
