import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { InputError, ShapeError } from '../../src/errors.ts'
import type { Scalar } from '../../src/gpu/scalar.ts'
import { add, exp, mul } from '../../src/ops/pointwise.ts'
import { sum } from '../../src/ops/reduce.ts'
import { logSoftmax, softmax } from '../../src/ops/softmax.ts'
import { type Layout, type Shape, stridesOf } from '../../src/tensor.ts'
import { allclose, checkOp, uniform } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('softmax')

function logReference(shape: Shape, axis: number, temperature = 1) {
  const step = stridesOf(shape, 'row')[axis]
  return (x: Float64Array) => {
    const out = new Float64Array(x.length)
    for (let o = 0; o < x.length / shape[axis]; o++) {
      const start = Math.floor(o / step) * step * shape[axis] + (o % step)
      const row = Array.from({ length: shape[axis] }, (_, j) => x[start + j * step] / temperature)
      const most = Math.max(...row)
      const log = most + Math.log(row.reduce((s, v) => s + Math.exp(v - most), 0))
      row.forEach((v, j) => {
        out[start + j * step] = v - log
      })
    }
    return out
  }
}

const reference = (shape: Shape, axis: number, temperature = 1) => {
  const log = logReference(shape, axis, temperature)
  return (x: Float64Array) => log(x).map(Math.exp)
}

async function checkBoth(
  shape: Shape,
  axis: number,
  temperature = 1,
  layout: Layout = 'row',
  spread = 3,
): Promise<void> {
  const name = `[${shape}] ${layout} along ${axis} at T = ${temperature}`
  const inputs = [
    {
      shape,
      layout,
      data: uniform(
        shape.reduce((n, d) => n * d, 1),
        3,
      ).map((v) => spread * v),
    },
  ]
  const options = { axis, temperature }
  const positive = axis < 0 ? axis + shape.length : axis
  const tolerance = { atol: 1e-7 + 1e-6 * spread, rtol: 1e-5 }
  await checkOp({
    ...{ name: `softmax ${name}`, inputs, tolerance: { atol: 1e-6, rtol: 1e-5 } },
    ...{ op: (x) => softmax(x, options), reference: reference(shape, positive, temperature) },
  })
  await checkOp({
    ...{ name: `logSoftmax ${name}`, inputs, tolerance },
    ...{ op: (x) => logSoftmax(x, options), reference: logReference(shape, positive, temperature) },
  })
}

for (const classes of [1, 2, 10, 32, 33, 63, 64, 65, 100, 1000]) {
  test(`agrees with float64 on ${classes} classes, also for one row and one more than a workgroup`, async () => {
    for (const rows of [1, 65]) await checkBoth([rows, classes], 1)
    await checkBoth([classes, 3], 0, 4)
  })
}

test('goes along any axis of any layout', async () => {
  for (const layout of ['row', 'chwn'] as const)
    for (const axis of [0, 1, 2, -1]) await checkBoth([3, 5, 4, 7], axis, 2, layout)
  await checkBoth([64, 40, 6, 6], 1, 1, 'chwn')
  await checkBoth([2, 1, 3, 2, 4], 2)
})

test('agrees with float64 at temperatures from 0.5 to 100', async () => {
  for (const temperature of [0.5, 2, 4, 20, 100]) await checkBoth([33, 10], -1, temperature)
})

test('is stable for logits of ±10,000', async () => {
  for (const temperature of [1, 4]) {
    for (const classes of [10, 1000]) {
      const shape = [4, classes]
      const data = uniform(4 * classes, 8).map((v) => Math.round(10000 * v))
      const wide = engine.tensor(data, shape)
      const exact = Float64Array.from(data)
      const got = await softmax(wide, { temperature }).read()
      allclose(got, reference(shape, 1, temperature)(exact), { atol: 1e-6, rtol: 1e-5 }, 'softmax')
      const log = await logSoftmax(wide, { temperature }).read()
      allclose(log, logReference(shape, 1, temperature)(exact), { atol: 1e-5, rtol: 1e-6 }, 'logSoftmax')
    }
  }
})

