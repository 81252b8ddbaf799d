// Every method's loss and gradients against its formula in float64. The networks are parameters that are logits.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import {
  checkGraph,
  type Edge,
  endingEdges,
  type Graph,
  makeMetrics,
  recordGradients,
} from '../../src/distill/graph.ts'
import * as methods from '../../src/distill/methods.ts'
import type { Scalar } from '../../src/gpu/tape.ts'
import { Parameters } from '../../src/nn/parameters.ts'
import type { Network } from '../../src/nn/resnet.ts'
import { addWhereAgreeing } from '../../src/ops/agree.ts'
import { pictureSource } from '../../src/ops/pictures.ts'
import { exp, mul } from '../../src/ops/pointwise.ts'
import { sum } from '../../src/ops/reduce.ts'
import { sgd } from '../../src/optim.ts'
import { assign, persistent } from '../../src/tensor.ts'
import { allclose, uniform } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('methods')

const [N, C] = [5, 4]
const LABELS = [2, 0, 3, 1, 2]
const { gpu } = engine
const view = { height: 1, width: 1 }
const pictures = { images: new Uint8Array(N), n: N, channels: 1, height: 1, width: 1, mean: [0], std: [1] }
const rows = Uint32Array.of(4, 1, 0, 3, 2)

interface Seen {
  network: Network
  view: string
}

/** A "network" whose output is its only parameter, whatever it sees. */
function seen(seed: number): Seen {
  const values = uniform(N * C, seed).map((x) => 4 * x)
  const parameters = new Parameters(gpu, [{ name: 'z', shape: [N, C], values, kind: 'weight' }])
  const network = { parameters, forward: () => parameters.get('z') } as unknown as Network
  return { network, view: 'all' }
}

type Logits = Record<string, Float64Array>

const softmax = (z: ArrayLike<number>, row: number, T: number) => {
  const e = Array.from({ length: C }, (_, c) => Math.exp(z[row * C + c] / T))
  const total = e.reduce((a, b) => a + b)
  return e.map((x) => x / total)
}
const kl = (p: number[], q: number[]) => p.reduce((total, x, c) => total + x * Math.log(x / q[c]), 0)

/** The loss of one node in float64, mean over the batch. */
function lossOf(name: string, node: methods.Role, edges: readonly methods.EdgeOf<number>[], all: Logits): number {
  let total = 0
  for (let row = 0; row < N; row++) {
    const label = LABELS[rows[row]]
    const p = softmax(all[name], row, 1)
    const { ceWeight, labelSmoothing: e = 0 } = node
    total -= ceWeight * p.reduce((ce, x, c) => ce + ((c === label ? 1 - e : 0) + e / C) * Math.log(x), 0)
    for (const { from, to, temperature: T, tau, weight, decoupled } of edges) {
      if (to !== name) continue
      const teachers = [from].flat().map((one) => softmax(all[one], row, T * tau))
      const target = teachers[0].map((_, c) => teachers.reduce((m, t) => m + t[c] / teachers.length, 0))
      const own = softmax(all[name], row, T)
      if (!decoupled) total += weight * T * T * kl(target, own)
      else {
        const pair = (q: number[]) => [q[label], 1 - q[label]]
        const others = (q: number[]) => q.filter((_, c) => c !== label).map((x) => x / (1 - q[label]))
        const parts =
          decoupled.target * kl(pair(target), pair(own)) + decoupled.others * kl(others(target), others(own))
        total += weight * T * T * parts
      }
    }
  }
  return total / N
}

/** By central differences in float64. */
function gradientOf(
  name: string,
  node: methods.Role,
  edges: readonly methods.EdgeOf<number>[],
  all: Logits,
): Float64Array {
  return all[name].map((_, i) => {
    const at = (h: number) =>
      lossOf(name, node, edges, { ...all, [name]: all[name].map((x, j) => (j === i ? x + h : x)) })
    return (at(1e-5) - at(-1e-5)) / 2e-5
  })
}

type Made = methods.Method<Seen>

async function logitsOf(nodes: Made['nodes']): Promise<Logits> {
  const all = Object.entries(nodes).map(async ([name, { network }]) => {
    return [name, Float64Array.from(await network.parameters.get('z').read())] as const
  })
  return Object.fromEntries(await Promise.all(all))
}

