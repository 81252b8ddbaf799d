// A small study of every method of TriKD's recipe on the shared device.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type DatasetPair, makePair } from '../../src/data/dataset.ts'
import { synthetic } from '../../src/data/synthetic.ts'
import { kd, supervised } from '../../src/distill/methods.ts'
import { TRIKD_CLAIMS } from '../../src/report/claimsTrikd.ts'
import type { Run } from '../../src/report/rows.ts'
import type { Cell } from '../../src/study/cells.ts'
import { METHODS, type Recipe } from '../../src/study/recipe.ts'
import { resultsOf } from '../../src/study/results.ts'
import type { Described, Stage } from '../../src/study/stage.ts'
import { TRIKD_METHODS, TRIKD_PRESETS, type TrikdRecipe } from '../../src/study/trikdRecipe.ts'
import { trikdStages } from '../../src/study/trikdStages.ts'
import { running } from './running.ts'
import { smallData, smallStages } from './small.ts'

const test = suite('methods of a study')

const data = await smallData()
const tiny = (width: number) => ({ depth: 8, widths: [width, width, width] as const, stemStride: 1 })
const small: TrikdRecipe = {
  ...TRIKD_PRESETS.smoke.recipe,
  trainImages: 60,
  testImages: 50,
  sizes: [8],
  batch: 20,
  epochs: 20,
  teacherEpochs: 15,
  distillUntil: 15,
  teacher: tiny(6),
  student: tiny(4),
  assistants: [tiny(5)],
  temperatures: [4],
  methods: TRIKD_METHODS.filter((method) => method !== 'large-teacher' && method !== 'ablation'),
}

async function run(recipe: TrikdRecipe): Promise<{ stages: Stage[]; cells: Map<string, Cell> }> {
  const stages = trikdStages(recipe, { side: 8, channels: 1, classes: 10 })
  return { stages, cells: await runStages(stages, data) }
}

const runStages = async (stages: Stage[], data: DatasetPair) => (await running(stages, data)).cells

test('every method trains, learns, and has its rows; the rows say who is near to whom', async () => {
  const { stages, cells } = await run(small)
  const facts = { seeds: [0], preset: 'smoke', dataset: 'synthetic', config: {} } as unknown as Run
  const { rows, claims, curves } = resultsOf(facts, stages, cells, TRIKD_CLAIMS)
  for (const row of rows) {
    const name = `${row.method} ${row.generation ?? ''} ${row.role ?? 'student'}`
    assert.is(row.status, 'ok', `${name}: ${row.reason}`)
  }
  for (const { method, generation, role, points } of curves!) {
    const [first, last] = [points[0], points.at(-1)!].map(({ trainAccuracy }) => trainAccuracy!)
    const name = `${method} ${generation ?? ''} ${role ?? 'student'}: ${first} → ${last} of the training images right`
    assert.ok(last > first + 0.1, name)
  }
  const row = (method: string, generation?: number, role?: 'teacher') => {
    return rows.find((one) => one.method === method && one.generation === generation && one.role === role)!
  }
  assert.equal([row('trikd', 1).loss, row('trikd', 1).peerLoss], ['CE+T+A', 'CE+S+A'])
  assert.equal([row('trikd', 1, 'teacher').loss, row('trikd', 1, 'teacher').peerLoss], ['CE+S+A', 'CE+T+A'])
  assert.equal([row('anchor', 1).loss, row('anchor', 1).peerLoss], ['CE+A', undefined])
  assert.is(row('supervised').loss, undefined)
  for (const one of [row('trikd', 1), row('labelAnchor', 1), row('online', 1)]) {
    for (const kl of [one.klTeacher, one.klTeacherTrain, one.klAnchor, one.klAnchorTrain])
      assert.ok(kl! > 0 && kl! < 10)
    for (const share of [one.agreeTeacher, one.agreeAnchorTrain]) assert.ok(share! > 0 && share! <= 1)
  }
  assert.is(row('supervised').klTeacher, undefined)
  assert.ok(row('trikd', 1).klAnchorTrain! < row('online', 1).klAnchorTrain!, 'the anchor pulls')
  assert.ok(row('kd').klTeacherTrain! < 10 && row('kd').teacherSeconds! > 0)
  assert.equal(
    rows.filter(({ method }) => method === 'dml').map(({ member }) => member),
    [0, 1, 2],
  )
  // The two targets of DML have one gradient: they go the same way but for rounding.
  const losses = ['dml', 'dmlE'].map((method) => rows.find((one) => one.method === method)!.trainNll!)
  assert.ok(Math.abs(losses[0] - losses[1]) < 0.05, `${losses}`)
  assert.is(claims.length, 12)
  assert.ok(claims.some(({ verdict }) => verdict === 'one seed, no verdict'))
})

