// Cross-entropy with a margin on cosines: loss and gradients in float64, alone and beside what is distilled.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { formula, type Graph, makeMetrics, recordGradients } from '../../src/distill/graph.ts'
import * as methods from '../../src/distill/methods.ts'
import { Parameters } from '../../src/nn/parameters.ts'
import { COSINE_SCALE, type Network, resnet } from '../../src/nn/resnet.ts'
import { pictureSource } from '../../src/ops/pictures.ts'
import { stream } from '../../src/random.ts'
import { persistent } from '../../src/tensor.ts'
import { allclose, uniform } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('distill/margin')

const [N, C] = [5, 4]
const LABELS = [2, 0, 3, 1, 2]
const { gpu } = engine
const pictures = { images: new Uint8Array(N), n: N, channels: 1, height: 1, width: 1, mean: [0], std: [1] }
const rows = Uint32Array.from([4, 1, 0, 3, 2])

/** A "network" whose logits are its only parameter: 16 times cosines. */
function logits(seed: number): { network: Network; view: string } {
  const values = uniform(N * C, seed).map((x) => COSINE_SCALE * x)
  const parameters = new Parameters(gpu, [{ name: 'z', shape: [N, C], values, kind: 'weight' }])
  return { network: { parameters, forward: () => parameters.get('z') } as unknown as Network, view: 'all' }
}

const softmax = (z: ArrayLike<number>, row: number, T = 1) => {
  const own = Array.from({ length: C }, (_, c) => z[row * C + c] / T)
  const top = Math.max(...own)
  const e = own.map((x) => Math.exp(x - top))
  const total = e.reduce((a, b) => a + b)
  return e.map((x) => x / total)
}

interface Term {
  from: ArrayLike<number>
  weight: number
  T: number
}

/** ceWeight · CE(z - 16 margin at the label) + Σ weight T² KL, and its gradient by the formula, mean over the batch. */
function reference(z: Float64Array, margin: number, ceWeight: number, terms: Term[]) {
  let loss = 0
  const gradient = new Float64Array(N * C)
  const harder = z.map((x, i) => x - (i % C === LABELS[rows[Math.floor(i / C)]] ? COSINE_SCALE * margin : 0))
  for (let row = 0; row < N; row++) {
    const label = LABELS[rows[row]]
    const p = softmax(harder, row)
    loss -= (ceWeight * Math.log(p[label])) / N
    for (let c = 0; c < C; c++) gradient[row * C + c] += (ceWeight * (p[c] - (c === label ? 1 : 0))) / N
    for (const { from, weight, T } of terms) {
      const [target, own] = [softmax(from, row, T), softmax(z, row, T)]
      for (let c = 0; c < C; c++) {
        loss += (weight * T * T * target[c] * Math.log(target[c] / own[c])) / N
        gradient[row * C + c] += (weight * T * (own[c] - target[c])) / N
      }
    }
  }
  return { loss, gradient }
}

async function run(method: methods.Method<ReturnType<typeof logits>>) {
  const graph: Graph = { views: { all: { height: 1, width: 1 } }, ...method }
  const source = pictureSource(gpu, pictures, N)
  source.select(rows)
  const metrics = makeMetrics(graph)
  const labels = persistent(gpu, [N], LABELS, 'u32')
  engine.step(() => recordGradients(graph, source, labels, metrics))
  const { parameters } = graph.nodes.student.network
  const z = Float64Array.from(await parameters.get('z').read())
  return { z, gradient: await parameters.get('z').grad!.read(), metrics: await metrics.student.read() }
}

const withMargin = <Node>(method: methods.Method<Node>, margin: number): methods.Method<Node> => {
  return { ...method, nodes: { ...method.nodes, student: { ...method.nodes.student, margin } } }
}

test('labels only: the gradient is that of the harder loss', async () => {
  for (const margin of [0.35, 0.1]) {
    const { z, gradient } = await run(withMargin(methods.supervised(logits(1)), margin))
    const expected = reference(z, margin, 1, [])
    allclose(gradient, expected.gradient, { atol: 3e-6, rtol: 1e-5 }, `margin ${margin}`)
    // The formula itself, by central differences.
    const slope = z.map((_, i) => {
      const at = (h: number) =>
        reference(
          z.map((x, j) => (i === j ? x + h : x)),
          margin,
          1,
          [],
        ).loss
      return (at(1e-5) - at(-1e-5)) / 2e-5
    })
    allclose(expected.gradient, slope, { atol: 1e-8 })
    const plain = reference(z, 0, 1, [])
    assert.ok(expected.gradient.some((g, i) => Math.abs(g - plain.gradient[i]) > 1e-2, 'it would show'))
  }
})

test('what is distilled sees the logits without the margin; the loss told has it, the cross-entropy told has not', async () => {
  const teacher = logits(2)
  const method = methods.kd(logits(1), teacher, { temperature: 2, weight: 0.3, ceWeight: 0.6 })
  const { z, gradient, metrics } = await run(withMargin(method, 0.25))
  const from = Float64Array.from(await teacher.network.parameters.get('z').read())
  const terms = [{ from, weight: 0.3, T: 2 }]
  const whole = reference(z, 0.25, 0.6, terms)
  allclose(gradient, whole.gradient, { atol: 3e-6, rtol: 1e-5 })
  const plain = reference(z, 0, 1, []).loss
  allclose([metrics[0] / N, metrics[1] / N], [whole.loss, plain], { atol: 1e-5, rtol: 1e-5 })
})

test('it is said in the formula', () => {
  const method = withMargin(methods.supervised({ view: 'all' }), 0.2)
  assert.equal(formula(method), ['L(student) = CE(student, y; margin 0.2)'])
})

test('a network of cosines gets another gradient with it', async () => {
  const config = { depth: 8, widths: [4, 4, 4], stemStride: 1, channels: 1, classes: C, embedding: 4 }
  const network = resnet(gpu, config, stream(0, 'net'))
  const images = Uint8Array.from({ length: N * 16 }, (_, i) => (37 * i) % 251)
  const source = pictureSource(gpu, { ...pictures, images, height: 4, width: 4 }, N)
  source.select(rows)
  const labels = persistent(gpu, [N], LABELS, 'u32')
  const gradientAt = async (margin: number) => {
    const method = withMargin(methods.supervised({ network, view: 'all' }), margin)
    const graph: Graph = { views: { all: { height: 4, width: 4 } }, ...method }
    engine.step(() => recordGradients(graph, source, labels, makeMetrics(graph)))
    return Float32Array.from(await network.parameters.get('embedding.weight').grad!.read())
  }
  const [plain, harder] = [await gradientAt(0), await gradientAt(0.2)]
  assert.ok(harder.every(Number.isFinite) && harder.some((g, i) => Math.abs(g - plain[i]) > 1e-3))
})

test.run()
