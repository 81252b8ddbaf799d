// What `fit`, `evaluate` and `embeddings` refuse, and that nothing is lost or left behind where they stop.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Graph } from '../../src/distill/graph.ts'
import { resnet } from '../../src/nn/resnet.ts'
import { init } from '../../src/node.ts'
import { pictureSource } from '../../src/ops/pictures.ts'
import { adamW, sgd } from '../../src/optim.ts'
import { stream } from '../../src/random.ts'
import { constant } from '../../src/schedule.ts'
import { embeddings } from '../../src/train/embeddings.ts'
import { evaluate } from '../../src/train/evaluate.ts'
import { type FitOptions, fit } from '../../src/train/fit.ts'
import type { Snapshot } from '../../src/train/snapshot.ts'
import { engine } from '../device.ts'

const test = suite('faults of training')
const N = 12
const view = { height: 4, width: 4 }
const data = {
  images: Uint8Array.from({ length: 16 * N }, (_, i) => (37 * i) & 255),
  ...{ n: N, channels: 1, height: 4, width: 4, mean: [0.5], std: [0.25] },
  labels: Uint8Array.from({ length: N }, (_, i) => i % 3),
}
const small = (name = 'net') =>
  resnet(engine.gpu, { depth: 8, widths: [4, 4, 4], channels: 1, classes: 3 }, stream(1, name))

function setup(more: Partial<FitOptions> = {}, stored: Graph['stored'] = {}): FitOptions {
  const nodes = { net: { network: small(), view: 'all', trained: true } }
  return {
    graph: { views: { all: view }, nodes, edges: [], stored },
    source: pictureSource(engine.gpu, data, 4),
    labels: engine.tensor(data.labels, [N], { dtype: 'u32' }),
    rows: Uint32Array.from({ length: N }, (_, i) => i),
    epochs: 2,
    optimizer: ({ flat }) => adamW(flat, { lr: 0.01 }),
    schedule: constant({ lr: 0.01 }),
    seed: 0,
    ...more,
  }
}

async function message(run: Promise<unknown>): Promise<string> {
  return run.then(
    () => 'nothing was refused',
    (error: Error) => `${error.name}: ${error.message}`,
  )
}
const fitted = (more?: Partial<FitOptions>, stored?: Graph['stored']) => message(fit(engine, setup(more, stored)))

test('fit refuses what does not belong together, by name', async () => {
  for (const epochs of [Number.NaN, 1.5, -1]) {
    assert.is(await fitted({ epochs }), `InputError: fit: epochs ${epochs}; a whole number from 0`)
  }
  const labels = engine.tensor([0, 1], [2], { dtype: 'u32' })
  assert.is(await fitted({ labels }), 'ShapeError: fit: labels [2] for a data set of 12 pictures')
  const stored = { teacher: engine.zeros([3, 3]) }
  assert.is(await fitted({}, stored), 'ShapeError: fit: teacher [3, 3] for a data set of 12 pictures')
  const rows = Uint32Array.of(0, 1, 2, 12)
  assert.is(await fitted({ rows }), 'InputError: fit: row 12 at 3; the data set has 12 pictures')
  assert.is(await fitted({ epochs: 0, signal: AbortSignal.abort() }), 'nothing was refused')
})

test('fit refuses networks, labels and pictures of another engine', async () => {
  const other = await init({ adapter: process.env.WEBGPU_DISTILL_ADAPTER })
  try {
    const labels = other.tensor(data.labels, [N], { dtype: 'u32' })
    assert.is(await fitted({ labels }), "InputError: fit: 'labels' belongs to another engine")
    assert.is(await message(fit(other, setup())), "InputError: fit: 'net' belongs to another engine")
  } finally {
    other.destroy()
  }
})

