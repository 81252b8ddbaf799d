// Training on pictures that are read from files: the batches of a run, in parts, resumed, read ahead; evaluation.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Dataset, Picture } from '../../src/data/dataset.ts'
import type { Graph } from '../../src/distill/graph.ts'
import { resnet } from '../../src/nn/resnet.ts'
import { type Augmentation, pictureSource } from '../../src/ops/pictures.ts'
import { adamW } from '../../src/optim.ts'
import { stream } from '../../src/random.ts'
import { constant } from '../../src/schedule.ts'
import { persistent } from '../../src/tensor.ts'
import { evaluate } from '../../src/train/evaluate.ts'
import { type FitOptions, fit } from '../../src/train/fit.ts'
import type { Snapshot } from '../../src/train/snapshot.ts'
import { allclose, uniform } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('training on files')

const n = 20
const side = 8
const pictures = Array.from({ length: n }, (_, seed): Picture => {
  const [width, height] = [9 + (seed % 5) * 4, 8 + (seed % 7) * 3]
  return { width, height, rgb: Uint8Array.from(uniform(width * height * 3, seed + 1), (v) => 128 + 127 * v) }
})
const labels = Uint8Array.from({ length: n }, (_, i) => i % 3)

/** Reads take from 0 to 4 ms, and finish in another order than they began. */
function dataset(read: number[] = []): Dataset {
  return {
    name: 'noise',
    images: new Uint8Array(0),
    files: {
      names: pictures.map((_, i) => `${i}.jpg`),
      async read(row) {
        read.push(row)
        await new Promise((resolve) => setTimeout(resolve, (row * 7) % 5))
        return pictures[row]
      },
    },
    labels,
    n,
    channels: 3,
    height: side,
    width: side,
    classes: ['a', 'b', 'c'],
    mean: [0.5, 0.5, 0.5],
    std: [0.25, 0.25, 0.25],
  }
}

function setup(microBatches: number, more: Partial<FitOptions> = {}, read?: number[]) {
  const counter = engine.scalar('augmented', 0)
  const augmentation: Augmentation = {
    shift: 1,
    flip: true,
    crop: { scale: [0.08, 1], ratio: [3 / 4, 4 / 3] },
    randAugment: { operations: 2, magnitude: 9 },
    key: stream(5, 'augment').key,
    counter,
  }
  const network = resnet(engine.gpu, { depth: 8, widths: [4, 4, 8], channels: 3, classes: 3 }, stream(5, 'net'))
  const graph: Graph = {
    views: { full: { height: side, width: side, augmentation } },
    nodes: { a: { network, view: 'full', trained: true, batchStatistics: false } },
    edges: [],
  }
  const options: FitOptions = {
    graph,
    source: pictureSource(engine.gpu, dataset(read), 6 / microBatches),
    microBatches,
    labels: persistent(engine.gpu, [n], labels, 'u32'),
    rows: Uint32Array.from({ length: n - 1 }, (_, i) => n - 1 - i),
    epochs: 2,
    optimizer: (parameters) => adamW(parameters.flat, { lr: 1e-2, weightDecay: 0.05 }),
    schedule: constant({ lr: 1e-2 }),
    seed: 5,
    augmented: counter,
    every: 1,
    ...more,
  }
  return { options, network }
}

const bits = async (network: ReturnType<typeof setup>['network']) =>
  [...(await network.parameters.state()).values()].flatMap(({ data }) => [...new Uint32Array(data.buffer)])

test('a run that is resumed at any step has the bits of the undisturbed one; each picture is read once an epoch', async () => {
  const read: number[] = []
  const whole = setup(1, {}, read)
  await fit(engine, whole.options)
  const want = await bits(whole.network)
  assert.is(read.length, 36)
  for (const half of [read.slice(0, 18), read.slice(18)]) assert.is(new Set(half).size, 18)
  for (const stop of [2, 3, 5]) {
    const abort = new AbortController()
    let kept: Snapshot | null = null
    const save = (snapshot: Snapshot) => {
      kept = snapshot
    }
    const onProgress = ({ step }: { step: number }) => step === stop && abort.abort()
    const first = setup(1, { save, signal: abort.signal, onProgress })
    await fit(engine, first.options).then(
      () => assert.unreachable('not stopped'),
      (error) => assert.is(error.code, 'aborted'),
    )
    const second = setup(1, { resume: kept })
    await fit(engine, second.options)
    assert.equal(await bits(second.network), want, `stopped after step ${stop}`)
  }
})

test('the last, smaller batch is read ahead too, and augmented by its own numbers', async () => {
  const read: number[] = []
  const whole = setup(1, { dropLast: false }, read)
  const { steps } = await fit(engine, whole.options)
  assert.equal([steps, read.length], [8, 38])
  for (const half of [read.slice(0, 19), read.slice(19)]) assert.is(new Set(half).size, 19)
  const saved: Snapshot[] = []
  await fit(engine, setup(1, { dropLast: false, saveSeconds: 0, save: (kept) => void saved.push(kept) }).options)
  for (const resume of saved.slice(2, 5)) {
    const { options, network } = setup(1, { dropLast: false, resume })
    await fit(engine, options)
    assert.equal(await bits(network), await bits(whole.network), `from step ${resume.step}`)
  }
})

test('parts of a batch see what the whole batch sees', async () => {
  const [whole, parts] = [setup(1), setup(3)]
  await fit(engine, whole.options)
  await fit(engine, parts.options)
  const [a, b] = await Promise.all(
    [whole, parts].map(({ network }) => network.parameters.flat.values.read() as Promise<Float32Array>),
  )
  const apart = Math.max(...a.map((value, i) => Math.abs(value - b[i])))
  assert.ok(apart < 1e-3, `parameters differ by up to ${apart}`)
  const fresh = setup(1).network.parameters.flat.values
  const start = (await fresh.read()) as Float32Array
  assert.ok(Math.max(...a.map((value, i) => Math.abs(value - start[i]))) > 2e-2, 'the run moved the parameters')
})

test('evaluation does not depend on the batch', async () => {
  const { network } = setup(1)
  const view = { height: side, width: side }
  const all = await evaluate(engine, network, dataset(), { view })
  const few = await evaluate(engine, network, dataset(), { view, batch: 3 })
  allclose(few.logits, all.logits, { atol: 1e-6 }, 'logits')
  assert.equal([all.n, [...all.labels]], [n, [...labels]])
  const some = await evaluate(engine, network, dataset(), { view, rows: Uint32Array.of(7, 2) })
  allclose(some.logits, [...all.logits.slice(21, 24), ...all.logits.slice(6, 9)], { atol: 1e-6 }, 'two rows')
})

test.run()
