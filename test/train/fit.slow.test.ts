import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { synthetic } from '../../src/data/synthetic.ts'
import type { Graph } from '../../src/distill/graph.ts'
import { resnet } from '../../src/nn/resnet.ts'
import { pictureSource } from '../../src/ops/pictures.ts'
import { adamW } from '../../src/optim.ts'
import { stream } from '../../src/random.ts'
import { constant } from '../../src/schedule.ts'
import { persistent } from '../../src/tensor.ts'
import { evaluate } from '../../src/train/evaluate.ts'
import { DivergedError, type FitOptions, fit } from '../../src/train/fit.ts'
import type { Snapshot } from '../../src/train/snapshot.ts'
import { engine } from '../device.ts'
import { slowlyCompiled } from '../slowCompiling.ts'

const test = suite('fit')
const { train } = synthetic({ train: 96, test: 40, size: 8 })
const rows = Uint32Array.from({ length: 40 }, (_, i) => i)
const VIEW = { height: 8, width: 8 }

/** A small supervised run with augmentation, two networks that teach each other, everything seeded. */
function setup(more: Partial<FitOptions> = {}, lr = 1e-2): { options: FitOptions; graph: Graph } {
  const net = (name: string) => resnet(engine.gpu, { depth: 8, widths: [4, 8, 8], channels: 1 }, stream(5, name))
  const counter = engine.scalar('augmented', 0)
  const augmentation = { shift: 2, flip: true, key: stream(5, 'augment').key, counter }
  const edge = { temperature: 2, weight: 0.5 }
  const graph: Graph = {
    views: { full: { ...VIEW, augmentation }, low: { height: 4, width: 4, augmentation } },
    nodes: {
      a: { network: net('a'), view: 'full', trained: true },
      b: { network: net('b'), view: 'low', trained: true },
    },
    edges: [
      { from: 'a', to: 'b', ...edge },
      { from: 'b', to: 'a', ...edge },
    ],
  }
  const options: FitOptions = {
    graph,
    source: pictureSource(engine.gpu, train, 8),
    labels: persistent(engine.gpu, [train.n], train.labels, 'u32'),
    rows,
    epochs: 2,
    optimizer: (parameters) => adamW(parameters.flat, { lr, weightDecay: 0.05 }),
    schedule: constant({ lr }),
    seed: 5,
    augmented: counter,
    ...more,
  }
  return { options, graph }
}

const bits = async (graph: Graph) => {
  const parts = await Promise.all(Object.values(graph.nodes).map((n) => n.network.parameters.state()))
  return parts.flatMap((state) => [...state.values()].flatMap(({ data }) => [...new Uint32Array(data.buffer)]))
}

test('lowers the loss', async () => {
  const losses: number[] = []
  const { options } = setup({ epochs: 30, every: 5, onProgress: ({ nodes }) => losses.push(nodes.a.ce) })
  for (const view of Object.values(options.graph.views)) view.augmentation = null
  await fit(engine, options)
  assert.ok(losses.at(-1)! < 0.7 * losses[0], `${losses[0]} → ${losses.at(-1)}`)
})

test('seconds leave out compilation and what follows an epoch', async () => {
  const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
  const saved: number[] = []
  const { options } = setup({
    every: 1,
    afterEpoch: async () => {
      await pause(200)
      return false
    },
    saveSeconds: 0,
    save: (_, seconds) => void saved.push(seconds),
  })
  const started = performance.now()
  const { seconds, steps, imagesPerSecond } = await slowlyCompiled(engine, 1500, () => fit(engine, options))
  const most = (performance.now() - started) / 1000 - 1.49 - 2 * 0.19
  assert.ok(seconds > 0 && seconds <= most, `${seconds} of at most ${most} s`)
  assert.is(imagesPerSecond, (8 * steps) / seconds)
  assert.is(saved.length, steps - 1)
  assert.ok(
    saved.every((after) => after > 0 && after <= most),
    `${saved}`,
  )
})

test('gives the same bits for the same seed', async () => {
  const runs = []
  for (let i = 0; i < 2; i++) {
    const { options, graph } = setup()
    await fit(engine, options)
    runs.push(await bits(graph))
  }
  assert.equal(runs[0], runs[1])
})

test('resumes from a snapshot to the same bits', async () => {
  const whole = setup()
  await fit(engine, whole.options)
  const saved: Snapshot[] = []
  const first = setup({ every: 3, saveSeconds: 0, save: (s) => void saved.push(s) })
  await fit(engine, first.options)
  assert.equal(
    saved.map(({ step }) => step),
    [3, 5, 6, 9],
  )
  const second = setup({ resume: saved[2] })
  await fit(engine, second.options)
  assert.equal(await bits(second.graph), await bits(whole.graph))
})

