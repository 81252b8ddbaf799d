// What a recipe may say where its form depends on a choice in it.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { departures } from '../../src/study/config.ts'
import type { Paper } from '../../src/study/paper.ts'
import { CQKD, TRIKD } from '../../src/study/papers.ts'
import type { CommonRecipe } from '../../src/study/recipe.ts'

const test = suite('recipe schema')

/** The quick preset's recipe with what a document says. */
function told<R extends CommonRecipe>(paper: Paper<R>, document: object): R {
  return paper.schema(document, '', paper.presets.quick.recipe)
}

test('a schedule by steps has milestones, and nothing of one by a curve', () => {
  const steps = { name: 'multiStep', milestones: [0.5, 0.75] }
  const recipe = told(CQKD, { schedule: steps })
  assert.equal(recipe.schedule, steps)
  assert.equal(departures(CQKD.presets.quick.recipe, recipe, recipe, CQKD), [
    'schedule.name="multiStep"',
    'without schedule.warmup',
    'schedule.milestones=[0.5,0.75]',
  ])
  assert.is(JSON.stringify(CQKD.schema(recipe, '')), JSON.stringify(recipe), 'it is taken as it is written')
  assert.equal(told(CQKD, { schedule: { ...steps, gamma: 0.2 } }).schedule, { ...steps, gamma: 0.2 })
  const later = CQKD.schema({ schedule: { milestones: [0.9] } }, '', recipe)
  assert.equal(later.schedule, { ...steps, milestones: [0.9] }, 'in part')
  const cases: [unknown, RegExp][] = [
    [{ name: 'multiStep' }, /^schedule.milestones is missing: a list of at least one$/],
    [{ ...steps, warmup: 0 }, /^unknown key 'schedule.warmup', .*known: name, milestones, gamma$/],
    [{ ...steps, milestones: [150, 180] }, /^schedule.milestones\[0\] 150: a number between 0 and 1$/],
    [{ ...steps, milestones: [0.5, 0.5] }, /^schedule.milestones \[0.5,0.5\]: rising shares of the training$/],
    [{ milestones: [0.5] }, /^unknown key 'schedule.milestones', .*known: name, warmup$/],
    [{ name: 'steps' }, /^schedule.name "steps": one of cosine, oneCycle, constant, multiStep$/],
    [7, /^schedule 7: an object with the keys name, warmup$/],
  ]
  for (const [schedule, message] of cases) assert.throws(() => told(CQKD, { schedule }), message)
  assert.throws(() => CQKD.schema({ schedule: { name: 'cosine' } }, '', recipe), /^schedule.warmup is missing/)
})

test('assistants are a list of networks, by keys or by name', () => {
  const assistants = ['resnet14', { depth: 8, widths: [9, 9, 9] }, 'resnet8:4,8,16']
  const recipe = told(TRIKD, { assistants })
  const [before] = TRIKD.presets.quick.recipe.assistants
  assert.equal(recipe.assistants, [
    { ...before, depth: 14 },
    { depth: 8, widths: [9, 9, 9] },
    { ...before, depth: 8, widths: [4, 8, 16] },
  ])
  assert.throws(() => told(TRIKD, { assistants: [] }), /^assistants \[\]: a list of at least one$/)
  assert.throws(() => told(TRIKD, { assistants: ['resnet14', 'vgg'] }), /^assistants\[1\] "vgg": resnetD/)
})

test("Tf-KD's temperature and smoothing come together", () => {
  const tfkd = { temperature: 20, smoothing: 'probabilities' }
  for (const paper of [CQKD, TRIKD] as unknown as Paper<CommonRecipe>[]) {
    assert.equal(told(paper, { tfkd }).tfkd, tfkd)
    assert.throws(
      () => told(paper, { tfkd: { temperature: 20 } }),
      /^tfkd.smoothing is missing: one of none, logits, prob/,
    )
    assert.throws(() => told(paper, { virtualTeacher: 1 }), /^virtualTeacher 1: a number between 0 and 1$/)
  }
})

test('recipes in docs/recipes.md are recipes', () => {
  const blocks = [...readFileSync('docs/recipes.md', 'utf8').matchAll(/```json\n(.*?)```/gs)].map(([, text]) => text)
  assert.is(blocks.length, 2)
  const [, literature] = blocks.map((text) => {
    const document = JSON.parse(text)
    return CQKD.check(CQKD.schema(document, '', CQKD.presets[document.preset].recipe))
  })
  const stages = CQKD.stages(literature, { side: 32, channels: 3, classes: 100 })
  assert.equal(
    stages.map(({ id }) => id),
    ['seed0/teacher', 'seed0/32px/supervised', 'seed0/32px/cqkd-raw-T4'],
  )
  const { edges, nodes, schedule, optimizer } = stages[2]
  assert.equal([edges[0].weight, edges[0].temperature, edges[0].tau], [0.9, 4, 1])
  assert.ok(Math.abs(nodes.student.ceWeight - 0.1) < 1e-12)
  assert.equal(schedule, { name: 'multiStep', milestones: [0.625, 0.75, 0.875] })
  assert.equal(optimizer, { name: 'sgd', lr: 0.05, weightDecay: 5e-4, momentum: 0.9 })
})

test.run()
