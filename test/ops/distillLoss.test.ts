import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { COLUMNS, type DistillLossOptions, distillLoss, SUMS } from '../../src/ops/distillLoss.ts'
import { add } from '../../src/ops/pointwise.ts'
import { relu } from '../../src/ops/relu.ts'
import { assign, type Tensor } from '../../src/tensor.ts'
import { allclose, checkOp } from '../check.ts'
import { engine } from '../device.ts'
import { average, checkTable, classesOf, type Edge, reference, scaled, tableOf, u32 } from './distillLossReference.ts'

const test = suite('distillLoss')

interface LossCase {
  N?: number
  C?: number
  edges?: { T?: number; tau?: number; weight?: number }[]
  smoothing?: number
  ceWeight?: number
  squared?: boolean
  sum?: boolean
  by?: number
  /** Numbers of lanes a row; a pipeline for each takes a software adapter seconds to compile. */
  lanes?: number[]
}

/** The loss, its gradient for an upstream gradient that is not 1, and the table, at several numbers of lanes a row. */
async function check(settings: LossCase) {
  const {
    N = 5,
    C = 10,
    edges = [],
    smoothing = 0,
    ceWeight = 1,
    squared = true,
    sum = false,
    by = 4,
    lanes = [1],
  } = settings
  const labels = classesOf(N, C)
  const teachers = edges.map((edge, k) => ({ ...edge, t: scaled(N * C, 50 + k, by) }))
  const truth = (s: ArrayLike<number>) => reference(s, C, { labels, smoothing, ceWeight, squared, edges: teachers })
  const reduce = (values: number[]) => average(values) * (sum ? N : 1)
  const options: DistillLossOptions = {
    labels: u32(labels),
    labelSmoothing: smoothing,
    ceWeight,
    scale: squared ? 't2' : 'none',
    reduction: sum ? 'sum' : 'mean',
    // Stacked in one tensor: up to 4 edges.
    edges: stacked(teachers, N, C),
  }
  const data = scaled(N * C, 9, by)
  for (const count of lanes) {
    await checkOp({
      name: `distillLoss with ${count} lanes`,
      inputs: [{ shape: [N, C], data }],
      op: (s) => distillLoss(s, { ...options, lanes: count }).loss,
      reference: (s) => Float64Array.of(reduce(truth(s).total)),
      tolerance: { rtol: 1e-5 },
    })
    const { table, parts } = distillLoss(engine.tensor(data, [N, C]), { ...options, lanes: count })
    await checkTable(table, truth(data))
    const means = COLUMNS.map((name) => reduce(truth(data)[name]))
    allclose(await parts.read(), means, { atol: 2e-6 * (sum ? N : 1), rtol: 2e-5 }, 'parts')
  }
}

function stacked(teachers: (Edge & { t: Float32Array })[], N: number, C: number): DistillLossOptions['edges'] {
  const all = new Float32Array(teachers.length * N * C)
  for (const [k, { t }] of teachers.entries()) all.set(t, k * N * C)
  const logits = engine.tensor(all, [teachers.length, N, C])
  return teachers.map(({ T, tau, weight }, slice) => ({ logits, slice, temperature: T, tau, weight }))
}

const cases: Record<string, LossCase> = {
  'cross-entropy alone': { lanes: [1, 32] },
  'label smoothing': { smoothing: 0.1 },
  'smoothing 1 ignores the label': { smoothing: 1 },
  'one teacher at T = 4': { ceWeight: 0.5, edges: [{ T: 4, weight: 0.5 }] },
  'a calibrated teacher': { edges: [{ T: 4, tau: 1.7, weight: 0.9 }] },
  'T below 1': { edges: [{ T: 0.5 }] },
  'no T² factor': { edges: [{ T: 4 }], squared: false },
  'KL alone': { ceWeight: 0, edges: [{ T: 2 }] },
  'DML: two peers': { ceWeight: 0.5, edges: [{ weight: 0.25 }, { weight: 0.25 }] },
  'four teachers, each with numbers of its own': {
    lanes: [1, 32],
    smoothing: 0.2,
    edges: [{ T: 1 }, { T: 2, tau: 0.5, weight: 2 }, { T: 20, weight: 0.1 }, { T: 3, tau: 3, weight: -0.5 }],
  },
  // Where the number of classes is a multiple of 4 another kernel reads four at a time.
  'four classes a load': { lanes: [1, 32], N: 17, C: 12, smoothing: 0.1, edges: [{ T: 4, tau: 0.7 }] },
  'four classes a load, four teachers': {
    C: 4,
    edges: [{ T: 1 }, { T: 2, tau: 0.5, weight: 2 }, { T: 20, weight: 0.1 }, { T: 3, tau: 3, weight: -0.5 }],
  },
  'summed over the batch': { sum: true, edges: [{ T: 4 }] },
  'one picture': { N: 1, edges: [{ T: 4 }] },
  'one class': { lanes: [1, 32], C: 1, edges: [{ T: 4 }] },
  'two classes': { C: 2, edges: [{ T: 4 }] },
  'a batch one off the workgroup': { lanes: [1, 32], N: 65, C: 7, edges: [{ T: 4 }] },
  'classes one off the lanes': { lanes: [1, 32], N: 3, C: 65, edges: [{ T: 4 }] },
  '1,000 classes': { lanes: [1, 32], N: 4, C: 1000, edges: [{ T: 4 }], smoothing: 0.1 },
  'sharp logits': { N: 9, C: 100, by: 60, edges: [{ T: 4 }] },
}
for (const [name, settings] of Object.entries(cases)) test(name, () => check(settings))