test('the means of an epoch do not depend on when they are looked at, nor on an interruption', async () => {
  const ends = async (more: Partial<FitOptions>) => {
    const seen = new Map<number, unknown>()
    const { options } = setup({ ...more, onProgress: ({ epoch, nodes }) => seen.set(epoch, nodes) })
    await fit(engine, options)
    return seen
  }
  const saved: Snapshot[] = []
  const often = await ends({ every: 1, saveSeconds: 0, save: (s) => void saved.push(s) })
  assert.is(often.size, 2)
  assert.equal(await ends({ every: 64 }), often)
  // In the middle of the second epoch.
  assert.equal((await ends({ every: 2, resume: saved[6] })).get(2), often.get(2))
})

test('stops when asked, after saving', async () => {
  const controller = new AbortController()
  const saved: Snapshot[] = []
  const { options } = setup({
    every: 2,
    signal: controller.signal,
    save: (s) => void saved.push(s),
    onProgress: ({ step }) => step >= 4 && controller.abort(),
  })
  let message = ''
  await fit(engine, options).catch((error) => {
    message = error.message
  })
  assert.is(message, 'training stopped at step 4 of 10')
  assert.is(saved.at(-1)?.step, 4)
})

test('names the step where a loss diverges', async () => {
  const { options } = setup({ every: 1 }, 1e30)
  let caught: unknown
  await fit(engine, options).catch((error) => {
    caught = error
  })
  assert.instance(caught, DivergedError)
  assert.match((caught as Error).message, /the loss of '[ab]' is (NaN|-?Infinity) at step \d+ \(epoch 1\)/)
})

test('refuses a batch larger than the data', async () => {
  const { options } = setup({ rows: rows.slice(0, 5) })
  let message = ''
  await fit(engine, options).catch((error) => {
    message = error.message
  })
  assert.is(message, 'batch 8 is larger than the training set, which holds 5 pictures')
})

test('a steady step makes no object, and memory is flat from step 5 to step 500', async () => {
  const made = new Map<string, number>()
  const { device } = engine.gpu
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(device)).filter((n) => n.startsWith('create'))
  assert.ok(names.includes('createBuffer') && names.includes('createBindGroup'))
  const counted = names.filter((n) => n !== 'createCommandEncoder')
  for (const name of counted) {
    const original = (device as unknown as Record<string, (...a: unknown[]) => unknown>)[name]
    Object.defineProperty(device, name, {
      configurable: true,
      value: (...args: unknown[]) => {
        made.set(name, (made.get(name) ?? 0) + 1)
        return original.apply(device, args)
      },
    })
  }
  const seen: { step: number; bytes: number; buffers: number; made: number; submits: number }[] = []
  const total = () => [...made.values()].reduce((a, b) => a + b, 0)
  const { options } = setup({
    epochs: 101,
    every: 5,
    onProgress: ({ step }) => seen.push({ step, ...engine.memory(), made: total(), submits: engine.gpu.submits }),
  })
  try {
    await fit(engine, options)
  } finally {
    for (const name of counted) delete (device as unknown as Record<string, unknown>)[name]
  }
  assert.ok(total() > 0, 'the counters saw the set-up')
  const [early, late] = [seen.find((s) => s.step === 5)!, seen.find((s) => s.step === 500)!]
  assert.is(late.bytes, early.bytes)
  assert.is(late.buffers, early.buffers)
  assert.is(late.made, early.made)
  // One submit a step, and one for each of the two reads every five steps.
  assert.is(late.submits - early.submits, 495 + 2 * 99)
})

test('evaluation agrees with float64 metrics and ignores the ragged end', async () => {
  const { options, graph } = setup()
  await fit(engine, options)
  const { metrics } = await import('../../src/report/metrics.ts')
  const seen = await evaluate(engine, graph.nodes.a.network, train, { view: VIEW, batch: 36 })
  const want = metrics(seen.logits, seen.labels, seen.classes)
  for (const name of ['accuracy', 'top5', 'nll', 'brier', 'entropy', 'confidence', 'ece', 'signedGap'] as const) {
    assert.ok(Math.abs(seen[name] - want[name]) < 1e-5, `${name}: ${seen[name]}, float64 ${want[name]}`)
  }
  assert.equal(
    seen.bins.map((b) => b.count),
    want.bins.map((b) => b.count),
  )
})

test.run()