test('has finite gradients for logits of ±10,000', async () => {
  const data = [1e4, -1e4, 9999, 0, 1e4, 1e4]
  for (const op of [softmax, logSoftmax]) {
    const x = engine.tensor(data, [2, 3], { requiresGrad: true })
    backward(op(x), engine.tensor([1, 2, 3, 4, 5, 7], [2, 3]))
    const [p, dy] = [reference([2, 3], 1)(Float64Array.from(data)), [1, 2, 3, 4, 5, 7]]
    const want = data.map((_, i) => {
      const row = i < 3 ? [0, 1, 2] : [3, 4, 5]
      const [dot, all] = [row.reduce((s, j) => s + p[j] * dy[j], 0), row.reduce((s, j) => s + dy[j], 0)]
      return op === softmax ? p[i] * (dy[i] - dot) : dy[i] - p[i] * all
    })
    allclose(await x.grad!.read(), want, { atol: 1e-5, rtol: 1e-5 }, op.name)
  }
})

test('follows a temperature that changes between the runs of a captured step', async () => {
  const temperature = engine.scalar('T', 1)
  const x = engine.tensor([1, 2, 4], [1, 3])
  const step = engine.capture('softmax', () => softmax(x, { temperature }))
  for (const T of [1, 3]) {
    temperature.value = T
    step.run()
    allclose(await step.outputs.read(), reference([1, 3], 1, T)(Float64Array.of(1, 2, 4)), {}, `T = ${T}`)
  }
  step.release()
})

test('adds up the gradients of logits used twice', () =>
  checkOp({
    name: 'entropy and more',
    inputs: [{ shape: [5, 7] }],
    op: (x) => sum(add(mul(softmax(x), logSoftmax(x)), mul(x, exp(logSoftmax(x, { temperature: 2 })))), { axes: 1 }),
    reference: (x) => {
      const [log, soft] = [logReference([5, 7], 1)(x), reference([5, 7], 1, 2)(x)]
      const terms = x.map((v, i) => Math.exp(log[i]) * log[i] + v * soft[i])
      return Float64Array.from({ length: 5 }, (_, n) => terms.slice(7 * n, 7 * n + 7).reduce((s, v) => s + v, 0))
    },
  }))

test('takes tensors without elements', async () => {
  for (const shape of [
    [0, 5],
    [5, 0],
  ]) {
    const x = engine.zeros(shape, { requiresGrad: true })
    const y = logSoftmax(x)
    assert.is((await y.read()).length, 0)
    backward(softmax(x), engine.zeros(shape))
  }
})

test('the gradient is that of the temperature a scalar had at the call', async () => {
  const gradient = async (temperature: number | Scalar, later: () => void) => {
    const x = engine.tensor([1, 3, -2], [3], { requiresGrad: true })
    const y = softmax(x, { temperature })
    later()
    backward(y, engine.tensor([1, 0, 0]))
    return [...(await x.grad!.read())]
  }
  const T = engine.scalar('T', 2)
  const moved = () => {
    T.value = 50
  }
  assert.equal(await gradient(T, moved), await gradient(2, () => {}))
})

test('refuses temperatures that are not above 0, and axes that are not there', () => {
  const x = engine.zeros([2, 3])
  const input = (T: number) => (e: Error) =>
    e instanceof InputError && e.message === `softmax: temperature must be a finite number above 0, got ${T}`
  for (const T of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => softmax(x, { temperature: T }), input(T))
    assert.throws(() => softmax(x, { temperature: engine.scalar('T', T) }), input(T))
  }
  assert.throws(
    () => logSoftmax(x, { temperature: Number.NaN }),
    (e: Error) => e instanceof InputError,
  )
  assert.throws(
    () => softmax(x, { axis: 2 }),
    (e: Error) => e instanceof ShapeError && e.message === 'softmax: there is no axis 2 in [2, 3]',
  )
})

test.run()
