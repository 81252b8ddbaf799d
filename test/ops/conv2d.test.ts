import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { conv2d } from '../../src/ops/conv2d.ts'
import { allclose, checkOp, uniform } from '../check.ts'
import { engine } from '../device.ts'
import { type ConvCase, convBackward, convForward, outputSize } from './conv2dReference.ts'

const test = suite('conv2d')

/** Forward and the three gradients against float64; run twice, so that the second backward adds to the first. */
async function check(of: ConvCase): Promise<void> {
  const { n, c, h, w, k, kh, kw, stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1 } = of
  const [oh, ow] = outputSize(of)
  const values = [
    uniform(n * c * h * w, 3),
    uniform((k * c * kh * kw) / groups, 4),
    uniform(k, 5),
    uniform(n * k * oh * ow, 6),
  ]
  const x = engine.tensor(values[0], [n, c, h, w], { layout: 'chwn', requiresGrad: true })
  const weight = engine.tensor(values[1], [k, c / groups, kh, kw], { requiresGrad: true })
  const bias = of.bias ? engine.tensor(values[2], [k], { requiresGrad: true }) : null
  const dy = engine.tensor(values[3], [n, k, oh, ow], { layout: 'chwn' })
  const run = () => conv2d(x, weight, bias, { stride, padding, dilation, groups })
  const y = run()
  assert.equal(y.shape, [n, k, oh, ow])
  allclose(await y.read(), convForward(of, values[0], values[1], of.bias ? values[2] : undefined), {}, 'y')
  backward(y, dy)
  backward(run(), dy)
  const want = convBackward(of, values[0], values[1], values[3])
  const twice = (a: Float64Array) => a.map((v) => 2 * v)
  allclose(await x.grad!.read(), twice(want.dx), {}, 'dx')
  allclose(await weight.grad!.read(), twice(want.dw), { atol: 1e-6 * n * oh * ow + 1e-5 }, 'dw')
  if (bias) allclose(await bias.grad!.read(), twice(want.db), { atol: 1e-6 * n * oh * ow + 1e-5 }, 'db')
}

const square = (
  n: number,
  c: number,
  size: number,
  k: number,
  kernel: number,
  rest: Partial<ConvCase> = {},
): ConvCase => ({
  ...{ n, c, h: size, w: size, k, kh: kernel, kw: kernel },
  ...rest,
})

const cases: [string, ConvCase][] = [
  ['one pixel, one channel, one image', square(1, 1, 1, 1, 1, { bias: true })],
  ['3x3', square(2, 3, 5, 4, 3, { padding: [1, 1, 1, 1] })],
  ['stride 2', square(3, 5, 9, 4, 3, { stride: [2, 2], padding: [1, 1, 1, 1], bias: true })],
  ['stride 2 that leaves the last row unread', square(2, 3, 8, 2, 3, { stride: [2, 2] })],
  ['1x1 with stride 3', square(2, 5, 10, 7, 1, { stride: [3, 3] })],
  [
    'unequal strides and kernel',
    { n: 2, c: 3, h: 8, w: 11, k: 4, kh: 3, kw: 2, stride: [3, 2], padding: [1, 0, 1, 0] },
  ],
  ['1x1, padding on two sides', square(2, 3, 5, 4, 1, { padding: [0, 0, 1, 2], bias: true })],
  ['padding on two sides', square(2, 2, 6, 3, 3, { padding: [0, 0, 1, 1], stride: [2, 2] })],
  ['padding wider than the kernel', square(2, 2, 3, 3, 3, { padding: [4, 3, 4, 3], bias: true })],
  ['dilation', square(1, 3, 12, 4, 3, { padding: [2, 2, 2, 2], dilation: [2, 2] })],
  ['groups', square(2, 6, 8, 12, 3, { padding: [1, 1, 1, 1], stride: [2, 2], groups: 3 })],
  ['one channel a group', square(2, 8, 9, 8, 3, { padding: [1, 1, 1, 1], groups: 8, bias: true })],
  ['7x7 on an odd picture', { n: 2, c: 7, h: 13, w: 11, k: 3, kh: 7, kw: 7, stride: [2, 2], padding: [3, 3, 3, 3] }],
]
for (const [name, of] of cases) test(`agrees with float64: ${name}`, () => check(of))

