import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { InputError, ShapeError } from '../../src/errors.ts'
import { mul } from '../../src/ops/pointwise.ts'
import { mean, sum } from '../../src/ops/reduce.ts'
import { max } from '../../src/ops/select.ts'
import { type Layout, type Shape, sizeOf, stridesOf } from '../../src/tensor.ts'
import { allclose, checkOp, uniform } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('reduce')

/** f over the elements that share an output, in float64, in logical order. */
function reduced(f: (values: number[]) => number, shape: Shape, axes: readonly number[]) {
  const kept = shape.map((d, i) => (axes.includes(i) ? 1 : d))
  const [inner, outer] = [stridesOf(shape, 'row'), stridesOf(kept, 'row')]
  const output = Uint32Array.from({ length: sizeOf(shape) }, (_, i) =>
    shape.reduce((s, d, a) => s + (axes.includes(a) ? 0 : (Math.floor(i / inner[a]) % d) * outer[a]), 0),
  )
  return (x: Float64Array) => {
    const groups: number[][] = Array.from({ length: sizeOf(kept) }, () => [])
    x.forEach((v, i) => {
      groups[output[i]].push(v)
    })
    return Float64Array.from(groups, f)
  }
}

const total = (v: number[]) => v.reduce((s, a) => s + a, 0)

/** Values in random order, so far apart that no difference quotient changes which is the greatest. */
function apart(shape: Shape): Float32Array {
  const keys = uniform(sizeOf(shape), 6)
  const out = new Float32Array(keys.length)
  Uint32Array.from(keys.keys())
    .sort((i, j) => keys[i] - keys[j])
    .forEach((i, rank) => {
      out[i] = 0.001 * rank
    })
  return out
}

async function checkReductions(shape: Shape, axes: readonly number[], layout: Layout = 'row'): Promise<void> {
  const inputs = [{ shape, layout }]
  for (const keepDims of [false, true]) {
    const name = `over [${axes}] of [${shape}] ${layout}`
    const options = { axes, keepDims }
    await checkOp({ name: `sum ${name}`, inputs, op: (x) => sum(x, options), reference: reduced(total, shape, axes) })
    const average = reduced((v) => total(v) / v.length, shape, axes)
    await checkOp({ name: `mean ${name}`, inputs, op: (x) => mean(x, options), reference: average })
    const greatest = reduced((v) => Math.max(...v), shape, axes)
    await checkOp({
      ...{ name: `max ${name}`, inputs: [{ shape, layout, data: apart(shape) }] },
      ...{ op: (x) => max(x, options), reference: greatest },
    })
  }
}

for (const length of [1, 31, 32, 33, 63, 64, 65, 4096, 4097]) {
  test(`reduces rows and columns of ${length}`, async () => {
    await checkReductions([length], [0])
    await checkReductions([3, length], [1])
    await checkReductions([length, 3], [0])
  })
}

test('reduces any axes of any layout', async () => {
  const shape = [5, 3, 4, 7]
  for (const layout of ['row', 'chwn'] as const) {
    for (const axes of [[], [0], [1], [2, 3], [0, 2, 3], [1, 3], [0, 1, 2, 3]])
      await checkReductions(shape, axes, layout)
  }
  await checkReductions([2, 3, 1, 4, 2, 3], [0, 2, 4])
})

test('reduces planes of a channel-major tensor with a thread per output', () =>
  checkReductions([64, 33, 5, 9], [2, 3], 'chwn'))

test('cuts long reductions into parts', async () => {
  await checkReductions([70000], [0])
  await checkReductions([2, 5, 9001], [0, 2])
  await checkReductions([9001, 3, 2], [0, 2])
})

test('loses next to nothing over a million elements', async () => {
  const n = 1_000_003
  const data = uniform(n, 5).map((v) => 1000 + v)
  const exact = Float64Array.from(data).reduce((s, v) => s + v, 0)
  const x = engine.tensor(data)
  allclose([await sum(x).item()], [exact], { rtol: 2e-7, atol: 0 }, 'sum')
  allclose([await mean(x).item()], [exact / n], { rtol: 2e-7, atol: 0 }, 'mean')
  assert.is(await sum(x).item(), await sum(x).item())
})

