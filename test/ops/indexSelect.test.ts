import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { InputError, ShapeError } from '../../src/errors.ts'
import { indexSelect, oneHot } from '../../src/ops/indexSelect.ts'
import { sum } from '../../src/ops/reduce.ts'
import { type Shape, sizeOf } from '../../src/tensor.ts'
import { checkOp } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('indexSelect')

/** NumPy's take, an element after the other. */
function take<T extends { readonly [i: number]: number }>(x: T, shape: Shape, index: number[], axis: number): number[] {
  const [outer, size, inner] = [sizeOf(shape.slice(0, axis)), shape[axis], sizeOf(shape.slice(axis + 1))]
  return Array.from({ length: outer * index.length * inner }, (_, at) => {
    const [i, line] = [at % inner, Math.floor(at / inner)]
    const place = index[line % index.length]
    return x[(Math.floor(line / index.length) * size + (place < 0 ? place + size : place)) * inner + i]
  })
}

const whole = (data: number[], shape: Shape = [data.length]) => engine.tensor(data, shape, { dtype: 'i32' })

test('selects along any axis, repeats what is named twice, counts back from the end', async () => {
  const shape = [3, 5, 4, 2]
  for (const layout of ['row', 'chwn'] as const) {
    for (const [axis, index] of [
      [0, [2, 0, 2, -1, 1]],
      [1, [4]],
      [2, [0, 0, 0, -4]],
      [3, [1, 0, 1, 1, -2, -1]],
    ] as [number, number[]][]) {
      await checkOp({
        name: `axis ${axis} ${layout}`,
        inputs: [{ shape, layout }],
        op: (x) => indexSelect(x, whole(index), axis),
        reference: (x) => Float64Array.from(take(x, shape, index, axis)),
      })
    }
  }
})

test('puts the axes of the index in the place of the axis', async () => {
  const index = [0, 3, 3, 1, 2, 0]
  await checkOp({
    name: 'embedding',
    inputs: [{ shape: [4, 65] }],
    op: (table) => indexSelect(table, whole(index, [2, 3])),
    reference: (table) => Float64Array.from(take(table, [4, 65], index, 0)),
  })
  const x = engine.zeros([2, 4, 3])
  assert.equal(indexSelect(x, whole(index, [2, 3]), 1).shape, [2, 2, 3, 3])
  assert.equal(indexSelect(x, whole([1], []), -1).shape, [2, 4])
  assert.equal(indexSelect(x, engine.zeros([0], { dtype: 'u32' })).shape, [0, 4, 3])
})

test('moves whole numbers bit for bit', async () => {
  const x = engine.tensor([1, 2 ** 31, 2 ** 32 - 1], [3], { dtype: 'u32' })
  const y = indexSelect(x, whole([2, 1, 0, 3]))
  assert.is(y.dtype, 'u32')
  assert.equal([...(await y.read())], [2 ** 32 - 1, 2 ** 31, 1, 0])
})

test('gives NaN beyond the end, and no gradient', async () => {
  const x = engine.tensor([1, 2, 3], [3], { requiresGrad: true })
  const y = indexSelect(x, whole([3, 2, -4, -3]))
  assert.equal([...(await y.read())], [Number.NaN, 3, Number.NaN, 1])
  backward(y, engine.tensor([1, 10, 100, 1000]))
  assert.equal([...(await x.grad!.read())], [1000, 0, 10])
})

test('a u32 from 2³¹ on is beyond the end, and no class', async () => {
  const far = engine.tensor([2 ** 32 - 1, 2 ** 32 - 3, 2 ** 31, 2], [4], { dtype: 'u32' })
  const y = indexSelect(engine.tensor([10, 20, 30]), far)
  assert.equal([...(await y.read())], [Number.NaN, Number.NaN, Number.NaN, 30])
  assert.equal([...(await oneHot(far, 3).read())].slice(6), [0, 0, 0, 0, 0, 1])
})

test('the gradient of nothing selected is 0', async () => {
  const x = engine.tensor([1, 2], [2], { requiresGrad: true })
  backward(indexSelect(x, engine.zeros([0], { dtype: 'i32' })), engine.zeros([0]))
  assert.equal([...(await x.grad!.read())], [0, 0])
})

test('writes one-hot rows along any axis', async () => {
  const labels = whole([2, 0, 1, -1, 3, -4], [2, 3])
  const of = (axis?: number) => oneHot(labels, 3, axis).read()
  const want = [0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
  assert.equal([...(await of())], want)
  assert.equal([...(await of(2))], want)
  assert.equal([...(await of(1))], [0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0])
  assert.equal([...(await of(0))], [0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0])
  assert.equal(oneHot(labels, 3, 0).shape, [3, 2, 3])
  const rows = oneHot(engine.tensor([1, 70], [2], { dtype: 'u32' }), 100)
  assert.is(await sum(rows).item(), 2)
  assert.equal(oneHot(engine.zeros([0], { dtype: 'u32' }), 4).shape, [0, 4])
})

test('names the operation and what does not fit', () => {
  const [x, index] = [engine.zeros([2, 3]), engine.zeros([2], { dtype: 'u32' })]
  const shape = (message: string) => (e: Error) => e instanceof ShapeError && e.message === message
  const input = (message: string) => (e: Error) => e instanceof InputError && e.message === message
  assert.throws(() => indexSelect(x, index, 2), shape('indexSelect: there is no axis 2 in [2, 3]'))
  const whole = 'needs whole numbers, i32 or u32, got f32 [2, 3]'
  assert.throws(() => indexSelect(x, x), input(`indexSelect: ${whole}`))
  assert.throws(() => oneHot(x, 3), input(`oneHot: ${whole}`))
  assert.throws(() => oneHot(index, 0), input('oneHot: 0 classes, needs 1 or more'))
  assert.throws(() => oneHot(index, 3, 2), shape('oneHot: there is no axis 2 in [2, 3]'))
})

test.run()
