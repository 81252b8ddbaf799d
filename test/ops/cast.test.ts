import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { InputError } from '../../src/errors.ts'
import { cast } from '../../src/ops/cast.ts'
import { eq } from '../../src/ops/compare.ts'
import { mean } from '../../src/ops/reduce.ts'
import { argmax } from '../../src/ops/select.ts'
import type { DType } from '../../src/tensor.ts'
import { uniform } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('cast')

test('keeps whole numbers', async () => {
  const check = async (values: number[], from: DType, to: DType) => {
    const y = cast(engine.tensor(values, [values.length], { dtype: from }), to)
    assert.is(y.dtype, to)
    assert.equal([...(await y.read())], values)
  }
  for (const [from, to] of [
    ['i32', 'f32'],
    ['f32', 'i32'],
    ['f32', 'f32'],
  ] as const)
    await check([0, 1, -1, 2 ** 24, -(2 ** 24), -(2 ** 31)], from, to)
  await check([0, 1, 2 ** 24, 2 ** 31, 2 ** 32 - 256], 'u32', 'f32')
  await check([0, 1, 2 ** 24, 2 ** 31, 2 ** 32 - 256], 'f32', 'u32')
  await check([0, 7, 2 ** 31 - 1], 'i32', 'u32')
})

test('drops fractions, stops at the ends, keeps bits between whole dtypes', async () => {
  const x = engine.tensor([1.9, -1.9, 1e20, -1e20])
  const [low, high] = [-(2 ** 31), 2 ** 31 - 128]
  const signed = [...(await cast(x, 'i32').read())]
  assert.equal(signed.slice(0, 2), [1, -1])
  assert.ok(signed[2] >= high && signed[3] === low, `${signed}`)
  const unsigned = [...(await cast(x, 'u32').read())]
  assert.equal([unsigned[0], unsigned[1], unsigned[3]], [1, 0, 0])
  assert.ok(unsigned[2] >= 2 ** 32 - 256, `${unsigned}`)
  const bits = cast(engine.tensor([-1], [1], { dtype: 'i32' }), 'u32')
  assert.equal([...(await bits.read())], [2 ** 32 - 1])
})

test('keeps shape and layout', async () => {
  const data = Array.from({ length: 210 }, (_, i) => i)
  const x = engine.tensor(data, [3, 5, 2, 7], { layout: 'chwn', dtype: 'i32' })
  const y = cast(x, 'f32')
  assert.is(y.layout, 'chwn')
  assert.equal([...(await y.read())], data)
  assert.equal(cast(engine.zeros([0, 3]), 'u32').shape, [0, 3])
})

test('the accuracy of a batch, on the device', async () => {
  const logits = uniform(4 * 3)
  const best = [0, 1, 2, 3].map((row) => {
    const own = [...logits.subarray(3 * row, 3 * row + 3)]
    return own.indexOf(Math.max(...own))
  })
  const labels = best.map((c, i) => (i === 2 ? (c + 1) % 3 : c))
  const y = engine.tensor(labels, [4], { dtype: 'u32' })
  const hits = eq(cast(argmax(engine.tensor(logits, [4, 3])), 'f32'), cast(y, 'f32'))
  assert.is(await mean(hits).item(), 0.75)
})

test('names what is no dtype', () => {
  const said = (e: Error) => e instanceof InputError && e.message === "cast: dtype 'f64', needs f32, i32 or u32"
  assert.throws(() => cast(engine.zeros([1]), 'f64' as DType), said)
})

test.run()