test('reduces over all axes by default and counts negative ones from the end', async () => {
  const x = engine.tensor([1, 2, 3, 4, 5, 6], [2, 3])
  assert.equal(sum(x).shape, [])
  assert.equal(sum(x, { keepDims: true }).shape, [1, 1])
  assert.is(await sum(x).item(), 21)
  assert.equal([...(await sum(x, { axes: -1 }).read())], [6, 15])
  assert.equal([...(await max(x, { axes: [-2] }).read())], [4, 5, 6])
  assert.equal([...(await mean(x, { axes: [] }).read())], [1, 2, 3, 4, 5, 6])
  assert.is(await sum(engine.tensor([7], [])).item(), 7)
})

test('gives the gradient to the first of equal maxima', async () => {
  const x = engine.tensor([1, 3, 3, 2, 2, 2, -1, -1, -1], [3, 3], { requiresGrad: true })
  backward(max(x, { axes: 1 }), engine.tensor([1, 10, 100]))
  assert.equal([...(await x.grad!.read())], [0, 1, 0, 10, 0, 0, 100, 0, 0])
  // First in logical order: of (0, 1) and (1, 0), which lie the other way round in memory.
  const y = engine.tensor([0, 7, 7, 0], [2, 1, 1, 2], { layout: 'chwn', requiresGrad: true })
  backward(max(y))
  assert.equal([...(await y.grad!.read())], [0, 1, 0, 0])
  const wide = engine.tensor(new Float32Array(1950).fill(4), [65, 3, 2, 5], { layout: 'chwn', requiresGrad: true })
  backward(max(wide))
  assert.equal([...(await wide.grad!.read())], [1, ...new Array(1949).fill(0)])
})

test('finds the maximum among infinities, and NaN where there is one', async () => {
  const [high, low] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  const x = engine.tensor([low, low, low, -3, 1, high, 1, Number.NaN, 2, -3, -0, low], [4, 3])
  assert.equal([...(await max(x, { axes: 1 }).read())].map(String), ['-Infinity', 'Infinity', 'NaN', '0'])
})

test('adds up gradients of a tensor reduced in several ways', () =>
  checkOp({
    name: 'sum(x)·mean(x)',
    inputs: [{ shape: [3, 2, 2, 5], layout: 'chwn' }],
    op: (x) => mul(sum(x, { axes: [0, 2, 3], keepDims: true }), mean(x, { axes: 1, keepDims: true })),
    reference: (x) => {
      const columns = reduced(total, [3, 2, 2, 5], [0, 2, 3])(x)
      const means = reduced((v) => total(v) / 2, [3, 2, 2, 5], [1])(x)
      return Float64Array.from(
        { length: 60 },
        (_, i) => columns[Math.floor(i / 10) % 2] * means[Math.floor(i / 20) * 10 + (i % 10)],
      )
    },
  }))

test('reduces nothing to 0, NaN or -Infinity', async () => {
  const x = engine.zeros([2, 0, 4], { requiresGrad: true })
  const y = sum(x, { axes: 1, keepDims: true })
  assert.equal(y.shape, [2, 1, 4])
  assert.equal([...(await y.read())], new Array(8).fill(0))
  assert.equal([...(await mean(x, { axes: 1 }).read())], new Array(8).fill(Number.NaN))
  assert.equal([...(await max(x, { axes: 1 }).read())], new Array(8).fill(Number.NEGATIVE_INFINITY))
  assert.is((await sum(x, { axes: 0 }).read()).length, 0)
  backward(sum(x))
  assert.is((await x.grad!.read()).length, 0)
})

test('names the axes that are not there', () => {
  const x = engine.zeros([2, 3])
  const shape = (message: string) => (e: Error) => e instanceof ShapeError && e.message === message
  assert.throws(() => sum(x, { axes: [0, 2] }), shape('sum: there is no axis 2 in [2, 3]'))
  assert.throws(() => mean(x, { axes: [1, -1] }), shape('mean: axes [1,-1] name one twice'))
  assert.throws(() => max(x, { axes: 0.5 }), shape('max: there is no axis 0.5 in [2, 3]'))
  const whole = engine.zeros([2], { dtype: 'i32' })
  assert.throws(
    () => sum(whole),
    (e: Error) => e instanceof InputError && e.message === "sum: needs f32, got i32 [2]; cast(x, 'f32') makes it so",
  )
})

test.run()
