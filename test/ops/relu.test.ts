import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { add } from '../../src/ops/pointwise.ts'
import { relu } from '../../src/ops/relu.ts'
import { checkOp } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('relu')
const reference = (x: Float64Array) => x.map((v) => Math.max(v, 0))

for (const shape of [[1], [63], [64, 65], [2, 3, 5, 7]]) {
  test(`agrees with float64 at [${shape}]`, () => checkOp({ name: 'relu', inputs: [{ shape }], op: relu, reference }))
}

for (const shape of [
  [2, 3, 5, 7],
  [4, 3, 5, 7],
])
  test(`keeps the channel-major layout of [${shape}]`, () =>
    checkOp({ name: 'relu', inputs: [{ shape, layout: 'chwn' }], op: relu, reference }))

test('adds to what other paths and earlier passes left', async () => {
  for (const n of [3, 4, 1000]) {
    const x = engine.tensor(
      Array.from({ length: n }, (_, i) => (i % 2 ? -1 : 1)),
      [n],
      { requiresGrad: true },
    )
    for (let i = 0; i < 2; i++) backward(add(relu(x), relu(x)), engine.tensor(new Float32Array(n).fill(3)))
    assert.equal(
      [...(await x.grad!.read())],
      Array.from({ length: n }, (_, i) => (i % 2 ? 0 : 12)),
    )
  }
})

test('has gradient 0 at 0', async () => {
  const x = engine.tensor([0, -0, 1e-30, -1e-30], [4], { requiresGrad: true })
  backward(relu(x), engine.tensor([1, 1, 1, 1]))
  assert.equal([...(await x.grad!.read())], [0, 0, 1, 0])
})

test('keeps a NaN and infinities', async () => {
  const infinite = Number.POSITIVE_INFINITY
  assert.equal([...(await relu(engine.tensor([Number.NaN, -infinite, infinite])).read())], [Number.NaN, 0, infinite])
  const four = [...(await relu(engine.tensor([Number.NaN, -infinite, infinite, -1])).read())]
  assert.equal(four, [Number.NaN, 0, infinite, 0])
})

test.run()
