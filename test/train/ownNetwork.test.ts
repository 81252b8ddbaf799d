// A network of a user's own: whatever has parameters and a forward is trained, distilled and evaluated.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Dataset } from '../../src/data/dataset.ts'
import type { Graph } from '../../src/distill/graph.ts'
import { linearUniform } from '../../src/nn/init.ts'
import { Parameters } from '../../src/nn/parameters.ts'
import type { AnyNetwork } from '../../src/nn/resnet.ts'
import { flatten } from '../../src/ops/copy.ts'
import { dropout } from '../../src/ops/dropout.ts'
import { linear } from '../../src/ops/linear.ts'
import { pictureSource } from '../../src/ops/pictures.ts'
import { adamW } from '../../src/optim.ts'
import { stream } from '../../src/random.ts'
import { constant } from '../../src/schedule.ts'
import type { Tensor } from '../../src/tensor.ts'
import { evaluate } from '../../src/train/evaluate.ts'
import { fit } from '../../src/train/fit.ts'
import { engine } from '../device.ts'

const test = suite('own networks')
const [CLASSES, SIDE, PIXELS] = [3, 4, 16]
const view = { height: SIDE, width: SIDE }

/** Noise, in which row `label` is a little brighter. */
function stripes(n: number, name: string): Dataset {
  const random = stream(0, name)
  const row = (i: number) => Math.floor((i % PIXELS) / SIDE)
  const pixel = (i: number) => 128 * random.uniform() + (row(i) === Math.floor(i / PIXELS) % CLASSES ? 80 : 0)
  return {
    ...{ name, n, channels: 1, height: SIDE, width: SIDE, classes: ['a', 'b', 'c'], mean: [0.3], std: [0.2] },
    images: Uint8Array.from({ length: n * PIXELS }, (_, i) => pixel(i)),
    labels: Uint8Array.from({ length: n }, (_, i) => i % CLASSES),
  }
}

function classifier(name: string): AnyNetwork {
  const random = stream(0, name)
  const values = linearUniform([CLASSES, PIXELS], PIXELS, random)
  const parameters = new Parameters(engine.gpu, [
    { name: 'fc.weight', shape: [CLASSES, PIXELS], kind: 'weight', values },
    { name: 'fc.bias', shape: [CLASSES], kind: 'bias', values: new Float32Array(CLASSES) },
  ])
  const forward = (x: Tensor) => linear(flatten(x), parameters.get('fc.weight'), parameters.get('fc.bias'))
  return { parameters, forward }
}

test('one with parameters and forward alone teaches, learns and is evaluated', async () => {
  const [train, held] = [stripes(120, 'train'), stripes(60, 'test')]
  const [teacher, student] = [classifier('teacher'), classifier('student')]
  const labels = engine.tensor(train.labels, [train.n], { dtype: 'u32' })
  const rows = Uint32Array.from({ length: train.n }, (_, i) => i)
  const learn = (nodes: Graph['nodes'], edges: Graph['edges']) =>
    fit(engine, {
      graph: { views: { full: view }, nodes, edges },
      ...{ labels, rows, epochs: 5, seed: 0, source: pictureSource(engine.gpu, train, 20) },
      optimizer: ({ flat }) => adamW(flat, { lr: 0.05 }),
      schedule: constant({ lr: 0.05 }),
    })
  const accuracy = async (network: AnyNetwork) => (await evaluate(engine, network, held, { view })).accuracy
  const before = await accuracy(student)
  await learn({ teacher: { network: teacher, view: 'full', trained: true } }, [])
  // From the teacher alone, without labels.
  const from = { network: teacher, view: 'full', trained: false }
  const to = { network: student, view: 'full', trained: true, ceWeight: 0 }
  await learn({ teacher: from, student: to }, [{ from: 'teacher', to: 'student', temperature: 2, weight: 1 }])
  const [taught, after] = [await accuracy(teacher), await accuracy(student)]
  assert.ok(taught > 0.9 && before < 0.6 && after > 0.9, `teacher ${taught}, student ${before}, then ${after}`)
  assert.is((await evaluate(engine, student, held, { view })).classes, CLASSES)
})

test('dropout moves on with the pictures that fit counts, and repeats with the seed', async () => {
  const train = stripes(60, 'train')
  const labels = engine.tensor(train.labels, [train.n], { dtype: 'u32' })
  const trained = async (moving: boolean) => {
    const { parameters, forward } = classifier('student')
    const count = engine.scalar('pictures seen', 0)
    const dropped = (x: Tensor) => forward(dropout(x, { random: stream(0, 'dropout'), count }), { train: true })
    const net = { network: { parameters, forward: dropped }, view: 'full', trained: true }
    await fit(engine, {
      graph: { views: { full: view }, nodes: { net }, edges: [] },
      ...{ labels, source: pictureSource(engine.gpu, train, 20), epochs: 2, seed: 0 },
      ...{ rows: Uint32Array.from({ length: train.n }, (_, i) => i), ...(moving && { augmented: count }) },
      optimizer: ({ flat }) => adamW(flat, { lr: 0.05 }),
      schedule: constant({ lr: 0.05 }),
    })
    return [...(await parameters.get('fc.weight').read())].join()
  }
  const moving = await trained(true)
  assert.is(await trained(true), moving)
  assert.is.not(await trained(false), moving)
})

test.run()
