// A batch in parts: the gradient of the whole, but for batch norm, which sees a part at a time.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { synthetic } from '../../src/data/synthetic.ts'
import type { Edge } from '../../src/distill/edge.ts'
import type { Graph } from '../../src/distill/graph.ts'
import { makeMetrics, recordGradients } from '../../src/distill/graph.ts'
import { resnet } from '../../src/nn/resnet.ts'
import { pictureSource } from '../../src/ops/pictures.ts'
import { sgd } from '../../src/optim.ts'
import { stream } from '../../src/random.ts'
import { constant } from '../../src/schedule.ts'
import { persistent } from '../../src/tensor.ts'
import { type FitOptions, fit, type Parts } from '../../src/train/fit.ts'
import { allclose } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('micro-batches')
const { train } = synthetic({ train: 96, test: 40, size: 8 })
const VIEW = { height: 8, width: 8 }
const labels = persistent(engine.gpu, [train.n], train.labels, 'u32')
const source = (batch: number) => pictureSource(engine.gpu, train, batch)

function graphOf(batchStatistics: boolean, more: Partial<Edge> = {}): Graph {
  const net = (name: string) =>
    resnet(engine.gpu, { depth: 8, widths: [4, 4, 8], channels: 1, shortcut: 'A' }, stream(5, name))
  const node = (name: string) => ({ network: net(name), view: 'full', trained: true, batchStatistics })
  return {
    views: { full: VIEW },
    nodes: { a: node('a'), b: node('b') },
    edges: [{ from: 'b', to: 'a', temperature: 2, weight: 0.5, ...more }],
  }
}

/** Trains a graph on the first 16 pictures in batches of 8; parameters of its networks, and the last means. */
async function trained(graph: Graph, microBatches: number, more: Partial<FitOptions> = {}) {
  let last: Record<string, Parts> = {}
  const result = await fit(engine, {
    graph,
    labels,
    source: source(8 / microBatches),
    microBatches,
    rows: Uint32Array.from({ length: 16 }, (_, i) => i),
    epochs: 2,
    optimizer: (parameters) => sgd(parameters.flat, { lr: 0.1, momentum: 0.9 }),
    schedule: constant({ lr: 0.1 }),
    seed: 3,
    onProgress: ({ nodes }) => (last = nodes),
    ...more,
  })
  const flats = await Promise.all(
    Object.values(graph.nodes).map(({ network }) => network.parameters.flat.values.read()),
  )
  return { values: flats.flatMap((flat) => [...flat]), last, result }
}

test('without batch statistics, parts give what the whole batch gives', async () => {
  const whole = await trained(graphOf(false), 1)
  for (const parts of [2, 4]) {
    const { values, last, result } = await trained(graphOf(false), parts)
    allclose(values, whole.values, { atol: 1e-5, rtol: 1e-4 }, `${parts} parts`)
    for (const name of ['a', 'b']) assert.ok(Math.abs(last[name].total - whole.last[name].total) < 1e-5)
    assert.is(result.steps, 4)
    assert.ok(result.dispatches > whole.result.dispatches)
  }
})

test('with them, a step is the mean of the gradients of the parts, each normalised alone', async () => {
  const [graph, twin] = [graphOf(true), graphOf(true)]
  const parts = source(4)
  const order = stream(3, 'shuffle 0').permutation(16)
  const sums = new Map<string, Float64Array>()
  for (const first of [0, 4]) {
    parts.select(order.subarray(first, first + 4))
    engine.step(() => recordGradients(twin, parts, labels, makeMetrics(twin)))
    for (const [name, { network }] of Object.entries(twin.nodes)) {
      const gradient = await network.parameters.flat.gradients.read()
      const sum = sums.get(name) ?? new Float64Array(gradient.length)
      sums.set(
        name,
        sum.map((value, i) => value + gradient[i] / 2),
      )
    }
  }
  const before = await Promise.all(
    Object.values(twin.nodes).map(({ network }) => network.parameters.flat.values.read()),
  )
  await trained(graph, 2, { epochs: 1, rows: Uint32Array.from(order.subarray(0, 8)), ...oneStep(order) })
  for (const [i, [name, { network }]] of Object.entries(graph.nodes).entries()) {
    const want = Array.from(before[i], (value, k) => value - 0.1 * sums.get(name)![k])
    allclose(await network.parameters.flat.values.read(), want, { atol: 1e-6, rtol: 1e-4 }, name)
    // Moved once a part: by the twin's two steps, too.
    const [running, also] = await Promise.all(
      [network, twin.nodes[name].network].map(({ parameters }) => parameters.flat.running.read()),
    )
    allclose(running, also, { atol: 1e-6, rtol: 1e-5 }, `running statistics of ${name}`)
  }
})

/** Rows whose shuffled order is that of the first batch above. */
function oneStep(order: Uint32Array): Partial<FitOptions> {
  const shuffled = stream(3, 'shuffle 0').permutation(8)
  const rows = new Uint32Array(8)
  for (const [i, place] of shuffled.entries()) rows[place] = order[i]
  return { rows }
}

test('augmented pictures, and the bits of a second run, do not depend on the parts', async () => {
  const augmented = async (microBatches: number) => {
    const graph = graphOf(false)
    const counter = engine.scalar('augmented', 0)
    graph.views.full = { ...VIEW, augmentation: { shift: 2, flip: true, key: stream(5, 'augment').key, counter } }
    return (await trained(graph, microBatches, { augmented: counter })).values
  }
  const [whole, parts, again] = [await augmented(1), await augmented(2), await augmented(2)]
  allclose(parts, whole, { atol: 1e-5, rtol: 1e-4 }, 'augmented')
  assert.equal(again, parts)
})

test('what looks at a whole batch is refused in parts', async () => {
  const refused = async (graph: Graph, microBatches: number, message: RegExp) => {
    const error = await trained(graph, microBatches).then(
      () => null,
      (reason: Error) => reason,
    )
    assert.match(error?.message ?? 'no error', message)
  }
  await refused(graphOf(true, { whileAgreeing: true }), 2, /agreeing edges look at a whole batch, microBatches is 2/)
  await refused({ ...graphOf(true), updates: 'sequential' }, 2, /sequential updates look at a whole batch/)
  await refused(graphOf(true), 0.5, /microBatches 0.5; a whole number from 1/)
})

test.run()