for (const C of [10, 12]) {
  test(`is stable for logits of ±1e4, ${C} classes`, async () => {
    const N = 4
    const labels = classesOf(N, C)
    const [s, t] = [scaled(N * C, 1, 1e4), scaled(N * C, 2, 1e4)]
    const want = reference(s, C, { labels, edges: [{ t, T: 4 }] })
    const edges = [{ logits: engine.tensor(t, [N, C]), temperature: 4 }]
    const { table, gradient } = distillLoss(engine.tensor(s, [N, C]), { labels: u32(labels), edges, gradient: true })
    await checkTable(table, want)
    assert.ok((await gradient!.read()).every((g) => Number.isFinite(g) && Math.abs(g) <= 5))
  })
}

for (const C of [10, 12]) {
  test(`keeps the digits of KL at T = 100, where both softmaxes are nearly flat, ${C} classes`, async () => {
    const N = 8
    const [s, t] = [scaled(N * C, 1), scaled(N * C, 2)]
    const want = average(reference(s, C, { labels: classesOf(N, C), edges: [{ t, T: 100 }] }).kl0)
    const edges = [{ logits: engine.tensor(t, [N, C]), temperature: 100 }]
    const { parts } = distillLoss(engine.tensor(s, [N, C]), { labels: u32(classesOf(N, C)), edges })
    allclose([(await parts.read())[2]], [want], { atol: 0, rtol: 1e-5 }, 'KL')
  })
}

test('the gradients of the terms alone add up to the whole', async () => {
  const [N, C] = [6, 10]
  const logits = engine.tensor(scaled(N * C, 1), [N, C])
  const t = engine.tensor(scaled(N * C, 2), [N, C])
  const gradientOf = async (ceWeight: number, a: number, b: number) => {
    const edges = [
      { logits: t, temperature: 4, weight: a },
      { logits: t, temperature: 2, tau: 3, weight: b },
    ]
    const options = { labels: u32(classesOf(N, C)), ceWeight, edges, gradient: true }
    return [...(await distillLoss(logits, options).gradient!.read())]
  }
  const [ce, first, second] = [await gradientOf(0.5, 0, 0), await gradientOf(0, 2, 0), await gradientOf(0, 0, 0.7)]
  const together = ce.map((g, i) => g + first[i] + second[i])
  allclose(await gradientOf(0.5, 2, 0.7), together, { atol: 1e-7 }, 'whole gradient')
})

test('hands its gradient on: the leaf and the layer below get the same bits', async () => {
  const [N, C] = [6, 10]
  const data = scaled(N * C, 1).map(Math.abs)
  const options = { labels: u32(classesOf(N, C)) }
  const [leaf, below] = [0, 1].map(() => engine.tensor(data, [N, C], { requiresGrad: true }))
  const { loss, gradient } = distillLoss(leaf, options)
  backward(loss)
  backward(distillLoss(relu(below), options).loss)
  const want = [...(await gradient!.read())]
  assert.equal([...(await leaf.grad!.read())], want)
  assert.equal([...(await below.grad!.read())], want)
})

