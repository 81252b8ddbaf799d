import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { InputError, ShapeError } from '../src/errors.ts'
import {
  type AdamOptions,
  adam,
  adamW,
  type Flat,
  type Optimizer,
  type Rates,
  type SgdOptions,
  sgd,
} from '../src/optim.ts'
import { assign } from '../src/tensor.ts'
import { allclose, uniform } from './check.ts'
import { engine } from './device.ts'

const test = suite('optim')
const N = 300
const gradientsAt = (step: number) => uniform(N, 100 + step)

/** torch.optim.SGD in float64. */
function sgdReference(x: Float64Array, options: SgdOptions, rates: Rates[]): Float64Array {
  const { momentum = 0, dampening = 0, nesterov = false, weightDecay = 0, decayEnd = N } = options
  const buffer = new Float64Array(N)
  for (const [t, { lr = options.lr, momentum: mu = momentum }] of rates.entries()) {
    gradientsAt(t + 1).forEach((dx, i) => {
      const g = dx + (i < decayEnd ? weightDecay * x[i] : 0)
      if (mu !== 0) buffer[i] = t === 0 ? g : mu * buffer[i] + (1 - dampening) * g
      x[i] -= lr * (mu === 0 ? g : nesterov ? g + mu * buffer[i] : buffer[i])
    })
  }
  return x
}

/** torch.optim.Adam and AdamW in float64. */
function adamReference(x: Float64Array, options: AdamOptions, rates: Rates[], decoupled: boolean): Float64Array {
  const { betas = [0.9, 0.999], eps = 1e-8, weightDecay = decoupled ? 0.01 : 0, decayEnd = N } = options
  const [m, v] = [new Float64Array(N), new Float64Array(N)]
  for (const [t, { lr = options.lr, beta1 = betas[0] }] of rates.entries()) {
    gradientsAt(t + 1).forEach((dx, i) => {
      const decay = i < decayEnd ? weightDecay : 0
      if (decoupled) x[i] *= 1 - lr * decay
      const g = dx + (decoupled ? 0 : decay * x[i])
      m[i] = beta1 * m[i] + (1 - beta1) * g
      v[i] = betas[1] * v[i] + (1 - betas[1]) * g * g
      const denominator = Math.sqrt(v[i]) / Math.sqrt(1 - betas[1] ** (t + 1)) + eps
      x[i] -= ((lr / (1 - beta1 ** (t + 1))) * m[i]) / denominator
    })
  }
  return x
}

const start = () => uniform(N, 5)
const flatOf = (): Flat => ({ values: engine.tensor(start()), gradients: engine.zeros([N]) })
const fixed = (steps: number): Rates[] => Array.from({ length: steps }, () => ({}))

/** Runs the optimizer from a captured step, as training does. */
async function train(flat: Flat, optimizer: Optimizer, rates: Rates[], from = 0): Promise<number[]> {
  const step = engine.capture('update', () => optimizer.step())
  assert.is(step.dispatches, 1)
  for (const [i, rate] of rates.entries()) {
    assign(flat.gradients, gradientsAt(from + i + 1))
    optimizer.advance(from + i + 1, rate)
    step.run()
  }
  step.release()
  return [...(await flat.values.read())]
}

const close = { atol: 2e-6, rtol: 1e-5 }

const sgdCases: Record<string, SgdOptions> = {
  plain: { lr: 0.1 },
  momentum: { lr: 0.1, momentum: 0.9 },
  'Nesterov and weight decay': { lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 5e-3 },
  dampening: { lr: 0.1, momentum: 0.8, dampening: 0.3 },
  'weight decay on the first 256 only': { lr: 0.1, momentum: 0.9, weightDecay: 0.1, decayEnd: 256 },
  'dampening without momentum': { lr: 0.1, dampening: 0.5 },
  'Nesterov, a parameter at a time': { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.1, decayEnd: 101 },
}
for (const [name, options] of Object.entries(sgdCases)) {
  test(`SGD agrees with float64: ${name}`, async () => {
    const flat = flatOf()
    const got = await train(flat, sgd(flat, options), fixed(8))
    // Without momentum torch has no buffer, so nothing is dampened.
    const meant = options.momentum ? options : { ...options, dampening: 0 }
    allclose(got, sgdReference(Float64Array.from(start()), meant, fixed(8)), close, name)
  })
}

const adamCases: Record<string, AdamOptions> = {
  defaults: { lr: 0.01 },
  'weight decay': { lr: 0.01, weightDecay: 0.1 },
  'betas and eps': { lr: 0.01, betas: [0.8, 0.95], eps: 1e-3 },
  'weight decay on none': { lr: 0.01, weightDecay: 0.1, decayEnd: 0 },
  'weight decay on the first 100': { lr: 0.01, weightDecay: 0.5, decayEnd: 100 },
  'weight decay on the first 101, a parameter at a time': { lr: 0.01, weightDecay: 0.5, decayEnd: 101 },
}
for (const [name, options] of Object.entries(adamCases)) {
  test(`Adam and AdamW agree with float64: ${name}`, async () => {
    for (const [make, decoupled] of [
      [adam, false],
      [adamW, true],
    ] as const) {
      const flat = flatOf()
      const got = await train(flat, make(flat, options), fixed(8))
      const want = adamReference(Float64Array.from(start()), options, fixed(8), decoupled)
      allclose(got, want, close, `${name}, decoupled ${decoupled}`)
    }
  })
}

