// A captured step against the same code run eagerly, to the bit: convolutions, batch norm, the fused loss with a
// teacher, backward, AdamW under a schedule. The last batch, which is smaller, has a capture of its own.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward, noGrad } from '../../src/autograd.ts'
import { counted } from '../../src/bench/counted.ts'
import { synthetic } from '../../src/data/synthetic.ts'
import { type Network, resnet } from '../../src/nn/resnet.ts'
import { distillLoss } from '../../src/ops/distillLoss.ts'
import { type PictureSource, pictureSource } from '../../src/ops/pictures.ts'
import { adamW, type Optimizer } from '../../src/optim.ts'
import { stream } from '../../src/random.ts'
import { oneCycle } from '../../src/schedule.ts'
import { persistent, type Tensor, type TensorData } from '../../src/tensor.ts'
import { type FitOptions, fit } from '../../src/train/fit.ts'
import type { Snapshot } from '../../src/train/snapshot.ts'
import { engine } from '../device.ts'

const test = suite('captured steps')
const { train } = synthetic({ train: 48, test: 10, size: 8 })
const labels = persistent(engine.gpu, [train.n], train.labels, 'u32')
const VIEW = { height: 8, width: 8 }
const [BATCH, RAGGED] = [8, 5]
const schedule = oneCycle({ maxLr: 0.01, totalSteps: 200, pctStart: 0.3 })

const bitsOf = ({ buffer }: TensorData) => [...new Uint32Array(buffer)]
const read = (tensors: readonly Tensor[]) => Promise.all(tensors.map(async (tensor) => bitsOf(await tensor.read())))
const stateOf = ({ parameters }: Network, optimizer: Optimizer) =>
  read([parameters.flat.values, parameters.flat.running, ...optimizer.state])

/** A student, its frozen teacher, and all that changes from step to step. */
function setup() {
  const net = (name: string) => resnet(engine.gpu, { depth: 8, widths: [4, 4, 8], channels: 1 }, stream(5, name))
  const [student, teacher] = [net('student'), net('teacher')]
  const optimizer = adamW(student.parameters.flat, { lr: 0.01, weightDecay: 0.05 })
  const counter = engine.scalar('augmented', 0)
  const temperature = engine.scalar('temperature', 4)
  const view = { ...VIEW, augmentation: { shift: 2, flip: true, key: stream(5, 'augment').key, counter } }
  const whole = pictureSource(engine.gpu, train, BATCH)
  const last = whole.inBatchesOf(RAGGED)

  /** What a user writes, with and without capture. */
  const learn = (source: PictureSource) => {
    const x = source.view(view)
    const target = noGrad(engine.gpu, () => teacher.forward(x, { train: false }))
    const edges = [{ logits: target, temperature, weight: 0.5 }]
    const from = { from: labels, index: source.index }
    const { loss } = distillLoss(student.forward(x, { train: true }), { labels: from, ceWeight: 0.5, edges })
    student.parameters.zeroGrad()
    backward(loss)
    optimizer.step()
    return loss
  }
  let seen = 0
  /** Before step 1, 2, …: the learning rate, what else changes, the next pictures. */
  const prepare = (step: number, source: PictureSource) => {
    optimizer.advance(step, schedule(step - 1))
    counter.value = seen
    temperature.value = 4 / step
    source.select(Uint32Array.from({ length: source.index.size }, (_, i) => (seen + i) % train.n))
    seen += source.index.size
  }
  return { learn, prepare, whole, last, student, optimizer }
}

/** Losses and final state of steps run eagerly, whose batches have these sizes. */
async function eagerly(sizes: readonly number[]) {
  const { learn, prepare, whole, last, student, optimizer } = setup()
  const losses = sizes.map((size, i) => {
    const source = size === BATCH ? whole : last
    prepare(i + 1, source)
    return engine.step(() => learn(source))
  })
  return { losses: await read(losses), state: await stateOf(student, optimizer) }
}

