// Ties, broken and empty batches, and what the loss refuses.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { InputError, ShapeError } from '../../src/errors.ts'
import { init } from '../../src/node.ts'
import { type DistillLossOptions, distillLoss, SUMS } from '../../src/ops/distillLoss.ts'
import { stream } from '../../src/random.ts'
import { engine } from '../device.ts'
import { tableOf, u32 } from './distillLossReference.ts'

const test = suite('distillLoss, limits')

test('ties go to the lower class', async () => {
  for (const C of [10, 12]) {
    const { table } = distillLoss(engine.zeros([3, C]), { labels: u32([0, 4, 5]) })
    const { hit, top5 } = await tableOf(table)
    assert.equal(hit, [1, 0, 0])
    assert.equal(top5, [1, 1, 0])
  }
})

test('a broken network has a NaN loss and no hits', async () => {
  for (const C of [10, 12]) {
    const { loss, table } = distillLoss(engine.full([2, C], Number.NaN), { labels: u32([0, 3]) })
    assert.ok(Number.isNaN(await loss.item()))
    assert.equal((await tableOf(table)).hit, [0, 0])
  }
})

test('an empty batch has a NaN mean, sum 0 and an empty gradient', async () => {
  const logits = engine.tensor([], [0, 10], { requiresGrad: true })
  const { loss } = distillLoss(logits, { labels: u32([]) })
  backward(loss)
  assert.ok(Number.isNaN(await loss.item()))
  assert.is((await logits.grad!.read()).length, 0)
  assert.is(await distillLoss(logits, { labels: u32([]), reduction: 'sum' }).loss.item(), 0)
})

test('one dispatch or two: the same table and gradient, bit for bit, and the same sums', async () => {
  // On the same device, once as a processor and once as what is none.
  const guest = await init({ device: engine.gpu.device })
  for (const [N, C] of [
    [256, 10],
    [5, 4],
    [1, 3],
  ]) {
    const draw = stream(N, 'logits')
    const [s, t] = [0, 1].map(() => Array.from({ length: N * C }, () => 6 * draw.uniform() - 3))
    const classes = Array.from({ length: N }, (_, n) => n % C)
    const found = []
    for (const software of [true, false]) {
      Object.assign(guest.gpu, { info: { ...guest.gpu.info, software } })
      const metrics = guest.zeros([SUMS])
      const step = guest.capture('loss', () => {
        const [logits, teacher] = [guest.tensor(s, [N, C]), guest.tensor(t, [N, C])]
        const labels = guest.tensor(classes, [N], { dtype: 'u32' })
        const edges = [{ logits: teacher, temperature: 4 }]
        return distillLoss(logits, { labels, edges, metrics, gradient: true, count: N > 4 ? N - 2 : N })
      })
      step.run()
      const { table, gradient, parts } = step.outputs
      const [bits, sums] = [
        [await table.read(), await gradient!.read()],
        [await parts.read(), await metrics.read()],
      ]
      found.push({ dispatches: step.dispatches, bits, sums: sums.map((each) => [...each]) })
      step.release()
    }
    const [one, two] = found
    assert.equal([one.dispatches, two.dispatches], [1, 2], `${N}x${C}`)
    assert.equal(one.bits, two.bits)
    for (const i of [0, 1])
      one.sums[i].forEach((x, k) => {
        const y = two.sums[i][k]
        assert.ok(Math.abs(x - y) <= 1e-5 * Math.max(1, Math.abs(y)), `${N}x${C}, ${i} ${k}: ${x} and ${y}`)
      })
  }
  guest.destroy()
})

test('refuses what it cannot compute, naming it', () => {
  const logits = engine.zeros([4, 10])
  const labels = u32([0, 1, 2, 3])
  const index = u32([0, 0, 0, 0])
  const throws = (options: Partial<DistillLossOptions>, kind: typeof InputError | typeof ShapeError, text: RegExp) => {
    const run = () => distillLoss(logits, { labels, ...options })
    assert.throws(run, (e: Error) => e instanceof kind && text.test(e.message))
  }
  for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    throws({ edges: [{ logits, temperature: bad }] }, InputError, /temperature (0|-1|NaN|Infinity)/)
    throws({ edges: [{ logits, tau: engine.scalar('tau', bad) }] }, InputError, /tau (0|-1|NaN|Infinity)/)
  }
  throws({ edges: [{ logits, weight: Number.NaN }] }, InputError, /weight NaN/)
  throws({ edges: [{ logits, slice: 1 }] }, InputError, /slice 1 of 1/)
  throws({ edges: new Array(5).fill({ logits }) }, InputError, /5 edges/)
  throws({ edges: [1, 2, 3, 4].map(() => ({ logits: engine.zeros([4, 10]) })) }, InputError, /4 teacher tensors/)
  throws({ edges: [{ logits: engine.zeros([4, 9]) }] }, ShapeError, /\[rows, 10\].*\[4, 9\]/)
  throws({ edges: [{ logits: engine.zeros([5, 10]) }] }, ShapeError, /\[5, 10\] for 4 pictures without an index/)
  throws({ labels: u32([1]) }, ShapeError, /labels \[1\] for 4 pictures/)
  throws({ labels: engine.zeros([4]) }, InputError, /labels of type f32/)
  const other = { from: logits, index: u32([0, 0, 0, 0]) }
  throws({ labels: { from: labels, index }, edges: [{ logits: other }] }, InputError, /2 index tensors/)
  throws({ labels: { from: labels, index: u32([0]) } }, ShapeError, /index of labels is \[4\], got \[1\]/)
  throws({ labelSmoothing: 1.5 }, InputError, /labelSmoothing 1.5/)
  throws({ ceWeight: Number.NaN }, InputError, /ceWeight NaN/)
  throws({ count: 5 }, InputError, /count 5 of 4/)
  throws({ lanes: 3 }, InputError, /3 lanes/)
  throws({ table: engine.zeros([4, 12]) }, ShapeError, /table is \[12, 12\], got \[4, 12\]/)
  throws({ metrics: engine.zeros([12]) }, ShapeError, /metrics are \[28\], got \[12\]/)
  assert.throws(() => distillLoss(engine.zeros([4]), { labels }), /logits are \[N, C\]/)
})

test.run()
