import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { init, openAdapter } from '../../src/node.ts'
import { type BatchNormOptions, batchNorm, batchNormWeights } from '../../src/ops/batchNorm.ts'
import { add, addRelu } from '../../src/ops/pointwise.ts'
import { relu } from '../../src/ops/relu.ts'
import { type Shape, sizeOf, type Tensor } from '../../src/tensor.ts'
import { allclose, checkOp, uniform } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('batchNorm')
const EPS = 1e-5

/** Statistics of a channel in float64: mean and biased variance. */
function channel(x: Float64Array, [n, c, ...rest]: Shape, j: number): { at: number[]; mean: number; variance: number } {
  const plane = sizeOf(rest)
  const at: number[] = []
  for (let i = 0; i < n; i++) for (let k = 0; k < plane; k++) at.push((i * c + j) * plane + k)
  const mean = at.reduce((s, i) => s + x[i], 0) / at.length
  const variance = at.reduce((s, i) => s + (x[i] - mean) ** 2, 0) / at.length
  return { at, mean, variance }
}

const reference =
  (shape: Shape, relued: boolean, running?: { mean: number; variance: number }) =>
  (x: Float64Array, gamma: Float64Array, beta: Float64Array, r?: Float64Array): Float64Array => {
    const y = new Float64Array(x.length)
    for (let j = 0; j < shape[1]; j++) {
      const own = channel(x, shape, j)
      const { mean, variance } = running ?? own
      for (const i of own.at) {
        const v = ((x[i] - mean) / Math.sqrt(variance + EPS)) * gamma[j] + beta[j] + (r?.[i] ?? 0)
        y[i] = relued ? Math.max(v, 0) : v
      }
    }
    return y
  }

const running = (c: number) => ({
  runningMean: engine.full([c], 0.25),
  runningVar: engine.full([c], 2),
})

function check(name: string, shape: Shape, options: Omit<BatchNormOptions, 'residual'>, withResidual = false) {
  const c = shape[1]
  const layout = shape.length === 4 ? ('chwn' as const) : ('row' as const)
  const fixed = options.train ? undefined : { mean: 0.25, variance: 2 }
  const gamma = Float32Array.from({ length: c }, (_, i) => 0.5 + i / 7)
  test(name, () =>
    checkOp({
      name,
      inputs: [
        { shape, layout },
        { shape: [c], data: gamma },
        { shape: [c] },
        ...(withResidual ? [{ shape, layout }] : []),
      ],
      op: (x: Tensor, g: Tensor, b: Tensor, r?: Tensor) =>
        batchNorm(x, { gamma: g, beta: b, ...running(c) }, { ...options, residual: r }),
      reference: reference(shape, options.relu === true || withResidual, fixed),
      tolerance: { atol: 2e-5, rtol: 1e-4 },
    }),
  )
}

for (const shape of [
  [4, 3, 5, 4],
  [3, 5, 3, 3],
  [2, 1, 1, 1],
  [8, 17, 7, 7],
  [3, 8, 3, 3],
  [5, 6],
  [5, 12],
]) {
  check(`trains at [${shape}]`, shape, { train: true })
  check(`evaluates at [${shape}]`, shape, { train: false })
  check(`trains with relu at [${shape}]`, shape, { train: true, relu: true })
}
// From 8 channels on a processor does each pass in one dispatch.
for (const more of [0, 7]) {
  check(`adds a residual and rectifies, ${3 + more} channels`, [4, 3 + more, 5, 4], { train: true }, true)
  check(`adds a residual to odd runs, ${5 + more} channels`, [3, 5 + more, 3, 3], { train: true }, true)
  check(`adds a residual to rows, ${6 + more} channels`, [5, 6 + more], { train: true }, true)
  check(`evaluates with a residual, ${3 + more} channels`, [4, 3 + more, 5, 4], { train: false }, true)
}

test('on a processor each pass is one dispatch, of many channels, and computes what two do', async () => {
  const { adapter } = await openAdapter({ adapter: process.env.WEBGPU_DISTILL_ADAPTER })
  // A processor, what is none, and a processor whose device binds no more than the default limit.
  const forms = [
    { device: engine.gpu.device, software: true },
    { device: engine.gpu.device, software: false },
    { device: await adapter.requestDevice(), software: true },
  ]
  for (const [c, residual] of [
    [7, false],
    [8, false],
    [8, true],
  ] as const) {
    const shape = [4, c, 5, 4]
    const found = []
    for (const { device, software } of forms) {
      const guest = await init({ device })
      Object.assign(guest.gpu, { info: { ...guest.gpu.info, software } })
      const [x, dy, r] = [1, 2, 3].map((seed) =>
        guest.tensor(uniform(sizeOf(shape), seed), shape, { layout: 'chwn', requiresGrad: seed !== 2 }),
      )
      const weights = batchNormWeights(x, c)
      const options = { train: true, ...(residual ? { residual: r } : { relu: true }) }
      const forward = guest.capture('forward', () => batchNorm(x, weights, options))
      // The second gradient is added to the first.
      const twice = guest.capture('twice', () => {
        const [first, second] = [batchNorm(x, weights, options), batchNorm(x, weights, options)]
        backward(first, dy)
        backward(second, dy)
        return second
      })
      twice.run()
      const { gamma, beta, runningMean, runningVar } = weights
      const values = []
      for (const each of [twice.outputs, x.grad, r.grad, gamma.grad, beta.grad, runningMean, runningVar])
        values.push(each ? [...(await each.read())] : [])
      found.push({ dispatches: [forward.dispatches, twice.dispatches], values })
      guest.destroy()
    }
    const [one, two, bound] = found
    const apart = [2, 8]
    assert.equal(
      found.map(({ dispatches }) => dispatches),
      [c < 8 ? apart : [1, 4], apart, apart],
      `${c} channels`,
    )
    for (const [i, values] of one.values.entries())
      allclose(values, two.values[i], { atol: 1e-5, rtol: 1e-5 }, `${c} channels, ${i}`)
    assert.equal(bound.values, one.values)
  }
  forms[2].device.destroy()
})

