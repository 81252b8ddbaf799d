// Metrics against the PyTorch cases, and the edges of the specification that other libraries trip over.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { binOf, calibrate, equalEdges, equalMassEdges, errorsOf, poolBins } from '../../src/report/calibration.ts'
import { classwise, columns, confusion, metrics, softmax } from '../../src/report/metrics.ts'
import { close, expectCase, fails, torchCases } from './check.ts'

const test = suite('report/metrics')

for (const c of torchCases('classification_metrics')) {
  test(`torch classification_metrics ${c.name}`, () => {
    const [logits, labels] = c.inputs
    const classes = logits.shape[1]
    const m = metrics(logits.values, labels.values, classes)
    expectCase(c, {
      nll: [m.nll],
      brier: [m.brier],
      entropy: columns(logits.values, labels.values, classes).entropy,
      entropy_mean: [m.entropy],
      accuracy: [m.accuracy],
      top5_accuracy: [m.top5],
    })
  })
}

for (const c of torchCases('ece')) {
  test(`torch ece ${c.name}`, () => {
    const [logits, labels] = c.inputs
    const { ece, bins } = metrics(logits.values, labels.values, logits.shape[1], { bins: Number(c.attributes.n_bins) })
    expectCase(c, { ece: [ece], bin_counts: bins.map(({ count }) => count) })
  })
}

for (const c of torchCases('ece_from_confidence')) {
  test(`torch ece_from_confidence ${c.name}`, () => {
    const [confidence, correct] = c.inputs
    const edges = c.attributes.boundaries as number[] | undefined
    const options = { bins: Number(c.attributes.n_bins), edges, zeroInFirst: false }
    const { ece, bins } = calibrate(confidence.values, correct.values, options)
    expectCase(c, { ece: [ece], bin_counts: bins.map(({ count }) => count) })
  })
}

