import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { InputError, ShapeError } from '../../src/errors.ts'
import { init } from '../../src/node.ts'
import { classwiseEce, type Ece, type EceOptions, ece } from '../../src/ops/calibration.ts'
import { distillLoss } from '../../src/ops/distillLoss.ts'
import { allclose, uniform } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('calibration')

interface Bins {
  rows: number[][]
  errors: [number, number, number]
}

/** Bins by the definition: (low, high], and what follows from them, in float64. */
function reference(confidence: ArrayLike<number>, correct: ArrayLike<number>, edges: ArrayLike<number>): Bins {
  const bins = edges.length - 1
  const rows = Array.from({ length: bins }, () => [0, 0, 0])
  for (let i = 0; i < confidence.length; i++) {
    const x = Math.fround(confidence[i])
    let k = 0
    while (k < bins - 1 && x > Math.fround(edges[k + 1])) k++
    rows[k][0]++
    rows[k][1] += x
    rows[k][2] += correct[i]
  }
  const errors: Bins['errors'] = [0, 0, 0]
  for (const row of rows) {
    row[1] /= row[0] || 1
    row[2] /= row[0] || 1
    const gap = row[1] - row[2]
    errors[0] += (Math.abs(gap) * row[0]) / confidence.length
    errors[1] = Math.max(errors[1], Math.abs(gap))
    errors[2] += (gap * row[0]) / confidence.length
  }
  return { rows, errors }
}

const equalEdges = (bins: number) => Float32Array.from({ length: bins + 1 }, (_, k) => k / bins)

/** Edge k is the ⌈k n / bins⌉-th smallest confidence. */
function massEdges(confidence: ArrayLike<number>, bins: number): Float32Array {
  const sorted = Float32Array.from(confidence).sort()
  return equalEdges(bins).map((edge, k) => (k % bins === 0 ? edge : sorted[Math.ceil((k * sorted.length) / bins) - 1]))
}

async function compare({ bins, errors }: Ece, want: Bins[], what: string) {
  const got = [...(await bins.read())]
  const rows = want.flatMap((w) => w.rows)
  const counts = (list: ArrayLike<number>) => rows.map((_, k) => list[3 * k])
  assert.equal(counts(got), counts(rows.flat()), `${what}: counts`)
  allclose(got, rows.flat(), { atol: 1e-6, rtol: 1e-5 }, `${what}: bins`)
  const wanted = want.flatMap((w) => w.errors)
  allclose(await errors.read(), wanted, { atol: 1e-6, rtol: 1e-5 }, `${what}: errors`)
}

/** Overconfident answers: n confidences in (0, 1), right less often than they say. */
function answers(n: number, seed = 1) {
  const confidence = uniform(n, seed).map((u) => Math.sqrt((u + 1) / 2))
  const correct = uniform(n, seed + 1).map((u, i) => ((u + 1) / 2 < confidence[i] - 0.1 ? 1 : 0))
  return { confidence, correct }
}

const onDevice = ({ confidence, correct }: { confidence: ArrayLike<number>; correct: ArrayLike<number> }) => ({
  confidence: engine.tensor(confidence),
  correct: engine.tensor(correct),
})

for (const [n, bins] of [
  [1, 15],
  [10, 1],
  [255, 15],
  [257, 15],
  [1000, 16],
  [10_000, 15],
  [3000, 200],
]) {
  test(`bins ${n} pictures into ${bins}`, async () => {
    const given = answers(n)
    const want = reference(given.confidence, given.correct, equalEdges(bins))
    await compare(ece(onDevice(given), { bins }), [want], 'equal width')
    const edges = massEdges(given.confidence, bins)
    const mass = ece(onDevice(given), { bins, equalMass: true })
    assert.equal([...(await mass.edges.read())], [...edges])
    await compare(mass, [reference(given.confidence, given.correct, edges)], 'equal mass')
  })
}

test('puts an edge into the bin below it, 0 into the first and 1 into the last', async () => {
  for (const bins of [4, 10, 15]) {
    const edges = equalEdges(bins)
    const correct = edges.map((_, k) => k % 2)
    const got = await ece(onDevice({ confidence: edges, correct }), { bins }).bins.read()
    const counts = Array.from({ length: bins }, (_, k) => got[3 * k])
    assert.equal(counts, [2, ...new Array(bins - 1).fill(1)])
    const above = edges.map((e, k) => (k < bins ? e + 1e-6 : 1))
    const shifted = await ece(onDevice({ confidence: above, correct }), { bins }).bins.read()
    assert.equal(
      Array.from({ length: bins }, (_, k) => shifted[3 * k]),
      [...new Array(bins - 1).fill(1), 2],
    )
  }
})

test('leaves a confidence of 0 in no bin on request', async () => {
  const given = onDevice({ confidence: [0, 0, 0.5, 1], correct: [1, 1, 1, 1] })
  const { bins, errors } = ece(given, { bins: 4, zeroInFirst: false })
  const got = await bins.read()
  assert.equal([got[0], got[3], got[9]], [0, 1, 1])
  allclose(await errors.read(), [0.125, 0.5, -0.125], {}, 'errors over all four pictures')
})