test('evaluates to the same bits whether or not a gradient is asked for', async () => {
  const shape = [4, 3, 5, 4]
  const weights = { gamma: engine.full([3], 0.7), beta: engine.full([3], 0.1), ...running(3) }
  const data = uniform(sizeOf(shape), 3)
  for (const residual of [true, false]) {
    const [plain, wanted] = [false, true].map((requiresGrad) => {
      const x = engine.tensor(data, shape, { layout: 'chwn', requiresGrad })
      return batchNorm(x, weights, { train: false, relu: true, residual: residual ? x : undefined })
    })
    assert.equal(await plain.read(), await wanted.read())
  }
})

test('updates running statistics with the unbiased variance', async () => {
  const shape = [4, 3, 5, 4]
  const x = uniform(sizeOf(shape), 3)
  const stats = running(3)
  const weights = { gamma: engine.full([3], 1), beta: engine.full([3], 0), ...stats }
  await batchNorm(engine.tensor(x, shape, { layout: 'chwn' }), weights, { train: true, momentum: 0.3 }).read()
  for (let j = 0; j < 3; j++) {
    const { at, mean, variance } = channel(Float64Array.from(x), shape, j)
    const unbiased = (variance * at.length) / (at.length - 1)
    allclose([(await stats.runningMean.read())[j]], [0.7 * 0.25 + 0.3 * mean], {}, 'running mean')
    allclose([(await stats.runningVar.read())[j]], [0.7 * 2 + 0.3 * unbiased], {}, 'running variance')
  }
})

test('keeps the variance of data far from 0', async () => {
  const shape = [8, 2, 6, 6]
  const x = Float32Array.from(uniform(sizeOf(shape), 5), (v) => 1000 + v)
  const weights = { gamma: engine.full([2], 1), beta: engine.full([2], 0), ...running(2) }
  const y = await batchNorm(engine.tensor(x, shape, { layout: 'chwn' }), weights, { train: true }).read()
  const want = reference(shape, false)(Float64Array.from(x), Float64Array.of(1, 1), Float64Array.of(0, 0))
  allclose(y, want, { atol: 3e-4, rtol: 1e-4 }, 'offset data')
})

test('a residual that is used twice gets both gradients', async () => {
  for (const c of [3, 9]) {
    const shape = [4, c, 2, 2]
    const data = uniform(sizeOf(shape), 9)
    const grads: Float32Array[] = []
    for (const fused of [true, false]) {
      const x = engine.tensor(data, shape, { layout: 'chwn', requiresGrad: true })
      const h = relu(x)
      const weights = { gamma: engine.full([c], 1), beta: engine.full([c], 0.1), ...running(c) }

      const y = fused
        ? batchNorm(h, weights, { train: true, residual: h })
        : addRelu(batchNorm(h, weights, { train: true }), h)
      backward(add(y, h), engine.tensor(uniform(data.length, 4), shape, { layout: 'chwn' }))
      grads.push((await x.grad!.read()) as Float32Array)
    }
    allclose(grads[0], grads[1], { atol: 1e-6, rtol: 1e-5 }, `gradient through both paths, ${c} channels`)
  }
})

test('a NaN passes the relu, so that a broken network shows', async () => {
  const data = Float32Array.of(Number.NaN, 1, 2, 3, 4, 5, 6, 7)
  for (const rest of [4, 1]) {
    const x = engine.tensor(data, [8 / rest / 2, 2, 1, rest], { layout: 'chwn' })
    const weights = () => ({ gamma: engine.full([2], 1), beta: engine.full([2], 0), ...running(2) })
    for (const train of [true, false]) {
      for (const more of [{ relu: true }, { residual: engine.zeros(x.shape, { layout: 'chwn' }) }]) {
        const [first] = await batchNorm(x, weights(), { train, ...more }).read()
        assert.ok(Number.isNaN(first), `${first} for ${rest} columns, train ${train}, ${Object.keys(more)}`)
      }
    }
  }
})

test('takes an empty batch in evaluation, whose gradients are 0', async () => {
  const x = engine.zeros([0, 2, 3, 3], { layout: 'chwn' })
  const gamma = engine.tensor([1, 2], [2], { requiresGrad: true })
  const y = batchNorm(x, { gamma, beta: engine.zeros([2]), ...running(2) }, { train: false })
  assert.equal(y.shape, [0, 2, 3, 3])
  backward(y, x)
  assert.equal([...(await gamma.grad!.read())], [0, 0])
})

test('refuses weights of another size, single values and none', () => {
  const x = engine.tensor(uniform(12), [1, 12, 1, 1], { layout: 'chwn' })
  const none = engine.zeros([0, 12, 2, 2], { layout: 'chwn' })
  const weights = { gamma: engine.full([12], 1), beta: engine.full([12], 0), ...running(12) }
  assert.throws(() => batchNorm(x, weights, { train: true }), /more than one value per channel, got x \[1, 12, 1, 1\]/)
  assert.throws(
    () => batchNorm(none, weights, { train: true }),
    /more than one value per channel, got x \[0, 12, 2, 2\]/,
  )
  assert.throws(
    () => batchNorm(x, { ...weights, gamma: engine.full([5], 1) }, { train: false }),
    /gamma \[5\].*\[1, 12, 1, 1\]/,
  )
})

test.run()