test('follows a schedule that cycles rate and momentum', async () => {
  const rates = fixed(10).map((_, t) => {
    const momentum = 0.95 - 0.01 * t
    return { lr: 0.01 + 0.01 * t, momentum, beta1: momentum }
  })
  const nesterov = { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 5e-4 }
  const [a, b] = [flatOf(), flatOf()]
  const started = () => Float64Array.from(start())
  allclose(await train(a, sgd(a, nesterov), rates), sgdReference(started(), nesterov, rates), close, 'sgd')
  const decayed = { lr: 0.1, weightDecay: 0.05 }
  allclose(await train(b, adamW(b, decayed), rates), adamReference(started(), decayed, rates, true), close, 'adamW')
})

test('a step without momentum leaves the momentum of the others as it is', async () => {
  const rates = fixed(10).map((_, t) => ({ momentum: t < 2 || t === 5 ? 0 : 0.9 }))
  for (const nesterov of [false, true]) {
    const options = { lr: 0.1, momentum: 0.9, nesterov }
    const flat = flatOf()
    const got = await train(flat, sgd(flat, options), rates)
    allclose(got, sgdReference(Float64Array.from(start()), options, rates), close, `nesterov ${nesterov}`)
  }
})

test('continues from saved state and step number to the same bits', async () => {
  const makes = [
    (flat: Flat) => sgd(flat, { lr: 0.1, momentum: 0.9 }),
    (flat: Flat) => adam(flat, { lr: 0.01 }),
    (flat: Flat) => adamW(flat, { lr: 0.01 }),
  ]
  for (const make of makes) {
    const [whole, half, rest] = [flatOf(), flatOf(), flatOf()]
    const want = await train(whole, make(whole), fixed(9))
    const first = make(half)
    await train(half, first, fixed(4))
    const second = make(rest)
    assign(rest.values, await half.values.read())
    for (const [i, state] of second.state.entries()) assign(state, await first.state[i].read())
    assert.equal(await train(rest, second, fixed(5), 4), want)
  }
})

test('leaves padding at 0, and parameters without gradient where they are', async () => {
  const zeros = new Float32Array(64)
  for (const make of [
    (f: Flat) => sgd(f, { lr: 0.1, momentum: 0.9, weightDecay: 0.1 }),
    (f: Flat) => adamW(f, { lr: 0.1 }),
  ]) {
    const flat = { values: engine.tensor(zeros), gradients: engine.tensor(zeros) }
    const optimizer = make(flat)
    for (let t = 1; t < 4; t++) {
      optimizer.advance(t)
      optimizer.step()
    }
    assert.equal([...(await flat.values.read())], [...zeros])
  }
  const still = { values: engine.tensor([1, -2]), gradients: engine.zeros([2]) }
  const optimizer = adam(still, { lr: 0.1 })
  optimizer.advance(1)
  optimizer.step()
  assert.equal([...(await still.values.read())], [1, -2])
})

test('a NaN in the state does not survive the first step of SGD', async () => {
  const flat = { values: engine.tensor([1]), gradients: engine.tensor([0.5]) }
  const optimizer = sgd(flat, { lr: 1, momentum: 0.9 })
  assign(optimizer.state[0], [Number.NaN])
  optimizer.advance(1)
  optimizer.step()
  assert.equal([...(await flat.values.read())], [0.5])
})

test('refuses values that torch.optim refuses', () => {
  const flat = flatOf()
  const throws = (run: () => unknown, text: RegExp) =>
    assert.throws(run, (e: Error) => e instanceof InputError && text.test(e.message))
  for (const lr of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    throws(() => sgd(flat, { lr }), /sgd: lr (-1|NaN|Infinity)/)
    throws(() => adamW(flat, { lr: 0.1 }).advance(1, { lr }), /adamW: lr (-1|NaN|Infinity)/)
  }
  throws(() => sgd(flat, { lr: 1, momentum: -0.1 }), /momentum -0.1/)
  throws(() => sgd(flat, { lr: 1, nesterov: true }), /nesterov needs momentum above 0/)
  throws(() => sgd(flat, { lr: 1, nesterov: true, momentum: 0.9, dampening: 0.1 }), /no dampening/)
  throws(() => adam(flat, { lr: 1, betas: [1, 0.9] }), /beta1 1/)
  throws(() => adam(flat, { lr: 1, betas: [0.9, -0.1] }), /beta2 -0.1/)
  throws(() => adam(flat, { lr: 1, eps: -1 }), /eps -1/)
  throws(() => adamW(flat, { lr: 1, weightDecay: -1 }), /weightDecay -1/)
  throws(() => adamW(flat, { lr: 1, decayEnd: N + 1 }), /decayEnd 301 of 300/)
  for (const step of [0, -1, 1.5]) throws(() => adam(flat, { lr: 1 }).advance(step), /they count from 1/)
  const uneven = { values: flat.values, gradients: engine.zeros([N + 1]) }
  assert.throws(
    () => adam(uneven, { lr: 1 }),
    (e: Error) => e instanceof ShapeError && /\[300\].*\[301\]/.test(e.message),
  )
})

test('a weight decay that is undefined is the default', async () => {
  const after = async (more: { weightDecay?: number }) => {
    const flat = { values: engine.tensor([1], [1]), gradients: engine.tensor([0], [1]) }
    const optimizer = adamW(flat, { lr: 0.5, ...more })
    optimizer.advance(1)
    engine.step(() => optimizer.step())
    return (await flat.values.read())[0]
  }
  assert.is(await after({ weightDecay: undefined }), await after({}))
  assert.ok((await after({})) < 1)
})

test.run()