/** Runs one recorded step of a method; `update` as in `recordGradients`. */
function record(method: Made, more: Partial<Graph> = {}, update?: (node: string) => void) {
  const graph: Graph = { views: { all: view }, ...method, ...more }
  checkGraph(graph)
  const source = pictureSource(gpu, pictures, N)
  source.select(rows)
  const labels = persistent(gpu, [N], LABELS, 'u32')
  const metrics = makeMetrics(graph)
  engine.step(() => recordGradients(graph, source, labels, metrics, update))
  return { metrics, gradient: (name: string) => graph.nodes[name].network.parameters.get('z').grad!.read() }
}

/** Every trained node's gradient, and where the fused loss has all of it, its value. */
async function check(what: string, method: Made, more: Partial<Graph> = {}, stored: Logits = {}): Promise<void> {
  const all = { ...(await logitsOf(method.nodes)), ...stored }
  const { metrics, gradient } = record(method, more)
  for (const [name, node] of Object.entries(method.nodes)) {
    if (!node.trained) continue
    allclose(
      await gradient(name),
      gradientOf(name, node, method.edges, all),
      { atol: 3e-6, rtol: 1e-4 },
      `${what}: ${name}`,
    )
    const fused = method.edges.every(({ decoupled, whileAgreeing }) => !decoupled && !whileAgreeing)
    const [total] = await metrics[name].read()
    if (fused)
      allclose([total / N], [lossOf(name, node, method.edges, all)], { atol: 3e-6 }, `${what}: loss of ${name}`)
  }
}

test('each is its formula', async () => {
  const options = { temperature: 3, tau: 1.7, weight: 0.3 }
  await check('supervised', methods.supervised(seen(1)))
  await check('label smoothing', methods.labelSmoothing(seen(1), 0.2))
  await check('kd', methods.kd(seen(1), seen(2), options))
  await check('eskd', methods.eskd(seen(1), seen(2), { ...options, until: 1 }))
  await check('dkd', methods.dkd(seen(1), seen(2), { ...options, target: 1.5, others: 6 }))
  await check('dkd at T = 1', methods.dkd(seen(3), seen(4), { temperature: 1, weight: 1 }))
  await check('dml', methods.dml([seen(1), seen(2), seen(3)], { weight: 0.4, temperature: 2 }))
  await check('dml_e', methods.dml([seen(1), seen(2), seen(3)], { weight: 0.4, temperature: 2, ensemble: true }))
  const triplet = { student: seen(1), teacher: seen(2), anchor: seen(3) }
  const weights = { teacherToStudent: 0.5, anchorToStudent: 2, studentToTeacher: 0.25, anchorToTeacher: 1.5 }
  await check('trikd', methods.trikd(triplet, { weights, temperature: 2 }))
  await check('online kd', methods.trikd({ student: seen(1), teacher: seen(2) }))
  await check('the anchor alone', methods.trikd({ student: seen(1), anchor: seen(3) }))
})

test('a virtual teacher is right with its probability, and undecided otherwise', async () => {
  const table = methods.virtualTeacher(LABELS, C, 0.85)
  for (const [row, label] of LABELS.entries()) {
    const p = softmax(table, row, 1)
    allclose(
      p,
      p.map((_, c) => (c === label ? 0.85 : 0.05)),
      { atol: 1e-7 },
    )
  }
  const stored = { virtual: persistent(gpu, [N, C], table) }
  const inBatch = Float64Array.from({ length: N * C }, (_, i) => table[rows[Math.floor(i / C)] * C + (i % C)])
  for (const temperature of [1, 20]) {
    await check('tf-kd', methods.tfkd(seen(1), { temperature, weight: 0.6 }), { stored }, { virtual: inBatch })
  }
  assert.throws(() => methods.virtualTeacher(LABELS, C, 1), /probability 1, needs/)
})

test('an ensemble target gives the gradient of the pairs', async () => {
  const members = [seen(1), seen(2), seen(3), seen(4)]
  const [pairs, mean] = [false, true].map((ensemble) => record(methods.dml(members, { ensemble })))
  for (const i of [0, 3])
    allclose(await mean.gradient(`member${i}`), await pairs.gradient(`member${i}`), { atol: 1e-6 })
})