test('confusion: a plain count of who was taken for whom, ties for the lower class', () => {
  const [classes, n] = [4, 300]
  const value = (i: number) => ((i * 2654435761) % 4294967296) / 4294967296
  const logits = Float32Array.from({ length: n * classes }, (_, i) => Math.round(8 * value(i)))
  const labels = Array.from({ length: n }, (_, i) => Math.floor(classes * value(7 * i + 3)))
  const counts = new Map<string, number>()
  for (const [i, label] of labels.entries()) {
    const row = [...logits.subarray(i * classes, (i + 1) * classes)]
    const key = `${label} for ${row.indexOf(Math.max(...row))}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const got = confusion(logits, labels, classes)
  for (let i = 0; i < classes; i++) {
    for (let j = 0; j < classes; j++) assert.is(got[i][j], counts.get(`${i} for ${j}`) ?? 0, `${i} for ${j}`)
  }
  const right = got.reduce((sum, row, i) => sum + row[i], 0)
  assert.ok(right > 0 && right < n)
  assert.is(right / n, metrics(logits, labels, classes).accuracy)
  assert.equal(confusion([1, 1, 0, 2], [1, 1], 2), [
    [0, 0],
    [1, 1],
  ])
  fails(() => confusion([1, 2], [2], 2), /label 2 of picture 0/)
})

test('a confidence on an edge falls into the bin below, 0 into the first, 1 into the last', () => {
  for (const bins of [1, 2, 3, 10, 15, 16, 100]) {
    const edges = equalEdges(bins)
    assert.is(binOf(0, edges), 0)
    assert.is(binOf(1, edges), bins - 1)
    for (let k = 1; k < bins; k++) {
      assert.is(binOf(edges[k], edges), k - 1, `edge ${k} of ${bins}`)
      assert.is(binOf(k / bins, edges), k - 1, `float64 edge ${k} of ${bins} is compared as float32`)
      assert.is(binOf(edges[k] + 1e-6, edges), k, `just above edge ${k} of ${bins}`)
    }
  }
})

test('a bin is the number of inner float32 edges below the confidence', () => {
  const edges = equalEdges(15)
  for (let i = 0; i <= 3000; i++) {
    const confidence = Math.fround(i / 3000)
    let below = 0
    for (let k = 1; k < 15; k++) if (Math.fround(k / 15) < confidence) below++
    assert.is(binOf(confidence, edges), below)
  }
})

test('sure answers: confidence exactly 1 is calibrated when right and off by 1 when wrong', () => {
  assert.is(calibrate([1, 1], [1, 1]).ece, 0)
  const wrong = calibrate([1, 1], [0, 0])
  assert.equal([wrong.ece, wrong.mce, wrong.rmsce, wrong.signedGap], [1, 1, 1, 1])
  assert.is(calibrate([0, 0], [0, 0]).bins[0].count, 2)
})

test('signed gap, MCE and RMSCE of a case worked by hand', () => {
  const { n, ece, mce, rmsce, signedGap, bins } = calibrate([0.9, 0.8, 0.3, 0.2], [1, 0, 1, 0], { bins: 2 })
  assert.is(n, 4)
  assert.equal(
    bins.map(({ count }) => count),
    [2, 2],
  )
  close(bins[1].meanConfidence, 0.85)
  close(bins[1].accuracy, 0.5)
  close(ece, 0.5 * 0.25 + 0.5 * 0.35)
  close(mce, 0.35)
  close(rmsce, Math.sqrt(0.5 * 0.25 ** 2 + 0.5 * 0.35 ** 2))
  close(signedGap, 0.05)
  close(errorsOf(bins).ece, ece)
})

test('equal-mass bins hold equally many pictures, ties stay together', () => {
  const confidence = Array.from({ length: 90 }, (_, i) => ((i * 37) % 90) / 100)
  const { bins } = calibrate(
    confidence,
    confidence.map(() => 1),
    { edges: equalMassEdges(confidence, 9) },
  )
  assert.equal(
    bins.map(({ count }) => count),
    Array(9).fill(10),
  )
  const tied = calibrate([0.5, 0.5, 0.5, 0.7], [1, 1, 1, 1], { edges: equalMassEdges([0.5, 0.5, 0.5, 0.7], 2) })
  assert.equal(
    tied.bins.map(({ count }) => count),
    [3, 1],
  )
})

test('classwise ECE of a binary table is the mean of its two classes', () => {
  const logits = [2, 0, 0, 1, -1, 1, 3, 0]
  const labels = [0, 1, 0, 0]
  const p = softmax(logits, 2)
  const second = calibrate([p[1], p[3], p[5], p[7]], [0, 1, 0, 0])
  const result = classwise(logits, labels, 2)
  close(result.perClass[1].ece, second.ece)
  close(result.ece, (result.perClass[0].ece + result.perClass[1].ece) / 2)
})

test('huge logits stay finite', () => {
  const m = metrics([1e4, -1e4, 0, -1e4, 1e4, 0], [0, 0], 3)
  assert.is(m.nll, 1e4)
  assert.is(m.entropy, 0)
  assert.is(m.accuracy, 0.5)
  assert.is(m.ece, 0.5)
})

test('temperature divides the logits before the softmax', () => {
  close(metrics([2, 0], [0], 2, { temperature: 4 }).confidence, 1 / (1 + Math.exp(-0.5)))
})

test('bins of two runs pool to the bins of all their pictures', () => {
  const a = calibrate([0.9, 0.95, 0.2], [1, 0, 0])
  const b = calibrate([0.91, 0.5], [1, 1])
  const both = calibrate([0.9, 0.95, 0.2, 0.91, 0.5], [1, 0, 0, 1, 1])
  for (const [k, bin] of poolBins([a.bins, b.bins]).entries()) {
    assert.is(bin.count, both.bins[k].count)
    close(bin.meanConfidence, both.bins[k].meanConfidence)
    close(bin.accuracy, both.bins[k].accuracy)
  }
  fails(() => poolBins([a.bins, calibrate([0.5], [1], { bins: 10 }).bins]), /different edges/)
})

test('bad tables are refused by what is wrong with them', () => {
  fails(() => metrics([1, 2, 3], [0], 2), /3 logits for 1 labels of 2 classes; expected 2/)
  fails(() => metrics([1, 2], [2], 2), /label 2 of picture 0 is not one of 0 … 1/)
  fails(() => metrics([], [], 0), /0 classes/)
  fails(() => calibrate([0.5, 1.5], [0, 1]), /confidence 1\.5 of picture 1/)
  fails(() => calibrate([Number.NaN], [0]), /confidence NaN/)
  fails(() => calibrate([0.5], []), /1 confidences, but 0 answers/)
  fails(() => equalEdges(0), /0 bins/)
})

test.run()
