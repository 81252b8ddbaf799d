// The sums that the loss keeps over an epoch: what they say of calibration, and that keeping them changes nothing else.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ece } from '../../src/ops/calibration.ts'
import { distillLoss, meansOf, SUMS } from '../../src/ops/distillLoss.ts'
import { metrics } from '../../src/report/metrics.ts'
import type { Tensor } from '../../src/tensor.ts'
import { uniform } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('metrics')
const u32 = (values: number[]) => engine.tensor(values, [values.length], { dtype: 'u32' })
const bitsOf = async (x: Tensor) => [...new Uint32Array(Float32Array.from(await x.read()).buffer)]
const labelsOf = (n: number, classes: number) => Array.from({ length: n }, (_, i) => (7 * i) % classes)

test('the ECE of several batches together is that of their pictures in float64', async () => {
  const [n, C, batches] = [70, 10, 5]
  const all: number[] = []
  const labels: number[] = []
  const sums = engine.zeros([SUMS])
  for (let i = 0; i < batches; i++) {
    const logits = [...uniform(n * C, i + 1)].map((x) => (1 + 2 * i) * x)
    const some = labelsOf(n, C)
    all.push(...Float32Array.from(logits))
    labels.push(...some)
    engine.step(() => distillLoss(engine.tensor(logits, [n, C]), { labels: u32(some), metrics: sums }))
  }
  const got = meansOf(await sums.read())
  const want = metrics(all, labels, C)
  assert.ok(want.ece > 0.1, 'there is something to find')
  for (const name of ['ece', 'confidence', 'entropy', 'nll', 'brier'] as const) {
    assert.ok(Math.abs(got[name] - want[name]) < 2e-6, `${name}: ${got[name]}, float64 ${want[name]}`)
  }
  assert.is(got.hit, want.accuracy)
})

test('a confidence on an edge falls into the bin below it, as in ece()', async () => {
  // Equal logits of C classes have the confidence 1 / C: edges 1, 3, 5 and 15.
  for (const [C, edge] of [
    [15, 1],
    [5, 3],
    [3, 5],
    [1, 15],
  ]) {
    const sums = engine.zeros([SUMS])
    const { table } = engine.step(() => distillLoss(engine.zeros([4, C]), { labels: u32([0, 0, 0, 0]), metrics: sums }))
    const counts = [...(await ece({ table }).bins.read())].filter((_, i) => i % 3 === 0)
    assert.is(counts.indexOf(4), edge - 1, `1 / ${C}`)
    const gaps = [...(await sums.read())].slice(-15)
    assert.equal(
      gaps.map((gap, k) => (gap === 0 ? -1 : k)).filter((k) => k >= 0),
      C === 1 ? [] : [edge - 1],
      `1 / ${C}`,
    )
  }
})

test('keeping them changes no bit of the loss, its parts, its table and its gradient', async () => {
  for (const C of [10, 7]) {
    const logits = engine.tensor([...uniform(24 * C, 9)], [24, C])
    const teacher = engine.tensor([...uniform(24 * C, 10)], [24, C])
    const given = { labels: u32(labelsOf(24, C)), edges: [{ logits: teacher, temperature: 4 }], gradient: true }
    const bare = engine.step(() => distillLoss(logits, given))
    const kept = engine.step(() => distillLoss(logits, { ...given, metrics: engine.zeros([SUMS]) }))
    for (const name of ['loss', 'parts', 'table', 'gradient'] as const)
      assert.equal(await bitsOf(kept[name]!), await bitsOf(bare[name]!), `${name}, ${C} classes`)
  }
})

test.run()