test('looks labels and stored logits up by one index', async () => {
  const [N, C, stored] = [7, 10, 20]
  const picked = Array.from({ length: N }, (_, n) => (n * 13 + 5) % stored)
  const allLabels = classesOf(stored, C)
  const [all, live] = [scaled(2 * stored * C, 3), scaled(N * C, 4)]
  const rows = (slice: number) =>
    picked.flatMap((i) => [...all.slice((slice * stored + i) * C, (slice * stored + i + 1) * C)])
  const index = u32(picked)
  const from = engine.tensor(all, [2, stored, C])
  const s = scaled(N * C, 5)
  const { table } = distillLoss(engine.tensor(s, [N, C]), {
    labels: { from: u32(allLabels), index },
    edges: [
      { logits: { from, index }, slice: 1, temperature: 4 },
      { logits: engine.tensor(live, [N, C]), temperature: 2 },
      { logits: { from, index }, temperature: 3, tau: 2 },
    ],
  })
  const edges = [
    { t: rows(1), T: 4 },
    { t: live, T: 2 },
    { t: rows(0), T: 3, tau: 2 },
  ]
  await checkTable(table, reference(s, C, { labels: picked.map((i) => allLabels[i]), edges }))
})

test('reads three teacher tensors, and keeps rows beyond the end inside', async () => {
  const [N, C] = [3, 4]
  const s = scaled(N * C, 1)
  const ts = [2, 3, 4].map((seed) => scaled(N * C, seed))
  const edges = ts.map((t) => ({ logits: engine.tensor(t, [N, C]) }))
  const { table } = distillLoss(engine.tensor(s, [N, C]), { labels: u32([0, 3, 1]), edges })
  await checkTable(table, reference(s, C, { labels: [0, 3, 1], edges: ts.map((t) => ({ t })) }))
  const far = { labels: { from: u32([2]), index: u32([0, 9, 4_000_000_000]) } }
  await checkTable(distillLoss(engine.tensor(s, [N, C]), far).table, reference(s, C, { labels: [2, 2, 2] }))
})

test("a label that is no class makes the loss NaN, is no hit, and has no gradient but the teachers'", async () => {
  const [N, C] = [3, 4]
  const [s, t] = [scaled(N * C, 1), scaled(N * C, 2)]
  const [logits, teacher] = [s, t].map((x) => engine.tensor(x, [N, C]))
  const given = (labels: number[], ceWeight: number) => {
    const options = { labels: u32(labels), ceWeight, edges: [{ logits: teacher }], labelSmoothing: 0.1 }
    return distillLoss(logits, { ...options, gradient: true })
  }
  const { loss, table, gradient } = given([0, 4, 4_000_000_000], 1)
  assert.ok(Number.isNaN(await loss.item()))
  const want = reference(s, C, { labels: [0, 0, 0], smoothing: 0.1, edges: [{ t }] })
  for (const name of ['total', 'ce', 'nll', 'brier'] as const) want[name] = [want[name][0], Number.NaN, Number.NaN]
  for (const name of ['hit', 'top5'] as const) want[name] = [want[name][0], 0, 0]
  await checkTable(table, want)
  const [whole, taught] = [given([0, 1, 1], 1), given([0, 1, 1], 0)]
  const row = async ({ gradient }: { gradient: Tensor | null }, n: number) => [
    ...(await gradient!.read()).subarray(n * C, n * C + C),
  ]
  assert.equal(await row({ gradient }, 0), await row(whole, 0))
  for (const n of [1, 2]) assert.equal(await row({ gradient }, n), await row(taught, n))
  // Where no label counts, none is needed.
  assert.is(await given([9, 9, 9], 0).loss.item(), await taught.loss.item())
})

test('a captured step follows its Scalars and takes a dispatch or two', async () => {
  const [N, C] = [5, 10]
  const [s, t] = [scaled(N * C, 1), scaled(N * C, 2)]
  const labels = classesOf(N, C)
  const names = ['T', 'tau', 'weight', 'ceWeight', 'smoothing'] as const
  const [temperature, tau, weight, ceWeight, labelSmoothing] = names.map((name) => engine.scalar(name, 1))
  const [logits, teacher] = [engine.tensor(s, [N, C]), engine.tensor(t, [N, C])]
  const step = engine.capture('loss', () => {
    const edges = [{ logits: teacher, temperature, tau, weight }]
    return distillLoss(logits, { labels: u32(labels), ceWeight, labelSmoothing, edges, gradient: true })
  })
  // A small batch on a processor takes one.
  assert.is(step.dispatches, engine.gpu.info.software ? 1 : 2)
  for (const T of [1, 4, 20]) {
    Object.assign(temperature, { value: T })
    Object.assign(tau, { value: 1 + T / 10 })
    Object.assign(weight, { value: 1 / T })
    Object.assign(ceWeight, { value: T / 4 })
    Object.assign(labelSmoothing, { value: T / 100 })
    step.run()
    const edges = [{ t, T, tau: 1 + T / 10, weight: 1 / T }]
    await checkTable(step.outputs.table, reference(s, C, { labels, smoothing: T / 100, ceWeight: T / 4, edges }))
  }
  step.release()
})

