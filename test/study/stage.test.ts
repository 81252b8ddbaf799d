import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isReduced } from '../../src/report/caption.ts'
import type { Run } from '../../src/report/rows.ts'
import { cqkdStages } from '../../src/study/cqkdStages.ts'
import { CQKD } from '../../src/study/papers.ts'
import { PRESETS } from '../../src/study/recipe.ts'
import { split } from '../../src/study/runStage.ts'
import { type Label, needs, type Stage } from '../../src/study/stage.ts'
import { checkTrikd, TRIKD_PRESETS } from '../../src/study/trikdRecipe.ts'
import { smallData, smallStages } from './small.ts'

const test = suite('stages')

const { train } = await smallData()
const pictures = { side: 28, channels: 1, classes: 10 }

test('every preset is a list of cells with names of their own, teachers before those who learn from them', () => {
  const counts = {
    smoke: 5,
    quick: 13,
    standard: 5 * (1 + 3 * (1 + 5 + 3 + 1) + 2 * (1 + 5)),
    paper: 1 + 6 * (1 + 3 + 2 + 1),
    cifar10: 1 + 6 * (1 + 5 + 3 + 1),
  }
  for (const [name, { recipe }] of Object.entries(PRESETS)) {
    const stages = cqkdStages(recipe, pictures)
    assert.is(stages.length, counts[name as keyof typeof counts], name)
    const seen = new Set<string>()
    for (const stage of stages) {
      assert.not(seen.has(stage.id), stage.id)
      for (const need of needs(stage)) assert.ok(seen.has(need), `${stage.id} needs ${need}`)
      seen.add(stage.id)
    }
  }
})

test("the paper preset alone is the paper's experiment", () => {
  const own = Object.entries(PRESETS).filter(([preset, { recipe }]) => {
    assert.is(recipe.preset, preset)
    return !isReduced({ preset, dataset: recipe.dataset } as Run)
  })
  assert.equal(
    own.map(([name]) => name),
    ['paper'],
  )
  const { teacher, student, sizes, epochs, batch, optimizer, schedule } = PRESETS.paper.recipe
  assert.equal([teacher.depth, student.depth, epochs, batch], [50, 18, 20, 512])
  assert.equal(sizes, [168, 112, 84, 56, 42, 28])
  assert.equal(optimizer, { name: 'adamw', lr: 1e-3, weightDecay: 0.01 })
  assert.equal(schedule, { name: 'oneCycle', warmup: 0.1 })
})

test('the teacher sees full resolution while it teaches, or low where that is asked for', () => {
  const teaching = (stages: Stage[]) => stages.find(({ id }) => id.endsWith('cqkd-T4'))!.views.full.size
  assert.is(teaching(smallStages()), 8)
  assert.is(teaching(smallStages({ teacherInput: 'low' })), 4)
})

test('a same-resolution teacher is made where the resolution is another than the full one', () => {
  const ids = smallStages({ methods: ['same-resolution'], sizes: [8, 4] }).map(({ id }) => id)
  assert.equal(ids, ['seed0/4px/teacher', 'seed0/4px/same-resolution-T4'])
})

test('members of DML start from different weights and learn from all their peers', () => {
  const [dml] = smallStages({ methods: ['dml'], weight: 0.4 })
  const from = Object.values(dml.nodes).map((node) => node.from)
  assert.is(new Set(from).size, 3)
  assert.is(dml.edges.length, 6)
  assert.ok(dml.edges.every(({ weight, temperature }) => weight === 0.2 && temperature === 1))
  assert.ok(Object.values(dml.nodes).every(({ ceWeight }) => ceWeight === 0.6))
  assert.is(dml.updates, undefined)
  const [other] = smallStages({ methods: ['dml'], updates: 'sequential', bnAfterEval: 'freeze' })
  assert.is(other.updates, 'sequential')
  assert.ok(Object.values(other.nodes).every(({ batchStatistics }) => !batchStatistics))
})