test('has the gradients of its own differences', () =>
  checkOp({
    name: 'conv2d',
    inputs: [{ shape: [2, 3, 6, 5], layout: 'chwn' }, { shape: [4, 3, 3, 3] }, { shape: [4] }],
    op: (x, w, b) => conv2d(x, w, b, { stride: 2, padding: 1 }),
    reference: (x, w, b) =>
      convForward({ n: 2, c: 3, h: 6, w: 5, k: 4, kh: 3, kw: 3, stride: [2, 2], padding: [1, 1, 1, 1] }, x, w, b),
  }))

test('takes an empty batch, whose weight gradient is 0', async () => {
  const x = engine.zeros([0, 2, 4, 4], { layout: 'chwn' })
  const w = engine.tensor(uniform(54), [3, 2, 3, 3], { requiresGrad: true })
  const y = conv2d(x, w, null, { padding: 1 })
  assert.equal(y.shape, [0, 3, 4, 4])
  backward(y, engine.zeros([0, 3, 4, 4], { layout: 'chwn' }))
  assert.equal([...(await w.grad!.read())], new Array(54).fill(0))
})

test('takes rows of more runs than a grid has workgroups on one axis', async () => {
  const [n, w] = [64, 65536]
  const x = engine.full([n, 1, 1, w], 1, { layout: 'chwn' })
  const y = (await conv2d(x, engine.full([1, 1, 3, 3], 1), null, { padding: 1 }).read()) as Float32Array
  assert.equal([y[0], y[w - 1], y[n * w - 1]], [2, 2, 2])
  assert.is(y.filter((v) => v === 3).length, n * (w - 2))
})

const zeros = (...shape: number[]) =>
  engine.zeros(shape, { layout: shape[1] === 2 && shape.length === 4 ? 'chwn' : 'row' })
const refused: [string, () => unknown, RegExp][] = [
  ['channels that differ', () => conv2d(zeros(1, 2, 4, 4), zeros(3, 3, 3, 3)), /\[1, 2, 4, 4\], w \[3, 3, 3, 3\]/],
  ['groups that do not divide', () => conv2d(zeros(1, 2, 4, 4), zeros(3, 1, 3, 3), null, { groups: 2 }), /groups 2/],
  [
    'no channels',
    () => conv2d(engine.zeros([1, 0, 4, 4], { layout: 'chwn' }), zeros(3, 0, 3, 3)),
    /channels do not fit/,
  ],
  [
    'no filters',
    () => conv2d(zeros(1, 2, 4, 4), engine.zeros([0, 2, 3, 3])),
    /channels do not fit, .* w \[0, 2, 3, 3\]/,
  ],
  ['a bias of another length', () => conv2d(zeros(1, 2, 4, 4), engine.zeros([5, 2, 3, 3]), zeros(4)), /bias \[4\]/],
  [
    'a kernel beyond the picture',
    () => conv2d(zeros(1, 2, 2, 4), engine.zeros([3, 2, 3, 3])),
    /larger than the padded/,
  ],
  ['a stride of 0', () => conv2d(zeros(1, 2, 4, 4), engine.zeros([3, 2, 3, 3]), null, { stride: 0 }), /stride is 0/],
  [
    'half a padding',
    () => conv2d(zeros(1, 2, 4, 4), engine.zeros([3, 2, 3, 3]), null, { padding: [0.5, 1] }),
    /padding is/,
  ],
]
for (const [name, run, message] of refused) test(`refuses ${name}`, () => assert.throws(run, message))

test.run()
