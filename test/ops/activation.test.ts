import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { InputError } from '../../src/errors.ts'
import { clamp, gelu, leakyRelu, sigmoid, silu, tanh } from '../../src/ops/activation.ts'
import { add } from '../../src/ops/pointwise.ts'
import type { Tensor } from '../../src/tensor.ts'
import { allclose, checkOp, uniform } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('activation')

const logistic = (v: number) => 1 / (1 + Math.exp(-v))

/** Φ in float64: half and the integral of the density, by Simpson's rule. */
function normal(v: number): number {
  const steps = 400
  const h = v / steps
  const density = (at: number) => Math.exp(-0.5 * at * at)
  let sum = density(0) + density(v)
  for (let i = 1; i < steps; i++) sum += (i % 2 === 1 ? 4 : 2) * density(i * h)
  return 0.5 + (sum * h) / (3 * Math.sqrt(2 * Math.PI))
}

const approximate = (v: number) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))

const EXACT: [string, (x: Tensor) => Tensor, (v: number) => number][] = [
  ['sigmoid', sigmoid, logistic],
  ['tanh', tanh, Math.tanh],
  ['silu', silu, (v) => v * logistic(v)],
  ['gelu', gelu, (v) => v * normal(v)],
  ['gelu by tanh', (x) => gelu(x, { approximate: 'tanh' }), approximate],
  ['leakyRelu', leakyRelu, (v) => (v > 0 ? v : 0.01 * v)],
  ['leakyRelu 0.2', (x) => leakyRelu(x, 0.2), (v) => (v > 0 ? v : 0.2 * v)],
  ['clamp', (x) => clamp(x, { min: -1.5, max: 2 }), (v) => Math.min(Math.max(v, -1.5), 2)],
  ['clamp from below', (x) => clamp(x, { min: 0.5 }), (v) => Math.max(v, 0.5)],
  ['clamp from above', (x) => clamp(x, { max: 0.5 }), (v) => Math.min(v, 0.5)],
]

for (const [name, op, f] of EXACT) {
  test(`${name} agrees with float64`, async () => {
    for (const shape of [[1], [65], [63, 64], [2, 3, 5, 7]]) {
      const size = shape.reduce((a, b) => a * b, 1)
      const data = uniform(size, 5).map((v) => 5 * v)
      const layout = shape.length === 4 ? ('chwn' as const) : ('row' as const)
      await checkOp({ name: `${name} [${shape}]`, inputs: [{ shape, layout, data }], op, reference: (x) => x.map(f) })
    }
  })

  test(`${name} is finite and right far from 0, and so is its gradient`, async () => {
    const far = [-3.4e38, -1e30, -1000, -100, -89, -20, 20, 89, 100, 1000, 1e30, 3.4e38]
    const x = engine.tensor(far, [far.length], { requiresGrad: true })
    const y = op(x)
    backward(y, engine.tensor(far.map(() => 1)))
    const limits = far.map((v) => (name.startsWith('gelu') ? Math.max(v, 0) : f(v)))
    allclose(await y.read(), limits.map(Math.fround), { atol: 1e-5, rtol: 1e-5 }, name)
    const [below, above] = [f(-1001) - f(-1000), f(21) - f(20)]
    const slopes = far.map((v) => (name.startsWith('gelu') ? Number(v > 0) : v < 0 ? -below : above))
    allclose(await x.grad!.read(), slopes, { atol: 1e-5 }, `${name} gradient`)
  })
}

test('has the gradients of PyTorch at kinks', async () => {
  const gradient = async (op: (x: Tensor) => Tensor, values: number[]) => {
    const x = engine.tensor(values, [values.length], { requiresGrad: true })
    backward(op(x), engine.tensor(values.map(() => 1)))
    return [...(await x.grad!.read())]
  }
  assert.equal(await gradient((x) => leakyRelu(x, 0.5), [0, 1e-30, -1e-30]), [0.5, 1, 0.5])
  assert.equal(await gradient((x) => clamp(x, { min: -1, max: 1 }), [-1.5, -1, 1, 1.5]), [0, 1, 1, 0])
})

for (const [name, op] of EXACT) {
  test(`${name} keeps a NaN`, async () => {
    const [value] = await op(engine.tensor([Number.NaN])).read()
    assert.ok(Number.isNaN(value), `${value}`)
  })
}

test('clamp keeps infinities where there is no end, and lets no gradient of another element in', async () => {
  const { POSITIVE_INFINITY: most, NEGATIVE_INFINITY: least } = Number
  const x = engine.tensor([least, 0.5, most], [3], { requiresGrad: true })
  assert.equal([...(await clamp(x, { min: 0 }).read())], [0, 0.5, most])
  assert.equal([...(await clamp(x, { max: 0 }).read())], [least, 0, 0])
  assert.equal([...(await clamp(x, { min: least, max: most }).read())], [least, 0.5, most])
  backward(clamp(x, { min: 0 }), engine.tensor([most, most, 2]))
  assert.equal([...(await x.grad!.read())], [0, most, 2])
})

test('adds to a gradient that is there already', async () => {
  const x = engine.tensor([0.5, -0.5], [2], { requiresGrad: true })
  backward(add(clamp(x, { min: 0 }), clamp(x, { max: 0 })), engine.tensor([1, 1]))
  assert.equal([...(await x.grad!.read())], [1, 1])
})

test('lets the upper end win where the ends cross', async () => {
  assert.equal([...(await clamp(engine.tensor([-5, 0, 5]), { min: 2, max: 1 }).read())], [1, 1, 1])
})

test('refuses what is no number and quotes it', () => {
  const x = engine.tensor([1])
  const refused = (fn: () => unknown, text: string) =>
    assert.throws(fn, (e: Error) => e instanceof InputError && e.message.includes(text))
  refused(() => clamp(x, {}), 'min, max or both')
  refused(() => clamp(x), 'min, max or both')
  refused(() => clamp(x, { min: Number.NaN }), 'min NaN')
  refused(() => leakyRelu(x, Number.POSITIVE_INFINITY), 'negativeSlope Infinity')
  refused(() => gelu(x, { approximate: 'erf' as 'none' }), "'erf'")
})

test.run()
