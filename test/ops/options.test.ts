// What a misspelt option, one in the place of another argument, or what is no tensor is answered with. TypeScript says so
// itself; programs in JavaScript meet these.
import { runInNewContext } from 'node:vm'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { InputError } from '../../src/errors.ts'
import { Parameters } from '../../src/nn/parameters.ts'
import { loadWeights, saveWeights } from '../../src/nn/weights.ts'
import * as ops from '../../src/ops/index.ts'
import * as optim from '../../src/optim.ts'
import { assign } from '../../src/tensor.ts'
import { engine } from '../device.ts'

const test = suite('options')
// biome-ignore lint/suspicious/noExplicitAny: as a program in JavaScript calls them
const [d, o] = [ops as any, optim as any]
const x = engine.zeros([2, 3])
const picture = engine.zeros([2, 2, 4, 4], { layout: 'chwn' })
const w = engine.zeros([2, 2, 1, 1])
const labels = engine.zeros([2], { dtype: 'u32' })
const flat = { values: engine.zeros([3]), gradients: engine.zeros([3]) }
const windows = 'kernel, stride, padding, dilation, ceilMode'

const cases: [string, () => unknown, string][] = [
  ['mean', () => d.mean(x, 1), 'options are an object, { axes, keepDims }, got 1'],
  ['mean', () => d.mean(x, [1]), 'options are an object, { axes, keepDims }, got [1]'],
  ['sum', () => d.sum(x, { dim: 1 }), "no option 'dim'; there are axes, keepDims"],
  ['sum', () => d.sum(x, null), 'options are an object, { axes, keepDims }, got null'],
  ['max', () => d.max(x, { axis: 1 }), "no option 'axis'; there are axes, keepDims"],
  ['argmax', () => d.argmax(x, 1, { keepdim: true }), "no option 'keepdim'; there are keepDims, last"],
  ['topk', () => d.topk(x, 1, 1, { sorted: true }), "no option 'sorted'; there are largest"],
  ['softmax', () => d.softmax(x, 1), 'options are an object, { axis, temperature }, got 1'],
  ['logSoftmax', () => d.logSoftmax(x, { T: 4 }), "no option 'T'; there are axis, temperature"],
  ['gelu', () => d.gelu(x, 'tanh'), 'options are an object, { approximate }, got "tanh"'],
  ['clamp', () => d.clamp(x, 0, 6), 'options are an object, { min, max }, got 0'],
  ['slice', () => d.slice(x, { starts: [0], stops: [1] }), "no option 'stops'; there are starts, ends, axes, steps"],
  ['pad', () => d.pad(x, [0, 0, 1, 1], { fill: 1 }), "no option 'fill'; there are value, mode"],
  ['dropout', () => d.dropout(x, 0.5), 'options are an object, { p, random, count }, got 0.5'],
  ['matmul', () => d.matmul(x, x, { transpose: true }), "no option 'transpose'; there are transposeA, transposeB"],
  ['maxPool2d', () => d.maxPool2d(picture, { kernelSize: 2 }), `no option 'kernelSize'; there are ${windows}`],
  ['avgPool2d', () => d.avgPool2d(picture, 2), `options are an object, { ${windows}, countIncludePad }, got 2`],
  [
    'conv2d',
    () => d.conv2d(picture, w, null, { strides: 2 }),
    "no option 'strides'; there are stride, padding, dilation, groups, residual, relu",
  ],
  [
    'conv2d',
    () => d.conv2d(picture, w, { padding: 1 }),
    'needs tensors, got {"padding":1}; options come after the bias, which may be null',
  ],
  [
    'conv2d',
    () => d.conv2d(picture, w, null, { padding: 'same' }),
    'padding is "same", it must be one or two whole numbers from 0',
  ],
  ['batchNorm', () => d.batchNorm(picture, { weight: x }, { train: true }), 'gamma: needs a tensor, got undefined'],
  [
    'ece',
    () => d.ece(x, labels),
    'needs { logits, labels }, { confidence, correct } or { table }, as distillLoss has it',
  ],
  ['ece', () => d.ece({ logits: x }), 'labels: needs a tensor, got undefined'],
  [
    'ece',
    () => d.ece({ logits: x, labels }, { n_bins: 10 }),
    "no option 'n_bins'; there are bins, equalMass, edges, zeroInFirst",
  ],
  ['indexSelect', () => d.indexSelect(x, [0, 1]), 'needs a tensor, got [0,1]'],
  ['sum', () => d.sum([x, x].map(() => 1)), 'needs a tensor, got [1,1]'],
  ['distillLoss', () => d.distillLoss(x, labels), 'options are an object, { labels, '],
  ['distillLoss', () => d.distillLoss(x, {}), 'labels: needs a tensor, or { from, index }, got undefined'],
  ['distillLoss', () => d.distillLoss(x, { labels, ce_weight: 1 }), "no option 'ce_weight'; there are labels, "],
  ['distillLoss', () => d.distillLoss(x, { labels, reduction: 'none' }), "reduction 'none', needs mean or sum"],
  ['distillLoss', () => d.distillLoss(x, { labels, scale: 't3' }), "scale 't3', needs t2 or none"],
  [
    'distillLoss',
    () => d.distillLoss(x, { labels, edges: [{ logits: x, T: 4 }] }),
    "an edge: no option 'T'; there are logits, slice, temperature, tau, weight",
  ],
  [
    'distillLoss',
    () => d.distillLoss(x, { labels, edges: [{}] }),
    'teachers: needs a tensor, or { from, index }, got undefined',
  ],
  [
    'sgd',
    () => o.sgd(flat, { lr: 1, weight_decay: 0 }),
    "no option 'weight_decay'; there are lr, weightDecay, decayEnd, momentum",
  ],
  [
    'adamW',
    () => o.adamW(flat, { lr: 1 }).advance(1, 0.1),
    'advance: options are an object, { lr, momentum, beta1 }, got 0.1',
  ],
  ['zeros', () => engine.zeros([1], { requires_grad: true } as object), "no option 'requires_grad'; there are dtype"],
  ['tensor', () => engine.tensor([1], [1], 'i32' as never), 'options are an object, { dtype, layout'],
  ['assign', () => assign(x, x as never), 'values come from the host; lerpInto copies a tensor'],
  [
    'mul',
    () => d.mul(0.5, engine.scalar('c', 1)),
    "needs tensors, or a tensor and a number or Scalar, got 0.5 and the Scalar 'c'",
  ],
  ['Parameters', () => new Parameters(engine as never, []), 'needs a Gpu: pass engine.gpu'],
  ['loadWeights', () => loadWeights({} as never, new Uint8Array()), 'needs a network, or { parameters }'],
]

for (const [i, [name, call, message]] of cases.entries()) {
  test(`${name}: ${message} (${i})`, () => {
    const said = (e: Error) => e instanceof InputError && e.message.startsWith(`${name}: ${message}`)
    assert.throws(call, said)
  })
}

test('saveWeights wants a network', async () => {
  await saveWeights(flat as never).then(
    () => assert.unreachable(),
    (e: Error) => assert.is(e.message, 'saveWeights: needs a network, or { parameters }'),
  )
})

test('an option that is undefined is none, and an object of another context is one', () => {
  assert.equal(d.sum(x, { axes: undefined, dim: undefined }).shape, [])
  assert.equal(d.sum(x, runInNewContext('({ axes: 1 })')).shape, [2])
  assert.equal(d.sum(x, Object.assign(Object.create(null), { axes: 1 })).shape, [2])
})

test.run()