test('three steps have the bits of the eager ones; a replay is one upload and one submit', async () => {
  const { learn, prepare, whole, student, optimizer } = setup()
  const want = await eagerly([BATCH, BATCH, BATCH])
  const step = engine.capture('whole step', () => learn(whole))
  await step.compile()
  const losses = []
  for (let i = 1; i <= 3; i++) {
    // The choice of the pictures is an upload of its own: their rows, a buffer of the source's.
    assert.is(counted(engine, () => prepare(i, whole)).writes, 1)
    assert.equal(counted(engine, step.run), { submits: 1, writes: 1, objects: {} }, `step ${i}`)
    losses.push(...(await read([step.outputs])))
  }
  assert.equal(losses, want.losses)
  assert.is(new Set(losses.flat()).size, 3)
  assert.equal(await stateOf(student, optimizer), want.state)
  step.release()
})

test('where no scalar has changed nothing is uploaded', () => {
  const { learn, prepare, whole } = setup()
  const step = engine.capture('whole step', () => learn(whole))
  prepare(1, whole)
  step.run()
  assert.equal(counted(engine, step.run), { submits: 1, writes: 0, objects: {} })
  step.release()
})

test('captures of two batch sizes, interleaved, have the bits of the eager steps', async () => {
  const sizes = [BATCH, RAGGED, BATCH, BATCH, RAGGED, RAGGED, BATCH]
  const want = await eagerly(sizes)
  const { learn, prepare, whole, last, student, optimizer } = setup()
  const [full, small] = [whole, last].map((source) => engine.capture('step', () => learn(source)))
  const losses = []
  for (const [i, size] of sizes.entries()) {
    prepare(i + 1, size === BATCH ? whole : last)
    const step = size === BATCH ? full : small
    step.run()
    losses.push(...(await read([step.outputs])))
  }
  assert.equal(losses, want.losses)
  assert.equal(await stateOf(student, optimizer), want.state)
  for (const step of [full, small]) step.release()
})

test('they make no object and take no memory, however often they alternate', async () => {
  const { learn, prepare, whole, last } = setup()
  const steps = [whole, last].map((source) => ({ source, step: engine.capture('step', () => learn(source)) }))
  const alternate = (from: number, to: number) => {
    for (let i = from; i <= to; i++) {
      const { source, step } = steps[i % 2]
      prepare(i, source)
      step.run()
    }
  }
  alternate(1, 4)
  await engine.settled()
  const memory = engine.memory()
  assert.equal(
    counted(engine, () => alternate(5, 104)),
    { submits: 100, writes: 200, objects: {} },
  )
  assert.equal(engine.memory(), memory)
  for (const { step } of steps) step.release()
})

test('the loop of docs/training.md runs, and a batch of either size trains', async () => {
  const [, block] = /```js\n(.*?)```/s.exec(readFileSync('docs/training.md', 'utf8'))!
  const data = synthetic({ train: 70, test: 10, size: 28 }).train
  const { student: network, optimizer } = setup()
  const given = { engine, pictureSource, distillLoss, backward, data, network, optimizer, schedule }
  const classes = persistent(engine.gpu, [data.n], data.labels, 'u32')
  for (const size of [64, 6]) {
    const before = await stateOf(network, optimizer)
    const rows = Uint32Array.from({ length: size }, (_, i) => i)
    const all = { ...given, labels: classes, t: 1, rows }
    new Function(...Object.keys(all), block)(...Object.values(all))
    const after = await stateOf(network, optimizer)
    assert.ok(after[0].some((bits, i) => bits !== before[0][i]))
  }
})