test('DML_e is DML with one target, the mean of the peers, under all of its options', () => {
  const options = { weight: 0.4, updates: 'sequential', bnAfterEval: 'freeze', members: 4, ceWeight: 1 } as const
  const [dml, mean] = smallStages({ methods: ['dml', 'dml-e'], ...options })
  assert.is(mean.id, 'seed0/4px/dml-e')
  assert.equal(mean.nodes, dml.nodes)
  assert.is(mean.updates, 'sequential')
  assert.equal(
    mean.edges.map(({ from, to, weight }) => [from, to, weight]),
    [0, 1, 2, 3].map((i) => [[0, 1, 2, 3].filter((j) => j !== i).map((j) => `member${j}`), `member${i}`, 0.4]),
  )
  assert.equal(mean.label, { method: 'dmlE', size: 4, temperature: null, teacher: null })
})

test('Tf-KD has its temperature and smoothing; a probability alone says the one that is not smoothed', () => {
  const [plain] = smallStages({ methods: ['tfkd'], weight: 0.4 })
  assert.equal([plain.virtual, plain.edges[0].temperature, plain.edges[0].weight], [0.9, 1, 0.4])
  assert.is(plain.nodes.student.ceWeight, 0.6)
  const made = (smoothing: 'none' | 'logits' | 'probabilities', temperature: number) => {
    const [{ virtual, edges, label }] = smallStages({ methods: ['tfkd'], tfkd: { temperature, smoothing } })
    assert.equal([edges[0].temperature, (label as Label).temperature], [temperature, temperature])
    return virtual
  }
  assert.is(made('none', 1), 0.9)
  assert.is(made('logits', 20), 0.9)
  assert.equal(made('none', 20), { probability: 0.9, temperature: 20, smoothing: 'none' })
  assert.equal(made('probabilities', 1), { probability: 0.9, temperature: 1, smoothing: 'probabilities' })
})

test('supervised and distilled students of a seed start from the same weights and images', () => {
  const [, supervised, distilled] = smallStages()
  assert.is(supervised.nodes.student.from, distilled.nodes.student.from)
  assert.equal(split(train, supervised).rows, split(train, distilled).rows)
})

test('τ is fitted on images that neither teacher nor student was trained on', () => {
  for (const trainImages of [60, null]) {
    const [teacher, student] = smallStages({ trainImages })
    const { rows, held } = split(train, teacher)
    assert.is(held!.length, 40)
    assert.is(rows.length, trainImages ?? 80)
    const trained = new Set([...rows, ...split(train, student).rows])
    assert.is(trained.size, rows.length)
    assert.not.ok(held!.some((row) => trained.has(row)))
  }
  const all = split(train, smallStages({ trainImages: null, calibrationImages: 0, methods: ['supervised'] })[0])
  assert.is(new Set(all.rows).size, 120)
  assert.is(all.held, null)
})

test('colour by name is what students see anyway; other modalities are CMKD', () => {
  const { recipe } = PRESETS.smoke
  const pictures = { side: 28, channels: 3, classes: 10 }
  const stages = (modality?: 'colour' | 'grey') => CQKD.stages({ ...recipe, ...(modality && { modality }) }, pictures)
  assert.equal(stages('colour'), stages())
  const methods = stages('grey').flatMap(({ label }) => ('method' in label ? [label.method] : []))
  assert.ok(methods.includes('cmkd') && !methods.includes('cqkd'))
})

test("ESKD's teacher and its distillation stop before the others", () => {
  const { recipe } = TRIKD_PRESETS.quick
  const eskd: typeof recipe = { ...recipe, methods: ['eskd'], epochs: 10 }
  assert.throws(() => checkTrikd(eskd), /^teacher-epochs 10: eskd's teacher stops before the 10 epochs of others/)
  const late = { ...eskd, teacherEpochs: 5 }
  assert.throws(() => checkTrikd(late), /^distill-until 15: eskd stops distilling before the end, epoch 10/)
  checkTrikd({ ...late, distillUntil: 8 })
  checkTrikd({ ...eskd, methods: ['kd'] })
})

test.run()
