import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { InputError } from '../../src/errors.ts'
import { Parameters } from '../../src/nn/parameters.ts'
import { clipGradNorm, detach } from '../../src/ops/gradients.ts'
import { add, mul, scale } from '../../src/ops/pointwise.ts'
import { sum } from '../../src/ops/reduce.ts'
import { sgd } from '../../src/optim.ts'
import type { Tensor } from '../../src/tensor.ts'
import { allclose } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('gradients')

test('detach hands on values and no gradient, as PyTorch does', async () => {
  const x = engine.tensor([2, 3, 5, 7], [2, 2, 1, 1], { layout: 'chwn', requiresGrad: true })
  const y = scale(x, 2)
  const z = detach(y)
  assert.equal([z.shape, z.layout, z.requiresGrad], [y.shape, 'chwn', false])
  backward(sum(mul(y, z)))
  // d(y · c)/dx = 2 c, with c = 2x as it is now.
  assert.equal([...(await x.grad!.read())], [8, 12, 20, 28])
})

/** Weights whose gradients are `weights`, and a bias that has none. */
function parameters() {
  const spec = (name: string, size: number) =>
    ({ name, shape: [size], kind: 'weight', values: new Float32Array(size) }) as const
  return new Parameters(engine.gpu, [spec('a', 2), spec('b', 3), spec('unused', 1)])
}
const gradients = async (of: Parameters) =>
  (await Promise.all(['a', 'b'].map((name) => of.get(name).grad!.read()))).flatMap((values) => [...values])

const cases: [maxNorm: number, share: number][] = [
  [10, 1],
  [5, 5 / (Math.sqrt(55) + 1e-6)],
  [0.1, 0.1 / (Math.sqrt(55) + 1e-6)],
]
for (const [maxNorm, share] of cases) {
  test(`gradients of norm √55 at most ${maxNorm}`, async () => {
    const of = parameters()
    const loss = () => {
      const a = mul(of.get('a'), engine.tensor([1, 2]))
      const b = mul(of.get('b'), engine.tensor([3, 4, 5]))
      return add(sum(a), sum(b))
    }
    // What the unused one had in an earlier step counts for nothing.
    backward(scale(of.get('unused'), 1000))
    of.zeroGrad()
    backward(loss())
    const norm = clipGradNorm(of.flat, maxNorm)
    allclose([...(await norm.read())], [Math.sqrt(55)], { rtol: 1e-6 }, 'norm')
    allclose(
      await gradients(of),
      [1, 2, 3, 4, 5].map((g) => g * share),
      { rtol: 1e-6 },
      'gradients',
    )
  })
}

test('a captured step clips in every run', async () => {
  const of = parameters()
  const optimizer = sgd(of.flat, { lr: 1 })
  const [x, y] = [engine.tensor([3, 4]), engine.zeros([3])]
  const step = engine.capture('clipped', () => {
    of.zeroGrad()
    backward(add(sum(mul(of.get('a'), x)), sum(mul(of.get('b'), y))))
    const norm = clipGradNorm(of.flat, 1)
    optimizer.step()
    return norm
  })
  for (let t = 1; t <= 3; t++) {
    optimizer.advance(t)
    step.run()
  }
  assert.equal([...(await step.outputs.read())], [5])
  allclose(await of.get('a').read(), [-1.8, -2.4], { rtol: 1e-5 }, 'three steps of length 1')
})

test('refuses a norm that is none', () => {
  for (const maxNorm of [0, -1, Number.NaN]) {
    const message = (e: Error) =>
      e instanceof InputError && e.message === `clipGradNorm: maxNorm ${maxNorm}, needs a number above 0`
    assert.throws(() => clipGradNorm(parameters().flat, maxNorm), message)
  }
  const whole = parameters() as unknown as { gradients: Tensor }
  assert.throws(() => clipGradNorm(whole, 1), /clipGradNorm: .* pass the `flat` of Parameters/)
})

test.run()