/** `fit` over 21 pictures for two epochs: its end, and the batches that it chose. */
async function fitted(more: Partial<FitOptions> = {}) {
  const { student, whole } = setup()
  const chosen: number[][] = []
  const watched = (source: PictureSource): PictureSource => ({
    ...source,
    select: (rows) => {
      chosen.push([...rows])
      return source.select(rows)
    },
    inBatchesOf: (batch) => watched(source.inBatchesOf(batch)),
  })
  let made: Optimizer | undefined
  const { steps, dispatches } = await fit(engine, {
    graph: { views: { full: VIEW }, nodes: { student: { network: student, view: 'full', trained: true } }, edges: [] },
    source: watched(whole),
    labels,
    rows: Uint32Array.from({ length: 21 }, (_, i) => 2 * i),
    epochs: 2,
    optimizer: ({ flat }) => (made = adamW(flat, { lr: 0.01 })),
    schedule,
    seed: 3,
    ...more,
  })
  return { steps, dispatches, chosen, state: await stateOf(student, made!) }
}

/** The same with the batches given, by hand and eagerly. */
async function byHand(batches: readonly number[][]) {
  const { student, whole, last } = setup()
  const optimizer = adamW(student.parameters.flat, { lr: 0.01 })
  for (const [i, rows] of batches.entries()) {
    const source = rows.length === BATCH ? whole : last
    optimizer.advance(i + 1, schedule(i))
    source.select(Uint32Array.from(rows))
    engine.step(() => {
      const logits = student.forward(source.view(VIEW), { train: true })
      student.parameters.zeroGrad()
      backward(distillLoss(logits, { labels: { from: labels, index: source.index } }).loss)
      optimizer.step()
    })
  }
  return stateOf(student, optimizer)
}

test('fit leaves the last batch out, or trains on it by a capture of its own', async () => {
  const [dropped, all] = [await fitted(), await fitted({ dropLast: false })]
  assert.equal([dropped.steps, all.steps], [4, 6])
  assert.equal(dropped.chosen, [...all.chosen.slice(0, 2), ...all.chosen.slice(3, 5)])
  assert.is(dropped.dispatches, all.dispatches)
  for (const first of [0, 3]) {
    const epoch = all.chosen.slice(first, first + 3)
    assert.equal(
      epoch.map((batch) => batch.length),
      [BATCH, BATCH, RAGGED],
    )
    const once = epoch.flat().sort((a, b) => a - b)
    assert.equal(
      once,
      Array.from({ length: 21 }, (_, i) => 2 * i),
    )
  }
  assert.equal(all.state, await byHand(all.chosen))
  assert.equal(dropped.state, await byHand(dropped.chosen))
})

test('the means of an epoch are those of all its pictures, and a run goes on after any batch', async () => {
  const counts: number[] = []
  const saved: Snapshot[] = []
  const whole = await fitted({
    dropLast: false,
    every: 1,
    saveSeconds: 0,
    save: (snapshot) => void saved.push(snapshot),
    onProgress: ({ nodes }) => counts.push(Math.round(1e6 * nodes.student.hit)),
  })
  assert.is(counts.length, 6)
  // A share of all 21 pictures.
  for (const last of [counts[2], counts[5]])
    assert.ok(Math.abs((last * 21) / 1e6 - Math.round((last * 21) / 1e6)) < 1e-4)
  for (const resume of saved)
    assert.equal((await fitted({ dropLast: false, resume })).state, whole.state, `${resume.step}`)
})

test('fewer pictures than a batch are a batch, unless it is dropped or taken in parts', async () => {
  const rows = Uint32Array.from({ length: RAGGED }, (_, i) => i)
  const { steps, chosen, state } = await fitted({ rows, dropLast: false })
  assert.equal([steps, chosen.length], [2, 2])
  assert.equal(state, await byHand(chosen))
  const refused = async (more: Partial<FitOptions>, message: RegExp) => {
    const error = await fitted(more).then(
      () => null,
      (reason: Error) => reason,
    )
    assert.match(error?.message ?? 'no error', message)
  }
  await refused({ rows }, /batch 8 is larger than the training set, which holds 5 pictures/)
  await refused(
    { dropLast: false, microBatches: 2 },
    /dropLast false, microBatches 2: a smaller batch has no equal parts/,
  )
})

test.run()
