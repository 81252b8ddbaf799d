import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { InputError, ShapeError } from '../../src/errors.ts'
import { argmax, topk } from '../../src/ops/select.ts'
import { type Layout, type Shape, stridesOf } from '../../src/tensor.ts'
import { checkOp, uniform } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('select')

/** For every row along an axis the places of its elements in the row-major array. */
function rowsAlong(shape: Shape, axis: number): number[][] {
  const step = stridesOf(shape, 'row')[axis]
  const outer = shape.slice(0, axis).reduce((n, d) => n * d, 1)
  return Array.from({ length: outer * step }, (_, o) => {
    const start = Math.floor(o / step) * step * shape[axis] + (o % step)
    return Array.from({ length: shape[axis] }, (_, j) => start + j * step)
  })
}

/** The order of topk: by value, then by index. */
const ranked = (values: number[], largest = true) =>
  values.map((v, j) => ({ v, j })).sort((a, b) => (largest ? b.v - a.v : a.v - b.v) || a.j - b.j)

/** Few distinct values, so that ties are everywhere. */
const coarse = (size: number, seed: number) => uniform(size, seed).map((v) => Math.round(3 * v))

async function checkChoice(shape: Shape, axis: number, k: number, layout: Layout = 'row'): Promise<void> {
  const data = coarse(
    shape.reduce((n, d) => n * d, 1),
    11,
  )
  const x = engine.tensor(data, shape, { layout })
  const rows = rowsAlong(shape, axis)
  const best = rows.map((row) => ranked(row.map((i) => data[i])))
  assert.equal(
    [...(await argmax(x, axis).read())],
    best.map((r) => r[0].j),
    `argmax [${shape}] along ${axis}`,
  )
  for (const largest of [true, false]) {
    const { values, indices } = topk(x, k, axis, { largest })
    const to = shape.map((d, i) => (i === axis ? k : d))
    assert.equal(values.shape, to)
    const [gotValues, gotIndices] = [await values.read(), await indices.read()]
    rowsAlong(to, axis).forEach((places, o) => {
      const want = ranked(
        rows[o].map((i) => data[i]),
        largest,
      ).slice(0, k)
      const what = `topk ${k} of [${shape}] along ${axis}, row ${o}`
      assert.equal(
        places.map((i) => gotIndices[i]),
        want.map((w) => w.j),
        what,
      )
      assert.equal(
        places.map((i) => gotValues[i]),
        want.map((w) => w.v),
        what,
      )
    })
  }
}

for (const length of [1, 2, 32, 33, 63, 64, 65, 1000]) {
  test(`chooses among ${length}, ties by index`, async () => {
    await checkChoice([length], 0, Math.min(length, 5))
    await checkChoice([3, length], 1, Math.min(length, 5))
    await checkChoice([length, 5], 0, Math.min(length, 3))
  })
}

test('chooses along any axis of any layout', async () => {
  for (const layout of ['row', 'chwn'] as const)
    for (const axis of [0, 1, 2, 3]) await checkChoice([3, 5, 4, 7], axis, 3, layout)
  await checkChoice([2, 1, 4, 1, 3], 2, 4)
})

test('sorts a whole axis', () => checkChoice([2, 130], 1, 130))

test('chooses channels of many pixels with a thread each', () => checkChoice([64, 40, 6, 6], 1, 2, 'chwn'))

test('keeps dimensions and takes the last of equal elements on request', async () => {
  const x = engine.tensor([2, 2, 1, 0, 5, 5], [2, 3])
  const first = argmax(x, 1, { keepDims: true })
  assert.equal(first.shape, [2, 1])
  assert.is(first.dtype, 'i32')
  assert.equal([...(await first.read())], [0, 1])
  assert.equal([...(await argmax(x, -1, { last: true }).read())], [1, 2])
  const wide = engine.tensor(new Float32Array(200).fill(3), [2, 100])
  assert.equal([...(await argmax(wide, 1, { last: true }).read())], [99, 99])
  assert.equal([...(await argmax(wide, 1).read())], [0, 0])
})

test('orders infinities, both zeros and NaN', async () => {
  const row = [0, Number.NaN, Number.NEGATIVE_INFINITY, -0, Number.POSITIVE_INFINITY, -1e-40, 1e-40, -5]
  const { values, indices } = topk(engine.tensor(row), 8)
  assert.equal([...(await indices.read())], [1, 4, 6, 0, 3, 5, 7, 2])
  assert.is(String((await values.read())[1]), 'Infinity')
  assert.equal([...(await topk(engine.tensor(row), 8, 0, { largest: false }).indices.read())], [2, 7, 5, 0, 3, 6, 4, 1])
  const negative = new Float32Array(Uint32Array.of(0x3f800000, 0xffc00000).buffer)
  assert.is(await argmax(engine.tensor(negative)).item(), 1)
})

test('topk hands gradients to the chosen elements', async () => {
  for (const [shape, axis, layout] of [
    [[3, 70], 1, 'row'],
    [[3, 5, 2, 4], 1, 'chwn'],
    [[7], 0, 'row'],
  ] as const) {
    await checkOp({
      name: `topk [${shape}]`,
      inputs: [{ shape, layout }],
      op: (x) => topk(x, 3, axis).values,
      reference: (x) => {
        const to = shape.map((d, i) => (i === axis ? 3 : d))
        const out = new Float64Array(to.reduce((n, d) => n * d, 1))
        const rows = rowsAlong(shape, axis)
        rowsAlong(to, axis).forEach((places, o) => {
          const best = ranked(rows[o].map((i) => x[i]))
          places.forEach((i, r) => {
            out[i] = best[r].v
          })
        })
        return out
      },
    })
  }
  const x = engine.tensor([5, 5, 5, 1], [4], { requiresGrad: true })
  for (let i = 0; i < 2; i++) backward(topk(x, 2).values, engine.tensor([1, 10]))
  assert.equal([...(await x.grad!.read())], [2, 20, 0, 0])
})

test('takes tensors without elements', async () => {
  assert.is((await argmax(engine.zeros([0, 3])).read()).length, 0)
  assert.equal(topk(engine.zeros([2, 3]), 0).values.shape, [2, 0])
  assert.is((await topk(engine.zeros([2, 3]), 0).values.read()).length, 0)
})

test('names what can not be chosen', () => {
  const x = engine.zeros([2, 3])
  const input = (message: string) => (e: Error) => e instanceof InputError && e.message === message
  const shape = (message: string) => (e: Error) => e instanceof ShapeError && e.message === message
  assert.throws(() => topk(x, 4), input('topk: k must be from 0 to 3, the size of axis -1, got 4'))
  assert.throws(() => topk(x, 1.5, 0), input('topk: k must be from 0 to 2, the size of axis 0, got 1.5'))
  assert.throws(() => argmax(x, 2), shape('argmax: there is no axis 2 in [2, 3]'))
  assert.throws(() => argmax(engine.zeros([2, 0])), shape('argmax: no elements along axis -1 of [2, 0]'))
  assert.throws(
    () => argmax(engine.zeros([2], { dtype: 'u32' })),
    input("argmax: needs f32, got u32 [2]; cast(x, 'f32') makes it so"),
  )
})

test.run()
