import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { relu } from '../../src/ops/relu.ts'
import { checkOp } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('relu')
const reference = (x: Float64Array) => x.map((v) => Math.max(v, 0))

for (const shape of [[1], [63], [64, 65], [2, 3, 5, 7]]) {
  test(`agrees with float64 at [${shape}]`, () => checkOp({ name: 'relu', inputs: [{ shape }], op: relu, reference }))
}

test('keeps the channel-major layout', () =>
  checkOp({ name: 'relu', inputs: [{ shape: [2, 3, 5, 7], layout: 'chwn' }], op: relu, reference }))

test('has gradient 0 at 0', async () => {
  const x = engine.tensor([0, -0, 1e-30, -1e-30], [4], { requiresGrad: true })
  backward(relu(x), engine.tensor([1, 1, 1, 1]))
  assert.equal([...(await x.grad!.read())], [0, 0, 1, 0])
})

test('keeps a NaN and infinities', async () => {
  const y = await relu(engine.tensor([Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY])).read()
  assert.equal([...y], [Number.NaN, 0, Number.POSITIVE_INFINITY])
})

test.run()