test('takes edges of the caller', async () => {
  const given = answers(500)
  const edges = [0, 0.3, 0.31, 0.9, 1]
  await compare(ece(onDevice(given), { edges }), [reference(given.confidence, given.correct, edges)], 'own edges')
})

test('equal confidences share an equal-mass bin, whatever their order', async () => {
  const confidence = [1, 0.2, 1, 0.2, 1, 0.2, 1, 1, 0.7, 1]
  const correct = [1, 0, 1, 1, 0, 0, 1, 1, 1, 0]
  const counts: number[][] = []
  for (const order of [confidence.map((_, i) => i), confidence.map((_, i) => 9 - i)]) {
    const given = onDevice({ confidence: order.map((i) => confidence[i]), correct: order.map((i) => correct[i]) })
    const got = [...(await ece(given, { bins: 5, equalMass: true }).bins.read())]
    counts.push(got)
  }
  allclose(counts[0], counts[1], {}, 'bins')
  assert.equal(
    counts[0].filter((_, i) => i % 3 === 0),
    [3, 1, 6, 0, 0],
  )
})

for (const C of [10, 7]) {
  test(`reads the table that the loss leaves behind, or the logits of ${C} classes themselves`, async () => {
    const N = 300
    const z = uniform(N * C).map((v) => 3 * v)
    z.fill(1, 5 * C, 6 * C) // ties, and a confidence of 1 beyond rounding
    z.set([-1e4, 1e4], 6 * C)
    const logits = engine.tensor(z, [N, C])
    const labels = engine.tensor(
      Array.from({ length: N }, (_, n) => (n === 5 ? 1 : (n * 3) % C)),
      [N],
      { dtype: 'u32' },
    )
    const { table } = distillLoss(logits, { labels })
    const values = await table.read()
    const [confidence, correct] = [values.slice(8 * N, 9 * N), values.slice(6 * N, 7 * N)]
    for (const equalMass of [false, true]) {
      const want = reference(confidence, correct, equalMass ? massEdges(confidence, 15) : equalEdges(15))
      await compare(ece({ table }, { equalMass }), [want], 'table')
      await compare(ece({ logits, labels }, { equalMass }), [want], 'logits')
    }
  })
}

test('logits with a NaN are counted and never right', async () => {
  for (const C of [10, 7]) {
    for (const broken of [0, 3, C - 1]) {
      const z = Float32Array.from({ length: 2 * C }, (_, i) => (i < C ? Number.NaN : i % C))
      z[C + broken] = Number.NaN
      const logits = engine.tensor(z, [2, C])
      const bins = await ece({ logits, labels: engine.tensor([0, C - 1], [2], { dtype: 'u32' }) }).bins.read()
      const [counts, accuracies] = [0, 2].map((column) => [...bins].filter((_, i) => i % 3 === column))
      assert.is(
        counts.reduce((sum, n) => sum + n),
        2,
      )
      assert.ok(accuracies.every((a) => a === 0))
    }
  }
})

test('finds the classwise errors', async () => {
  const [N, C] = [200, 7]
  const z = uniform(N * C).map((v) => 3 * v)
  const labels = Array.from({ length: N }, (_, n) => (n * 3) % C)
  const p = Float64Array.from(z)
  for (let n = 0; n < N; n++) {
    const row = p.subarray(n * C, (n + 1) * C)
    const sum = row.reduce((total, v) => total + Math.exp(v), 0)
    row.forEach((v, c) => {
      row[c] = Math.fround(Math.exp(v) / sum)
    })
  }
  const of = (c: number) => Float32Array.from({ length: N }, (_, n) => p[n * C + c])
  const right = (c: number) => labels.map((label) => (label === c ? 1 : 0))
  const options: EceOptions[] = [{ bins: 10 }, { bins: 10, equalMass: true }]
  for (const option of options) {
    const edges = (c: number) => (option.equalMass ? massEdges(of(c), 10) : equalEdges(10))
    const want = Array.from({ length: C }, (_, c) => reference(of(c), right(c), edges(c)))
    const logits = engine.tensor(z, [N, C])
    const got = classwiseEce(logits, engine.tensor(labels, [N], { dtype: 'u32' }), option)
    assert.equal(got.bins.shape, [C, 10, 3])
    if (!option.equalMass) await compare(got, want, 'classwise')
    const mean = (j: 0 | 2) => want.reduce((sum, { errors }) => sum + errors[j] / C, 0)
    const largest = Math.max(...want.map(({ errors }) => errors[1]))
    // Probabilities rounded differently on host and device may change places at an equal-mass edge.
    allclose(await got.average.read(), [mean(0), largest, mean(2)], { atol: option.equalMass ? 2e-3 : 1e-5 }, 'average')
  }
})

