// The bits of an integer are another float: an operator that computes with f32 takes nothing else.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { InputError, ShapeError } from '../../src/errors.ts'
import * as ops from '../../src/ops/index.ts'
import type { Tensor } from '../../src/tensor.ts'
import { engine } from '../device.ts'

const test = suite('dtypes')
const matrix = engine.zeros([2, 2])
const picture = engine.zeros([2, 2, 4, 4], { layout: 'chwn' })
const kernel = engine.zeros([2, 2, 1, 1])
const labels = engine.zeros([2], { dtype: 'u32' })

const takers: Record<string, [right: Tensor, run: (x: Tensor) => unknown]> = {
  relu: [matrix, (x) => ops.relu(x)],
  linear: [matrix, (x) => ops.linear(matrix, x)],
  matmul: [matrix, (x) => ops.matmul(x, matrix)],
  conv2d: [picture, (x) => ops.conv2d(x, kernel)],
  batchNorm: [picture, (x) => ops.batchNorm(x, ops.batchNormWeights(x, 2), { train: true })],
  globalAvgPool: [picture, (x) => ops.globalAvgPool(x)],
  maxPool2d: [picture, (x) => ops.maxPool2d(x, { kernel: 2 })],
  resizeArea: [picture, (x) => ops.resizeArea(x, [2, 2])],
  softmax: [matrix, (x) => ops.softmax(x)],
  distillLoss: [matrix, (x) => ops.distillLoss(x, { labels })],
  ece: [matrix, (x) => ops.ece({ logits: x, labels })],
  classwiseEce: [matrix, (x) => ops.classwiseEce(x, labels)],
}

for (const [name, [right, run]] of Object.entries(takers)) {
  test(`${name} takes f32 and nothing else`, () => {
    run(right)
    for (const dtype of ['i32', 'u32'] as const) {
      const wrong = engine.zeros(right.shape, { dtype, layout: right.layout })
      const said = (e: Error) =>
        e instanceof InputError && e.message.startsWith(`${name}: needs f32, got ${dtype} [2, 2`)
      assert.throws(() => run(wrong), said)
    }
  })
}

test('ece takes confidences and tables of f32 and nothing else', () => {
  const [right, wrong] = [engine.zeros([2]), engine.zeros([2], { dtype: 'i32' })]
  const said = (e: Error) => e instanceof InputError && e.message.startsWith('ece: needs f32, got i32 [')
  assert.throws(() => ops.ece({ confidence: wrong, correct: right }), said)
  assert.throws(() => ops.ece({ confidence: right, correct: wrong }), said)
  assert.throws(() => ops.ece({ table: engine.zeros([ops.COLUMNS.length, 2], { dtype: 'i32' }) }), said)
})

test('what PyTorch users try first is answered with what to do', () => {
  const row = engine.zeros([2, 2, 4, 4])
  const shaped = (e: Error) => e instanceof ShapeError && /x \[2, 2, 4, 4\].*toLayout\(x, 'chwn'\)/.test(e.message)
  assert.throws(() => ops.conv2d(row, kernel), shaped)
  assert.throws(() => ops.distillLoss(matrix, { labels: engine.zeros([2]) }), /labels of type f32, need u32/)
  assert.throws(
    () => ops.maxPool2d(picture, 2 as unknown as ops.PoolOptions),
    /maxPool2d: options are an object, { kernel, .* got 2$/,
  )
})

test.run()
