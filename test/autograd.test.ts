import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward, noGrad } from '../src/autograd.ts'
import { reshape } from '../src/ops/copy.ts'
import { add, addRelu, mul } from '../src/ops/pointwise.ts'
import { sum } from '../src/ops/reduce.ts'
import { relu } from '../src/ops/relu.ts'
import type { Tensor } from '../src/tensor.ts'
import { engine } from './device.ts'

const test = suite('autograd')
const leaf = (values: number[]) => engine.tensor(values, [values.length], { requiresGrad: true })
const values = async (t: Tensor | null) => [...(await t!.read())]
const ones = (n: number) => engine.full([n], 1)

test('sums the gradients of a tensor that is used more than once', async () => {
  const x = leaf([1, 2, 3])
  const h = relu(x)
  // y = h·h + h, dy/dx = 2x + 1
  backward(add(mul(h, h), h), ones(3))
  assert.equal(await values(x.grad), [3, 5, 7])
})

test('gives both operands of one op their share when they are the same tensor', async () => {
  const x = leaf([1, -2, 3])
  backward(add(x, x), ones(3))
  assert.equal(await values(x.grad), [2, 2, 2])
})

test('one gradient that an op hands on twice, to the same result', async () => {
  const x = leaf([1, -2, 3])
  const h = relu(x)
  backward(addRelu(h, h), engine.tensor([1, 10, 100]))
  assert.equal(await values(x.grad), [2, 0, 200])
})

test('keeps an upstream gradient that several inputs share intact', async () => {
  const [a, b] = [leaf([1, 2]), leaf([3, 4])]
  const h = relu(a)
  // The add hands one gradient to h and to the inner product; adding to h's must not change the other's.
  const y = add(h, mul(h, b))
  const dy = engine.tensor([1, 10])
  backward(y, dy)
  assert.equal(await values(a.grad), [4, 50])
  assert.equal(await values(b.grad), [1, 20])
  assert.equal(await values(dy), [1, 10])
})

test('accumulates over several graphs', async () => {
  const x = leaf([1, 2])
  for (let i = 0; i < 3; i++) backward(mul(x, x), ones(2))
  assert.equal(await values(x.grad), [6, 12])
})

test('walks a chain of 12,000 operations without recursion', async () => {
  const x = leaf([1])
  const y = engine.step(() => {
    let h: Tensor = x
    // Reshapes compute nothing, so that only the walk takes time.
    for (let i = 0; i < 12_000; i++) h = i % 100 === 0 ? relu(h) : reshape(h, [1])
    backward(h)
    return h
  })
  assert.equal(await values(y), [1])
  assert.equal(await values(x.grad), [1])
})

test('walks a ladder of shared tensors once per node, not once per path', async () => {
  const x = leaf([1])
  let h: Tensor = x
  for (let i = 0; i < 40; i++) h = add(h, h)
  backward(h)
  assert.equal(await values(x.grad), [2 ** 40])
})

test('runs a graph backward once and says so the second time', () => {
  const y = relu(leaf([1]))
  backward(y)
  assert.throws(() => backward(y), /the graph of relu has already run backward/)
})

test('records nothing under noGrad, and nothing for tensors that need no gradient', () => {
  const x = leaf([1])
  const y = noGrad(engine.gpu, () => relu(x))
  assert.is(y.requiresGrad, false)
  assert.throws(() => backward(y), /was not computed from anything that needs a gradient/)
  assert.is(relu(engine.tensor([1])).requiresGrad, false)
  assert.throws(() =>
    noGrad(engine.gpu, () => {
      throw new Error('inside')
    }),
  )
  assert.is(relu(x).requiresGrad, true, 'recording is on again after a throw')
  assert.throws(() => noGrad(engine.gpu, async () => relu(x)), /noGrad: takes a synchronous function, got a promise/)
})

test('asks for an upstream gradient of the right shape', () => {
  const y = relu(leaf([1, 2]))
  assert.throws(() => backward(y), /\[2\] is no scalar; pass the upstream gradient/)
  assert.throws(() => backward(y, ones(3)), /upstream gradient \[3\] for \[2\]/)
  assert.throws(() => backward(y, engine.full([2], 1, { dtype: 'u32' })), /upstream gradient of u32, needs f32/)
  const map = relu(engine.tensor([1, 2], [1, 2, 1, 1], { layout: 'chwn', requiresGrad: true }))
  assert.throws(() => backward(map, engine.full([1, 2, 1, 1], 1)), /in layout row for chwn; toLayout brings it there/)
})

test('a single element is a scalar in any shape and layout', async () => {
  const x = engine.tensor([1, 2, 3, 4], [2, 2, 1, 1], { layout: 'chwn', requiresGrad: true })
  backward(sum(mul(x, x), { keepDims: true }))
  assert.equal([...(await x.grad!.read())], [2, 4, 6, 8])
})

test.run()
