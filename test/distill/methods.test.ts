// Every method's loss and gradients against its formula in float64 (reference.ts).
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { type Edge, endingEdges } from '../../src/distill/edge.ts'
import { checkGraph } from '../../src/distill/graph.ts'
import * as methods from '../../src/distill/methods.ts'
import { Scalar } from '../../src/gpu/scalar.ts'
import { addWhereAgreeing } from '../../src/ops/agree.ts'
import { exp, mul } from '../../src/ops/pointwise.ts'
import { sum } from '../../src/ops/reduce.ts'
import { sgd } from '../../src/optim.ts'
import { assign } from '../../src/tensor.ts'
import { allclose, uniform } from '../check.ts'
import { engine } from '../device.ts'
import { check, gradientOf, kl, LABELS, logitsOf, lossOf, N, record, rows, seen, softmax, view } from './reference.ts'

const test = suite('methods')

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
  const cohort = [1, 2, 3, 4, 5, 6].map(seen) // more peers than one fused loss takes
  await check('dml of 5', methods.dml(cohort.slice(1), { weight: 0.4, temperature: 2 }))
  await check('dml of 6', methods.dml(cohort, { weight: 0.4, temperature: 2 }))
  const triplet = { student: seen(1), teacher: seen(2), anchor: seen(3) }
  const weights = { teacherToStudent: 0.5, anchorToStudent: 2, studentToTeacher: 0.25, anchorToTeacher: 1.5 }
  await check('trikd', methods.trikd(triplet, { weights, temperature: 2 }))
  await check('online kd', methods.trikd({ student: seen(1), teacher: seen(2) }))
  await check('the anchor alone', methods.trikd({ student: seen(1), anchor: seen(3) }))
})

test('DML_e is that of the published code: (1 - w) CE + w KL from the mean of the others', async () => {
  const cohort = [1, 2, 3, 4].map(seen)
  for (const [w, ce, options] of [
    [0.3, 0.7, { weight: 0.3 }],
    [0.5, 1, { ceWeight: 1 }],
  ] as const) {
    const method = methods.dml(cohort, { ...options, ensemble: true })
    const all = Object.values(await logitsOf(method.nodes))
    const { metrics, gradient } = record(method)
    for (const [i, own] of all.entries()) {
      const others = all.filter((_, j) => j !== i)
      const loss = (z: Float64Array) => {
        let total = 0
        for (let row = 0; row < N; row++) {
          const p = softmax(z, row, 1)
          const mean = p.map((_, c) => others.reduce((sum, other) => sum + softmax(other, row, 1)[c] / 3, 0))
          total += (w * kl(mean, p) - ce * Math.log(p[LABELS[rows[row]]])) / N
        }
        return total
      }
      const slope = own.map((_, k) => {
        const [up, down] = [1e-5, -1e-5].map((h) => loss(own.map((x, j) => (j === k ? x + h : x))))
        return (up - down) / 2e-5
      })
      allclose(await gradient(`member${i}`), slope, { atol: 3e-6, rtol: 1e-4 }, `w = ${w}: member${i}`)
      const [total] = await metrics[`member${i}`].read()
      allclose([total / N], [loss(own)], { atol: 3e-6 }, `w = ${w}: loss of member${i}`)
    }
  }
})

test('an ensemble target gives the gradient of the pairs', async () => {
  const members = [seen(1), seen(2), seen(3), seen(4)]
  const [pairs, mean] = [false, true].map((ensemble) => record(methods.dml(members, { ensemble })))
  for (const i of [0, 3])
    allclose(await mean.gradient(`member${i}`), await pairs.gradient(`member${i}`), { atol: 1e-6 })
})

const sequentially = (ensemble: boolean) => async () => {
  const members = [seen(1), seen(2)]
  const method = methods.dml(members, { updates: 'sequential', ensemble })
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
}
test('with sequential updates a member learns from what its peers have become', sequentially(false))
test('with an ensemble target, too', sequentially(true))

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
    const { gradient, metrics } = record(method)
    allclose(await gradient('student'), agrees ? whole : task, { atol: 3e-6 }, `agrees: ${agrees}`)
    const loss = lossOf('student', method.nodes.student, method.edges, all)
    allclose([(await metrics.student.read())[0] / N], [loss], { atol: 3e-6 }, 'the reported loss has both')
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
  const changing = new Scalar('weight', 0.3)
  const followed = endingEdges([{ ...edges[0], weight: changing }])
  changing.value = 0.1
  followed.at(0)
  assert.is((followed.edges[0].weight as Scalar).value, 0.1)
})

test('a graph that cannot be is refused', () => {
  const method = methods.kd(seen(1), seen(2))
  const stored = { kept: engine.zeros([4, 3]) }
  const graph = (edge: Partial<Edge>) => ({
    views: { all: view },
    ...method,
    stored,
    edges: [{ ...method.edges[0], ...edge }],
  })
  const cases: [Partial<Edge>, RegExp][] = [
    [{ from: ['teacher', 'nobody'] }, /edge teacher,nobody → student: there is no 'nobody'/],
    [{ from: [] }, /from nobody/],
    [{ until: -1 }, /until epoch -1/],
    [{ weight: Number.NaN }, /weight NaN/],
    [{ decoupled: { target: 1, others: 1 }, until: 3 }, /decoupled, so its weight is a number that has no end/],
    [{ decoupled: { target: 1, others: 1 }, from: 'kept' }, /decoupled, so its teacher has to run; 'kept' is stored/],
  ]
  for (const [edge, message] of cases) assert.throws(() => checkGraph(graph(edge)), message)
  assert.not.throws(() => checkGraph(graph({})))
})

test.run()