test('writes into a larger table, sums into running metrics, and leaves out what does not count', async () => {
  const [C, size, total] = [10, 8, 20]
  const data = scaled(24 * C, 1)
  const labels = classesOf(24, C)
  const want = reference(data.slice(0, total * C), C, { labels })
  const table = engine.full([COLUMNS.length, total + 1], -1)
  const metrics = engine.zeros([SUMS])
  const [rowOffset, count] = [engine.scalar('row', 0), engine.scalar('count', size)]
  const [logits, batchLabels] = [engine.zeros([size, C]), engine.zeros([size], { dtype: 'u32' })]
  const step = engine.capture('evaluate', () =>
    distillLoss(logits, { labels: batchLabels, table, rowOffset, count, metrics, gradient: true }),
  )
  for (let at = 0; at < total; at += size) {
    assign(logits, data.slice(at * C, (at + size) * C))
    assign(batchLabels, labels.slice(at, at + size))
    rowOffset.value = at
    count.value = Math.min(size, total - at)
    step.run()
  }
  const got = await tableOf(table)
  for (const name of COLUMNS) {
    allclose(got[name].slice(0, total), want[name], { atol: 2e-6, rtol: 2e-5 }, name)
    assert.is(got[name][total], -1)
  }
  const sums = [...(await metrics.read())].slice(0, COLUMNS.length + 1)
  allclose(sums, [...COLUMNS.map((name) => total * average(want[name])), total], { rtol: 2e-5 }, 'running sums')
  // The last batch counts 4 of 8: its mean is over 4, and the other rows have no gradient.
  allclose([await step.outputs.loss.item()], [average(want.total.slice(16))], { rtol: 2e-5 }, 'mean of the last batch')
  const gradient = [...(await step.outputs.gradient!.read())]
  assert.ok(gradient.slice(0, 4 * C).some((g) => g !== 0))
  assert.ok(gradient.slice(4 * C).every((g) => g === 0))
  step.release()
})

test('what else flows to the logits is not added to its own gradient', async () => {
  const x = engine.tensor(scaled(20, 1), [2, 10], { requiresGrad: true })
  const logits = relu(x)
  const [a, b] = [
    [1, 2],
    [3, 4],
  ].map((labels) => distillLoss(logits, { labels: u32(labels) }))
  const before = [...(await a.gradient!.read())]
  const both = add(a.loss, b.loss)
  backward(both, undefined, { retain: true })
  const once = [...(await x.grad!.read())]
  assert.equal([...(await a.gradient!.read())], before)
  x.gradEmpty = true
  backward(both)
  assert.equal([...(await x.grad!.read())], once)
})

test('drops rows beyond the table', async () => {
  const table = engine.full([COLUMNS.length, 4], -1)
  const logits = engine.tensor(scaled(30, 1), [3, 10])
  distillLoss(logits, { labels: u32([1, 2, 3]), table, rowOffset: 2 })
  const { hit } = await tableOf(table)
  assert.equal(hit.slice(0, 2), [-1, -1])
  assert.ok(hit.slice(2).every((h) => h === 0 || h === 1))
})

test('gives the same bits every time', async () => {
  const [N, C] = [64, 100]
  const logits = engine.tensor(scaled(N * C, 1), [N, C])
  const edges = [{ logits: engine.tensor(scaled(N * C, 2), [N, C]), temperature: 4 }]
  for (const lanes of [1, 32]) {
    const runs: number[][] = []
    for (let i = 0; i < 2; i++) {
      const { parts, gradient } = distillLoss(logits, { labels: u32(classesOf(N, C)), edges, lanes, gradient: true })
      runs.push([...(await parts.read()), ...(await gradient!.read())])
    }
    assert.equal(runs[0], runs[1])
  }
})

test.run()
