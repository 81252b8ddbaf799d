// What a step keeps of its own outputs: the ECE of an epoch's batches as the network saw them, against float64, and
// that training is the same to the bit as in a bare loop that keeps nothing.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { synthetic } from '../../src/data/synthetic.ts'
import type { Graph } from '../../src/distill/graph.ts'
import { resnet } from '../../src/nn/resnet.ts'
import { distillLoss } from '../../src/ops/distillLoss.ts'
import { pictureSource } from '../../src/ops/pictures.ts'
import { adamW } from '../../src/optim.ts'
import { stream } from '../../src/random.ts'
import { metrics } from '../../src/report/metrics.ts'
import { constant } from '../../src/schedule.ts'
import { persistent } from '../../src/tensor.ts'
import { evaluate } from '../../src/train/evaluate.ts'
import { fit, type Parts } from '../../src/train/fit.ts'
import { engine } from '../device.ts'

const test = suite('training batches')
const [BATCH, EPOCHS, SEED, LR] = [8, 2, 5, 1e-2]
const { train } = synthetic({ train: 96, test: 10, size: 8 })
const rows = Uint32Array.from({ length: 40 }, (_, i) => i)
const labels = persistent(engine.gpu, [train.n], train.labels, 'u32')
const EDGE = { temperature: 2, weight: 0.5 }

/** Two networks that teach each other, on augmented pictures. */
function setup() {
  const net = (name: string) => resnet(engine.gpu, { depth: 8, widths: [4, 4, 8], channels: 1 }, stream(SEED, name))
  const counter = engine.scalar('augmented', 0)
  const augmentation = { shift: 2, flip: true, key: stream(SEED, 'augment').key, counter }
  const view = { height: 8, width: 8, augmentation }
  const source = pictureSource(engine.gpu, train, BATCH)
  const networks = { a: net('a'), b: net('b') }
  const graph: Graph = {
    views: { full: view },
    nodes: {
      a: { network: networks.a, view: 'full', trained: true },
      b: { network: networks.b, view: 'full', trained: true },
    },
    edges: [
      { from: 'b', to: 'a', ...EDGE },
      { from: 'a', to: 'b', ...EDGE },
    ],
  }
  const optimizers = [networks.a, networks.b].map(({ parameters }) => {
    return adamW(parameters.flat, { lr: LR, weightDecay: 0.05 })
  })
  return { graph, source, counter, view, networks, optimizers }
}

const bits = async ({ networks }: ReturnType<typeof setup>) => {
  const states = await Promise.all(Object.values(networks).map(({ parameters }) => parameters.state()))
  return states.flatMap((state) => [...state.values()].flatMap(({ data }) => [...new Uint32Array(data.buffer)]))
}

/** The same steps without any sums; the outputs of the last epoch, in their order. */
async function bare({ source, counter, view, networks, optimizers }: ReturnType<typeof setup>) {
  const { a, b } = networks
  const step = engine.capture('bare step', () => {
    const seen = source.view(view)
    const logits = { a: a.forward(seen, { train: true }), b: b.forward(seen, { train: true }) }
    for (const [own, other] of [['a', 'b'] as const, ['b', 'a'] as const]) {
      const edges = [{ logits: logits[other], ...EDGE }]
      const { loss } = distillLoss(logits[own], { labels: { from: labels, index: source.index }, edges })
      networks[own].parameters.zeroGrad()
      backward(loss)
    }
    for (const optimizer of optimizers) optimizer.step()
    return logits
  })
  const outputs = { a: [] as number[], b: [] as number[], labels: [] as number[] }
  const perEpoch = rows.length / BATCH
  for (let at = 0; at < perEpoch * EPOCHS; at++) {
    const epoch = Math.floor(at / perEpoch)
    const order = stream(SEED, `shuffle ${epoch}`).permutation(rows.length)
    const chosen = order.subarray((at % perEpoch) * BATCH, ((at % perEpoch) + 1) * BATCH).map((row) => rows[row])
    for (const optimizer of optimizers) optimizer.advance(at + 1, { lr: LR })
    counter.value = at * BATCH
    await source.select(chosen)
    step.run()
    if (epoch < EPOCHS - 1) continue
    outputs.a.push(...(await step.outputs.a.read()))
    outputs.b.push(...(await step.outputs.b.read()))
    outputs.labels.push(...[...chosen].map((row) => train.labels[row]))
  }
  step.release()
  return outputs
}

test('the ECE of the last epoch is that of its outputs in train mode, and keeping it changes no bit', async () => {
  const [kept, plain] = [setup(), setup()]
  let last: Record<string, Parts> = {}
  const { graph, source, counter, view, networks, optimizers } = kept
  await fit(engine, {
    graph,
    source,
    labels,
    rows,
    epochs: EPOCHS,
    optimizer: (parameters) => optimizers[parameters === networks.a.parameters ? 0 : 1],
    schedule: constant({ lr: LR }),
    seed: SEED,
    augmented: counter,
    onProgress: ({ nodes }) => (last = nodes),
  })
  const seen = await bare(plain)
  assert.equal(await bits(kept), await bits(plain), 'weights and running statistics')
  for (const name of ['a', 'b'] as const) {
    const want = metrics(seen[name], seen.labels, train.classes.length)
    assert.ok(Math.abs(last[name].ece - want.ece) < 2e-6, `${name}: ${last[name].ece}, float64 ${want.ece}`)
    const now = await evaluate(engine, networks[name], train, { view: { ...view, augmentation: null }, rows })
    assert.ok(Math.abs(now.ece - want.ece) > 0.01, 'in eval mode, without augmentation, it is another')
  }
})

test.run()
