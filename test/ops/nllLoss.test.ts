import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { InputError, ShapeError } from '../../src/errors.ts'
import { permute } from '../../src/ops/copy.ts'
import { distillLoss } from '../../src/ops/distillLoss.ts'
import { type CrossEntropyOptions, crossEntropy, nllLoss } from '../../src/ops/nllLoss.ts'
import { sizeOf, type Tensor } from '../../src/tensor.ts'
import { allclose, checkOp, uniform } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('nllLoss')
const C = 5

interface Numbers {
  weight?: number[]
  ignoreIndex?: number
  labelSmoothing?: number
  reduction?: 'mean' | 'sum' | 'none'
}

/** The formula of torch.nn.CrossEntropyLoss, a place after the other, of logarithms of probabilities [N, C, inner]. */
function reference(x: Float64Array, labels: number[], inner: number, options: Numbers): Float64Array {
  const { weight = new Array(C).fill(1), ignoreIndex = -100, labelSmoothing: e = 0, reduction = 'mean' } = options
  let counted = 0
  const each = labels.map((label, place) => {
    if (label === ignoreIndex) return 0
    counted += weight[label]
    const logOf = (c: number) => x[(Math.floor(place / inner) * C + c) * inner + (place % inner)]
    const all = weight.reduce((sum, w, c) => sum - w * logOf(c), 0)
    return -(1 - e) * weight[label] * logOf(label) + (e / C) * all
  })
  if (reduction === 'none') return Float64Array.from(each)
  const sum = each.reduce((a, b) => a + b, 0)
  return Float64Array.of(reduction === 'sum' ? sum : sum / counted)
}

function logSoftmax(x: Float64Array, inner: number): Float64Array {
  return x.map((v, i) => {
    const first = Math.floor(i / (C * inner)) * C * inner + (i % inner)
    const row = Array.from({ length: C }, (_, c) => x[first + c * inner])
    return v - Math.log(row.reduce((sum, z) => sum + Math.exp(z), 0))
  })
}

const WEIGHT = [0.5, 2, 0, 1.25, 3]
const OPTIONS: Numbers[] = [
  {},
  { weight: WEIGHT },
  { ignoreIndex: 1 },
  { weight: WEIGHT, ignoreIndex: 4 },
  { labelSmoothing: 0.1 },
  { weight: WEIGHT, ignoreIndex: 0, labelSmoothing: 0.3 },
]

for (const rest of [[], [6], [2, 7], [2, 3, 4]]) {
  const shape = [70, C, ...rest]
  const inner = sizeOf(rest)
  const places = 70 * inner
  const labels = Array.from({ length: places }, (_, i) => (i * 7 + Math.floor(i / 3)) % C)

  test(`agrees with float64 on [${shape}]`, async () => {
    for (const numbers of OPTIONS) {
      for (const reduction of ['mean', 'sum', 'none'] as const) {
        const { weight, ...others } = numbers
        const options: CrossEntropyOptions = { ...others, reduction, weight: weight && engine.tensor(weight) }
        const y = engine.tensor(labels, [70, ...rest], { dtype: 'u32' })
        const inputs = [{ shape, layout: rest.length === 2 ? ('chwn' as const) : ('row' as const) }]
        const name = JSON.stringify({ ...numbers, reduction })
        await checkOp({
          name: `crossEntropy ${name}`,
          inputs,
          op: (x) => crossEntropy(x, y, options),
          reference: (x) => reference(logSoftmax(x, inner), labels, inner, { ...numbers, reduction }),
        })
        if (numbers.labelSmoothing) continue
        await checkOp({
          name: `nllLoss ${name}`,
          inputs,
          op: (x) => nllLoss(x, y, options),
          reference: (x) => reference(x, labels, inner, { ...numbers, reduction }),
        })
      }
    }
  })
}

test('leaves out labels of -100, and any other that is named', async () => {
  const x = uniform(3 * C)
  const lines = (data: number[], options: CrossEntropyOptions) =>
    crossEntropy(engine.tensor(x, [3, C]), engine.tensor(data, [3], { dtype: 'i32' }), options).item()
  const known = (data: number[], ignoreIndex: number) =>
    reference(logSoftmax(Float64Array.from(x), 1), data, 1, { ignoreIndex })[0]
  allclose([await lines([2, -100, 4], {})], [known([2, -100, 4], -100)])
  allclose([await lines([2, -1, 4], { ignoreIndex: -1 })], [known([2, -1, 4], -1)])
  allclose([await lines([2, 77, 4], { ignoreIndex: 77 })], [known([2, 77, 4], 77)])
  assert.ok(Number.isNaN(await lines([-100, -100, -100], {})))
  assert.is(await lines([-100, -100, -100], { reduction: 'sum' }), 0)
  // What a u32 can't hold is no label of it.
  const y = engine.tensor([1, 2], [2], { dtype: 'u32' })
  const two = engine.tensor(x.subarray(0, 2 * C), [2, C])
  const far = await crossEntropy(two, y, { ignoreIndex: 2 ** 32 + 1 }).item()
  assert.is(far, await crossEntropy(two, y).item())
})

test('a batch without a label has no gradient', async () => {
  for (const labelSmoothing of [0, 0.1]) {
    const x = engine.tensor(uniform(2 * C), [2, C], { requiresGrad: true })
    backward(crossEntropy(x, engine.tensor([-100, -100], [2], { dtype: 'i32' }), { labelSmoothing }))
    assert.equal([...(await x.grad!.read())], new Array(2 * C).fill(0))
  }
})