test('a snapshot of another optimizer, of a longer run or without its sums is refused', async () => {
  const saved: Snapshot[] = []
  await fit(engine, setup({ every: 1, saveSeconds: 0, save: (s) => void saved.push(s) }))
  const [resume] = saved
  const sgds: FitOptions['optimizer'] = ({ flat }) => sgd(flat, { lr: 0.01, momentum: 0.9 })
  const unfit = (what: string) => `InputError: resume: the checkpoint's ${what} does not fit this run`
  assert.is(await fitted({ resume, optimizer: sgds }), unfit("optimizer state of 'net'"))
  const ofStep = (step: number) => fitted({ resume: { ...resume, step } })
  assert.is(await ofStep(100), 'InputError: resume: the checkpoint is of step 100, this run has 6')
  assert.is(await ofStep(0.5), 'InputError: resume: the checkpoint is of step 0.5, this run has 6')
  const tensors = new Map(resume.tensors)
  tensors.delete('net/metrics')
  assert.is(await fitted({ resume: { ...resume, tensors } }), unfit("sums of 'net'"))
})

test('what is aborted beforehand trains nothing; what is aborted between two looks stops at once, and is saved', async () => {
  const before = setup({ signal: AbortSignal.abort() })
  const { parameters } = before.graph.nodes.net.network
  const values = [...(await parameters.flat.values.read())]
  assert.is(await message(fit(engine, before)), 'AbortedError: training stopped at step 0 of 6')
  assert.equal([...(await parameters.flat.values.read())], values)

  const controller = new AbortController()
  const saved: Snapshot[] = []
  const options = setup({ every: 1000, signal: controller.signal, save: (s) => void saved.push(s) })
  const { select } = options.source
  let steps = 0
  options.source.select = (rows) => {
    if (++steps === 2) controller.abort()
    return select(rows)
  }
  assert.is(await message(fit(engine, options)), 'AbortedError: training stopped at step 2 of 6')
  assert.equal(
    saved.map(({ step }) => step),
    [2],
  )
})

test('a run that stops gives back what its steps hold', async () => {
  const { uniforms } = engine.gpu
  const failing = setup({ schedule: () => ({ lr: -1 }) })
  const counts: number[] = []
  for (let i = 0; i < 4; i++) {
    assert.match(await message(fit(engine, failing)), /adamW: lr -1/)
    counts.push(uniforms.count)
  }
  // The second of two captures fails.
  const ragged = setup({ dropLast: false, rows: Uint32Array.of(0, 1, 2, 3, 4) })
  ragged.source.inBatchesOf = () => {
    throw new Error('no smaller batch')
  }
  for (let i = 0; i < 4; i++) {
    assert.match(await message(fit(engine, ragged)), /no smaller batch/)
    counts.push(uniforms.count)
  }
  assert.equal(counts, new Array(8).fill(counts[0]))
})

test('evaluation refuses no pictures, rows that are not there and labels that are no class', async () => {
  const network = small()
  const evaluated = (more: Partial<typeof data>, rows?: number[]) =>
    message(evaluate(engine, network, { ...data, ...more }, { view, rows: rows && Uint32Array.from(rows) }))
  assert.is(await evaluated({}, []), 'InputError: evaluate: no pictures')
  assert.is(await evaluated({}, [0, 77]), 'InputError: evaluate: row 77 at 1; the data set has 12 pictures')
  const labels = data.labels.map((label, i) => (i === 5 ? 3 : label))
  assert.is(await evaluated({ labels }), 'InputError: evaluate: picture 5 has the label 3, of 3 classes')
  const embedded = (rows: number[]) =>
    message(embeddings(engine, network, data, { view, rows: Uint32Array.from(rows) }))
  assert.is(await embedded([]), 'InputError: embeddings: no pictures')
  assert.is(await embedded([0, 77]), 'InputError: embeddings: row 77 at 1; the data set has 12 pictures')
})

test('an option that is not there is refused by name', async () => {
  const told = async (run: () => Promise<unknown>) =>
    run().then(
      () => '',
      (error) => error.message,
    )
  const strange = { ...setup(), learningRate: 0.1 } as FitOptions
  assert.match(await told(() => fit(engine, strange)), /^fit: no option 'learningRate'; there are graph, source, /)
  const options = { view, batchSize: 4 }
  assert.match(
    await told(() => evaluate(engine, small(), data, options)),
    /^evaluate: no option 'batchSize'; there are view/,
  )
})

test.run()