test('no pictures, no error', async () => {
  for (const equalMass of [false, true]) {
    const { bins, errors } = ece(onDevice({ confidence: [], correct: [] }), { equalMass })
    assert.equal([...(await errors.read())], [0, 0, 0])
    assert.ok((await bins.read()).every((v) => v === 0))
  }
})

test('gives the same bits every time', async () => {
  const given = onDevice(answers(5000))
  const once = async () => [...(await ece(given).bins.read()), ...(await ece(given, { equalMass: true }).errors.read())]
  assert.equal(await once(), await once())
})

test('gives the same bits whichever workgroup is done last, as often as a step runs', async () => {
  const [n, classes] = [3000, 10]
  const logits = engine.tensor(uniform(n * classes, 8), [n, classes])
  const labels = engine.tensor(
    Array.from({ length: n }, (_, i) => i % classes),
    [n],
    { dtype: 'u32' },
  )
  for (const bins of [15, 40]) {
    const step = engine.capture('errors', () => ece({ logits, labels }, { bins }).errors)
    step.run()
    const first = await step.outputs.read()
    for (let i = 0; i < 150; i++) {
      for (let j = 0; j < 3; j++) step.run()
      assert.equal(await step.outputs.read(), first)
    }
    step.release()
  }
})

test('logits in one dispatch or two: the same counts and the same means', async () => {
  // On the same device, once as a processor and once as what is none.
  const guest = await init({ device: engine.gpu.device })
  for (const [n, classes, bins] of [
    [3000, 10, 15],
    [500, 3, 16],
    [500, 3, 17],
    [64, 4, 40],
    [0, 10, 15],
  ]) {
    const found = []
    for (const software of [true, false]) {
      Object.assign(guest.gpu, { info: { ...guest.gpu.info, software } })
      const logits = guest.tensor(
        uniform(n * classes, 8).map((z) => 5 * z),
        [n, classes],
      )
      const labels = guest.tensor(
        Array.from({ length: n }, (_, i) => i % classes),
        [n],
        { dtype: 'u32' },
      )
      const step = guest.capture('errors', () => ece({ logits, labels }, { bins }))
      step.run()
      const { bins: table, errors } = step.outputs
      found.push({ dispatches: step.dispatches, table: [...(await table.read())], errors: [...(await errors.read())] })
      step.release()
    }
    const [one, two] = found
    const counts = (table: number[]) => table.filter((_, i) => i % 3 === 0)
    assert.equal([one.dispatches, two.dispatches], [1, 2], `${n}x${classes}, ${bins} bins`)
    assert.equal(counts(one.table), counts(two.table))
    assert.is(
      counts(one.table).reduce((a, b) => a + b, 0),
      n,
    )
    allclose(one.table, two.table, { atol: 2e-6 })
    allclose(one.errors, two.errors, { atol: 2e-6 })
  }
  guest.destroy()
})

test('refuses what it cannot bin', () => {
  const given = onDevice(answers(4))
  const throws = (run: () => unknown, kind: typeof InputError | typeof ShapeError, text: RegExp) =>
    assert.throws(run, (e: Error) => e instanceof kind && text.test(e.message))
  for (const bins of [0, -1, 1.5, Number.NaN])
    throws(() => ece(given, { bins }), InputError, /bins, needs a whole number/)
  throws(() => ece(given, { edges: [0, 0.5, 0.5, 1] }), InputError, /edges rise, got 0.5 before 0.5/)
  throws(() => ece(given, { edges: [0, 1], equalMass: true }), InputError, /exclude each other/)
  throws(() => ece({ ...given, correct: engine.zeros([5]) }), ShapeError, /\[4\] and \[5\]/)
  throws(() => ece({ table: engine.zeros([4, 12]) }), ShapeError, /\[12, rows\], got \[4, 12\]/)
  throws(
    () => classwiseEce(engine.zeros([4, 3]), engine.zeros([3], { dtype: 'u32' })),
    ShapeError,
    /\[4, 3\] and \[3\]/,
  )
  throws(() => classwiseEce(engine.zeros([4, 3]), engine.zeros([4])), InputError, /type f32/)
  throws(() => ece({ logits: engine.zeros([4, 3]), labels: engine.zeros([4]) }), InputError, /ece: labels of type f32/)
})

test('equal mass without pictures is all zeros; NaN confidences rank last, the same in every run', async () => {
  // So that recycled memory holds no zeros by chance.
  for (let i = 0; i < 8; i++) await engine.full([16], 7).read()
  const none = ece({ confidence: engine.zeros([0]), correct: engine.zeros([0]) }, { equalMass: true })
  assert.equal([...(await none.edges.read())], new Array(16).fill(0))
  const confidence = Array.from({ length: 20 }, (_, i) => (i % 2 ? Number.NaN : (i + 2) / 40))
  const given = onDevice({ confidence, correct: confidence.map(() => 1) })
  const edges = [...(await ece(given, { bins: 4, equalMass: true }).edges.read())]
  assert.equal(edges.slice(0, 3), [0, 0.25, 0.5])
  assert.ok(Number.isNaN(edges[3]))
  assert.is(edges[4], 1)
})

test.run()