test('a label that is no class makes the loss NaN and has no gradient', async () => {
  const x = engine.tensor(uniform(3 * C), [3, C], { requiresGrad: true })
  const labels = engine.tensor([1, 5, -2], [3], { dtype: 'i32' })
  const each = await crossEntropy(x, labels, { reduction: 'none' }).read()
  assert.equal(
    [...each].map((v) => Number.isNaN(v)),
    [false, true, true],
  )
  const loss = crossEntropy(x, labels, { reduction: 'mean' })
  assert.ok(Number.isNaN(await loss.item()))
  backward(loss)
  const gradient = await x.grad!.read()
  const one = engine.tensor(uniform(3 * C).subarray(0, C), [1, C], { requiresGrad: true })
  backward(crossEntropy(one, engine.tensor([1], [1], { dtype: 'u32' })))
  allclose(gradient, [...(await one.grad!.read()), ...new Array(2 * C).fill(0)], { rtol: 1e-6 })
})

test('stays finite for logits of ±1e4', async () => {
  const x = engine.tensor([1e4, -1e4, 0, 0, 0, -1e4, 1e4, 0, 0, 0], [2, C], { requiresGrad: true })
  const loss = crossEntropy(x, engine.tensor([0, 0], [2], { dtype: 'u32' }))
  allclose([await loss.item()], [1e4])
  backward(loss)
  allclose(await x.grad!.read(), [0, 0, 0, 0, 0, -0.5, 0.5, 0, 0, 0])
})

test('is the cross-entropy of distillLoss', async () => {
  const x = engine.tensor(uniform(64 * C), [64, C])
  const labels = engine.tensor(
    Array.from({ length: 64 }, (_, i) => i % C),
    [64],
    { dtype: 'u32' },
  )
  const { loss } = distillLoss(x, { labels, labelSmoothing: 0.1 })
  allclose([await crossEntropy(x, labels, { labelSmoothing: 0.1 }).item()], [await loss.item()], { rtol: 1e-6 })
})

test('takes labels that lie otherwise, and no pictures at all', async () => {
  const x = uniform(2 * C * 3 * 2)
  const labels = [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]
  const y = permute(engine.tensor(labels, [2, 3, 2], { dtype: 'u32' }), [0, 2, 1])
  const z = permute(engine.tensor(x, [2, C, 3, 2]), [0, 1, 3, 2])
  const want = reference(logSoftmax(Float64Array.from(x), 6), labels, 6, {})
  allclose([await crossEntropy(z, y).item()], want)
  const none = engine.zeros([0], { dtype: 'u32' })
  assert.ok(Number.isNaN(await crossEntropy(engine.zeros([0, C]), none).item()))
  assert.is(await crossEntropy(engine.zeros([0, C]), none, { reduction: 'sum' }).item(), 0)
})

test('names the operation and what does not fit', () => {
  const [x, y] = [engine.zeros([2, C]), engine.zeros([2], { dtype: 'u32' })]
  const shape = (message: string) => (e: Error) => e instanceof ShapeError && e.message === message
  const input = (message: string) => (e: Error) => e instanceof InputError && e.message === message
  const needs = 'needs [N, C] with [N], or [N, C, …] with [N, …]'
  const three = engine.zeros([3], { dtype: 'u32' })
  assert.throws(() => nllLoss(x, three), shape(`nllLoss: [2, 5] with labels [3]; ${needs}`))
  assert.throws(() => crossEntropy(engine.zeros([2]), y), shape(`crossEntropy: [2] with labels [2]; ${needs}`))
  const weight = engine.zeros([4])
  const weights = 'crossEntropy: weights [4] for 5 classes, need [5]'
  assert.throws(() => crossEntropy(x, y, { weight }), shape(weights))
  assert.throws(() => nllLoss(x, engine.zeros([2])), input('nllLoss: labels of type f32, need u32 or i32'))
  assert.throws(() => nllLoss(y, y), input("nllLoss: needs f32, got u32 [2]; cast(x, 'f32') makes it so"))
  const smoothing = 'crossEntropy: labelSmoothing 1.5, needs 0 … 1'
  assert.throws(() => crossEntropy(x, y, { labelSmoothing: 1.5 }), input(smoothing))
  const index = 'crossEntropy: ignoreIndex 0.5, needs a whole number'
  assert.throws(() => crossEntropy(x, y, { ignoreIndex: 0.5 }), input(index))
  const none = "nllLoss: no option 'labelSmoothing'; there are weight, ignoreIndex, reduction"
  assert.throws(() => nllLoss(x, y, { labelSmoothing: 0.1 } as object), input(none))
  const plural = "crossEntropy: no option 'weights'; there are weight, ignoreIndex, reduction, labelSmoothing"
  assert.throws(() => crossEntropy(x, y, { weights: weight } as object), input(plural))
  const list = [1, 2, 3] as unknown as Tensor
  assert.throws(() => crossEntropy(x, y, { weight: list }), input('crossEntropy: needs a tensor, got [1,2,3]'))
  const reduction = 'batchmean' as 'mean'
  const said = "crossEntropy: reduction 'batchmean', needs mean, sum or none"
  assert.throws(() => crossEntropy(x, y, { reduction }), input(said))
})

test.run()
