// The loss of every cell as a formula, beside the recipe.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CQKD, TRIKD } from '../../src/study/papers.ts'
import { printConfig } from '../../src/study/printConfig.ts'

const test = suite('print config')

const pictures = { side: 28, channels: 1, classes: 10 }

test('with the recipe the loss of every cell is told, as a formula, and where its letters come from', () => {
  const recipe = { ...CQKD.presets.quick.recipe, sizes: [7], temperatures: [4] }
  const stages = CQKD.stages(recipe, pictures)
  const { out, err } = printConfig(stages, { recipe })
  assert.equal(JSON.parse(out), recipe)
  for (const [i, { id }] of stages.entries()) assert.match(err, `${i + 1}  ${id}\n   L(`)
  assert.ok(
    err.includes(`3  seed0/7px/cqkd-T4
   L(student) = 0.5 CE(student, y) + 0.5 4² KL(teacher/τ ‖ student; T=4)
   teacher is the teacher of cell 1, seed0/teacher
   τ is fitted in cell 1 on images held out
4  seed0/7px/cqkd-raw-T4
   L(student) = 0.5 CE(student, y) + 0.5 4² KL(teacher ‖ student; T=4)
   teacher is the teacher of cell 1, seed0/teacher
5  seed0/7px/dml
   L(member0) = 0.5 CE(member0, y) + 0.25 KL(member1 ‖ member0) + 0.25 KL(member2 ‖ member0)
   L(member1)`),
    err,
  )
  const whole = printConfig(stages, { recipe, json: true })
  assert.is(whole.err, '')
  const document = JSON.parse(whole.out)
  assert.equal(document.recipe, recipe)
  assert.is(document.cells.length, stages.length)
  assert.equal(document.cells[0], {
    number: 1,
    id: 'seed0/teacher',
    losses: ['L(teacher) = CE(teacher, y)'],
    where: [],
  })
})

test('so is that of TriKD, whose anchors are other cells, and of virtual teachers', () => {
  const recipe = { ...TRIKD.presets.quick.recipe, seeds: [0], methods: ['trikd', 'tfkd'] as ('trikd' | 'tfkd')[] }
  const { err } = printConfig(TRIKD.stages(recipe, pictures), { recipe })
  assert.ok(
    err.includes(`3  seed0/7px/generation2
   L(student) = CE(student, y) + KL(teacher ‖ student) + KL(anchor ‖ student)
   L(teacher) = CE(teacher, y) + KL(student ‖ teacher) + KL(anchor ‖ teacher)
   anchor is the student of cell 2, seed0/7px/generation1
4  seed0/7px/tfkd
   L(student) = CE(student, y) + KL(virtual ‖ student)
   virtual has probability 0.9 at the label and equal ones at all else
`),
    err,
  )
})

test('a virtual teacher that is smoothed in its own way says how', () => {
  const where = (smoothing: 'none' | 'logits' | 'probabilities') => {
    const changes = { seeds: [0], methods: ['tfkd' as const], tfkd: { temperature: 20, smoothing } }
    const recipe = { ...TRIKD.presets.quick.recipe, ...changes }
    const [, loss, told] = printConfig(TRIKD.stages(recipe, pictures), { recipe }).err.split('\n')
    assert.is(loss.trim(), 'L(student) = CE(student, y) + 20² KL(virtual ‖ student; T=20)')
    return told.trim()
  }
  const one = 'virtual has probability 0.9 at the label and equal ones at all else'
  assert.is(where('logits'), one)
  assert.is(where('none'), `${one}, at any temperature`)
  assert.is(where('probabilities'), `${one}, p; at a temperature T it is softmax(p/T)`)
})

test('cells that differ only in seed are told once, the first of them, and which seeds are like it', () => {
  const recipe = { ...TRIKD.presets.quick.recipe, seeds: [0, 1, 2, 5], sizes: [14, 7] }
  const stages = TRIKD.stages(recipe, pictures)
  const { err } = printConfig(stages, { recipe })
  const told = [...err.matchAll(/^\d+ {2}(seed\d\S+) {2}\(likewise of seeds 1-2,5\)$/gm)].map(([, id]) => id)
  assert.equal(
    told,
    stages.map(({ id }) => id).filter((id) => id.startsWith('seed0/')),
  )
  assert.is(err.match(/^\d/gm)?.length, told.length)
  // What only one seed has stands for itself.
  const [first, ...others] = stages
  const strange = { ...first, edges: [], id: first.id.replace('teacher', 'other') }
  assert.match(printConfig([strange, ...others], { recipe }).err, /^1 {2}seed0\/14px\/other$/m)
  const document = JSON.parse(printConfig(stages, { recipe, json: true }).out)
  assert.is(document.cells.length, stages.length)
})

test.run()