const CQKD_OPTIONS: [string, Partial<Recipe>][] = [
  ['as it is', { methods: [...METHODS] }],
  ['the teacher sees what the student sees', { methods: ['cqkd'], teacherInput: 'low' }],
  // Without batch norm's help it takes longer.
  ['batch norm frozen after an evaluation', { methods: ['dml'], bnAfterEval: 'freeze', epochs: 80 }],
  ['one after the other', { methods: ['dml', 'dml-e'], updates: 'sequential' }],
]
for (const [name, options] of CQKD_OPTIONS) {
  test(`CQKD, ${name}: students of small pictures learn`, async () => {
    const stages = smallStages({ epochs: 20, ...options })
    const cells = await runStages(stages, data)
    for (const { id } of stages) {
      const cell = cells.get(id)!
      assert.is(cell.status, 'ok', `${id}: ${cell.reason}`)
      const { curve } = cell.outcome!
      for (const node of Object.keys(curve[0].nodes)) {
        const [first, last] = [curve[0], curve[curve.length - 1]].map(({ nodes }) => nodes[node].hit)
        assert.ok(last > first + 0.1, `${id}, ${node}: ${first} → ${last} of the training images right`)
      }
    }
  })
}

test('across modalities: a teacher of colours, students of grey and of edges', async () => {
  const colours = synthetic({ train: 120, test: 50, size: 8, channels: 3 })
  const pair = await makePair(colours.train, colours.test, 'synthetic')
  const classes = 10
  const seeing = (modality: 'colour' | 'grey' | 'edges', who: string): Described => {
    return {
      network: { ...tiny(4), channels: modality === 'colour' ? 3 : 1, classes },
      view: modality,
      from: `init ${who}`,
    }
  }
  const [base] = trikdStages({ ...small, methods: ['supervised'] }, { side: 8, channels: 3, classes })
  const views = Object.fromEntries(
    (['colour', 'grey', 'edges'] as const).map((modality) => [
      modality,
      { size: 8, downscale: 'area' as const, modality },
    ]),
  )
  const label = { method: 'cmkd', size: 8, temperature: 4, teacher: 'raw' as const }
  const teacher = {
    ...base,
    id: 'teacher',
    views,
    nodes: { teacher: supervised(seeing('colour', 'teacher')).nodes.student },
  }
  const from = { stage: 'teacher', node: 'teacher' }
  const students = (['grey', 'edges'] as const).map((modality): Stage => {
    const method = kd(seeing(modality, 'student'), { ...seeing('colour', 'teacher'), from })
    return { ...base, id: modality, views, ...method, compare: true, label }
  })
  const cells = await runStages([teacher, ...students], pair)
  for (const name of ['teacher', 'grey', 'edges'])
    assert.is(cells.get(name)!.status, 'ok', cells.get(name)!.reason ?? '')
  const kl = students.map(({ id }) => cells.get(id)!.outcome!.nodes.student.toward!.teacher.trainKl)
  assert.ok(kl.every((value) => value > 0) && kl[0] !== kl[1], `${kl}`)
  for (const { id } of students) {
    const { curve, nodes } = cells.get(id)!.outcome!
    const [first, last] = [curve[0], curve[curve.length - 1]].map((point) => point.nodes.student.hit)
    assert.ok(last > first + 0.1, `${id} learns: ${first} to ${last}`)
    assert.ok(nodes.student.toward!.teacher.trainAgreement > 0.3, `${id} follows its teacher`)
  }
})

test('how near a student is to its teacher is told of the teacher as it teaches, its logits divided by τ', async () => {
  const stages = trikdStages({ ...small, epochs: 1, methods: ['kd'] }, { side: 8, channels: 1, classes: 10 })
  const [teacher, taught] = stages
  const near = async (tau: number) => {
    // Of no weight, so that the student is the same whatever τ.
    const edges = taught.edges.map((edge) => ({ ...edge, tau, weight: 0 }))
    const stage: Stage = { ...taught, id: `τ = ${tau}`, edges, compare: true }
    const cells = await runStages([teacher, stage], data)
    const { student } = cells.get(stage.id)!.outcome!.nodes
    return { ...student.toward!.teacher, sha256: student.sha256, own: cells.get(teacher.id)!.outcome!.nodes.teacher }
  }
  const [plain, flat] = [await near(1), await near(1e9)]
  assert.is(flat.sha256, plain.sha256)
  // Divided by so much, the teacher says one tenth of every class: its calibration error is its accuracy's distance
  // from that.
  assert.ok(Math.abs(flat.ece! - Math.abs(flat.own.test.accuracy - 0.1)) < 1e-6)
  assert.ok(Math.abs(flat.kl - plain.kl) > 1e-3, `${plain.kl} and ${flat.kl}`)
  assert.is(flat.agreement, plain.agreement, 'the largest logit stays the largest')
})

test('distillation that ends at epoch 0 is none, and one that ends with the training is plain KD', async () => {
  const methods: TrikdRecipe['methods'] = ['kd', 'eskd', 'supervised']
  const digest = (cells: Map<string, Cell>, name: string) =>
    cells.get(`seed0/8px/${name}`)!.outcome!.nodes.student.sha256
  const common = { ...small, methods, epochs: 4, teacherEpochs: 4 }
  const never = (await run({ ...common, distillUntil: 0 })).cells
  assert.is(digest(never, 'eskd'), digest(never, 'supervised'))
  const always = (await run({ ...common, distillUntil: 4 })).cells
  assert.is(digest(always, 'eskd'), digest(always, 'kd-T4'))
  assert.is.not(digest(always, 'eskd'), digest(never, 'eskd'))
})

test.run()