test('with sequential updates a member learns from what its peers have become', async () => {
  const members = [seen(1), seen(2)]
  const method = methods.dml(members, { updates: 'sequential' })
  const before = await logitsOf(method.nodes)
  const optimizers = members.map(({ network }) => sgd(network.parameters.flat, { lr: 0.5 }))
  for (const optimizer of optimizers) optimizer.advance(1)
  const order: string[] = []
  const { gradient } = record(method, {}, (name) => {
    order.push(name)
    optimizers[Number(name.at(-1))].step()
  })
  assert.equal(order, ['member0', 'member1'])
  const after = await logitsOf(method.nodes)
  const { nodes, edges } = method
  allclose(await gradient('member0'), gradientOf('member0', nodes.member0, edges, before), { atol: 3e-6 })
  const now = { member0: after.member0, member1: before.member1 }
  allclose(await gradient('member1'), gradientOf('member1', nodes.member1, edges, now), { atol: 3e-6 })
  const stale = gradientOf('member1', nodes.member1, edges, before)
  assert.ok(
    (await gradient('member1')).some((g, i) => Math.abs(g - stale[i]) > 1e-3),
    'it would show',
  )
})

test('SCKD adds the gradient of the distillation only where it agrees with that of the labels', async () => {
  const student = seen(1)
  const labelsOnly = methods.supervised(student)
  const z = (await logitsOf(labelsOnly.nodes)).student
  const task = gradientOf('student', { ...labelsOnly.nodes.student, ceWeight: 0.5 }, [], { student: z })
  // Teachers that pull where the labels pull, and the other way.
  for (const [side, agrees] of [
    [-1, true],
    [1, false],
  ] as const) {
    const teacher = seen(2)
    assign(
      teacher.network.parameters.get('z'),
      z.map((x, i) => x + 5 * side * task[i]),
    )
    const method = methods.sckd(student, teacher, { temperature: 2 })
    const all = await logitsOf(method.nodes)
    const whole = gradientOf('student', method.nodes.student, method.edges, all)
    const dot = task.reduce((total, g, i) => total + g * (whole[i] - task[i]), 0)
    assert.is(dot > 0, agrees)
    const { gradient } = record(method)
    allclose(await gradient('student'), agrees ? whole : task, { atol: 3e-6 }, `agrees: ${agrees}`)
  }
})

test('two gradients join where their product is positive', async () => {
  const a = uniform(1000, 3)
  for (const sign of [1, -1]) {
    const [x, extra] = [engine.tensor(a), engine.tensor(a.map((v) => 0.5 * sign * v))]
    engine.step(() => addWhereAgreeing(x, extra))
    allclose(
      await extra.read(),
      a.map((v) => (sign > 0 ? 1.5 : 1) * v),
      { atol: 1e-6 },
    )
  }
  assert.throws(
    () => addWhereAgreeing(engine.zeros([3]), engine.zeros([4])),
    /addWhereAgreeing: \[3\] and \[4\] differ/,
  )
})

test('a retained graph runs backward again to the same gradient, then no more', async () => {
  const x = engine.tensor([0.1, -0.4, 2], [3], { requiresGrad: true })
  const y = sum(mul(exp(x), x))
  backward(y, undefined, { retain: true })
  const first = await x.grad!.read()
  x.gradEmpty = true
  backward(y)
  assert.equal(await x.grad!.read(), first)
  assert.throws(() => backward(y), /already run backward/)
})

test('an edge that ends has its weight until then', () => {
  const { edges } = methods.eskd(seen(1), seen(2), { until: 2, weight: 0.3 })
  const [kept] = methods.kd(seen(1), seen(2)).edges
  const ending = endingEdges([...edges, kept])
  const weights = [0, 1, 2, 3].map((epoch) => {
    ending.at(epoch)
    return (ending.edges[0].weight as Scalar).value
  })
  assert.equal(weights, [0.3, 0.3, 0, 0])
  assert.is(ending.edges[1], kept)
})

test('a graph that cannot be is refused', () => {
  const method = methods.kd(seen(1), seen(2))
  const graph = (edge: Partial<Edge>) => ({ views: { all: view }, ...method, edges: [{ ...method.edges[0], ...edge }] })
  const cases: [Partial<Edge>, RegExp][] = [
    [{ from: ['teacher', 'nobody'] }, /edge teacher,nobody → student: there is no 'nobody'/],
    [{ from: [] }, /from nobody/],
    [{ until: -1 }, /until epoch -1/],
    [{ weight: Number.NaN }, /weight NaN/],
  ]
  for (const [edge, message] of cases) assert.throws(() => checkGraph(graph(edge)), message)
  assert.not.throws(() => checkGraph(graph({})))
})

test.run()
