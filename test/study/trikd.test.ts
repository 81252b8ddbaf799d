// TriKD's stages, presets, formulas and flags.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { labelOf } from '../../src/report/groups.ts'
import { helpText, parseArguments } from '../../src/study/args.ts'
import { formulas } from '../../src/study/formulas.ts'
import { TRIKD } from '../../src/study/papers.ts'
import { type Label, needs, type Stage } from '../../src/study/stage.ts'
import { keysOf } from '../../src/study/store.ts'
import { TRIKD_METHODS, TRIKD_PRESETS, type TrikdRecipe } from '../../src/study/trikdRecipe.ts'
import { trikdStages } from '../../src/study/trikdStages.ts'
import { setting } from './small.ts'

const test = suite('trikd')

const pictures = { side: 28, channels: 1, classes: 10 }
const stagesOf = (changes: Partial<TrikdRecipe>, preset = 'quick') => {
  return trikdStages({ ...TRIKD_PRESETS[preset].recipe, seeds: [0], ...changes }, pictures)
}
const names = (stages: Stage[]) => stages.map(({ id }) => id.replace(/^seed0\/\d+px\//, ''))
const find = (stages: Stage[], name: string) => stages.find(({ id }) => id.endsWith(`px/${name}`))!

test('the quick preset is the protocol: rows, images, steps, networks', () => {
  const stages = stagesOf({})
  assert.equal(names(stages), [
    'teacher',
    'supervised',
    'kd-T1',
    'kd-T4',
    'generation0',
    'generation1',
    'generation2',
    'anchor-alone',
    'label-anchor',
  ])
  for (const { trainImages, batch, epochs, views, optimizer, augmentation, calibrationImages } of stages) {
    assert.is(epochs * Math.floor(trainImages! / batch), 300)
    assert.equal([views.low.size, views.low.downscale], [7, 'area'])
    assert.equal(optimizer, { name: 'adamw', lr: 1e-2, weightDecay: 0.05 })
    assert.equal([augmentation, calibrationImages], [null, 0])
  }
  const { nodes, edges } = find(stages, 'generation2')
  assert.equal(nodes.teacher.network.widths, [16, 32, 64])
  assert.equal(nodes.student.network, nodes.anchor.network)
  assert.ok(edges.every(({ weight, temperature, tau }) => weight === 1 && temperature === 1 && tau === 1))
  assert.equal(TRIKD_PRESETS.quick.recipe.seeds, [0, 1, 2])
})

test('the standard preset has four generations, controls, every crossing of losses, a teacher of width 32', () => {
  const stages = stagesOf({}, 'standard')
  const crossings = names(stages).filter((name) => name.startsWith('ablation'))
  // Of 16: two are generation 1 and control 1, in four nobody listens to the other.
  assert.is(crossings.length, 10)
  assert.equal(
    names(stages).filter((name) => !name.startsWith('ablation')),
    [
      ...names(stagesOf({ generations: 3 })),
      'control1',
      'control2',
      'control3',
      'large/teacher',
      'large/kd-T1',
      'large/kd-T4',
      'large/generation1',
    ],
  )
  const losses = (name: string) => find(stages, name).edges.map(({ from, to }) => `${from} > ${to}`)
  assert.equal(losses('ablation/S=CE+T,T=CE+A'), ['teacher > student', 'anchor > teacher'])
  assert.equal(losses('control2'), ['teacher > student', 'student > teacher'])
  assert.equal(find(stages, 'large/generation1').nodes.teacher.network.widths, [32, 64, 128])
  assert.is(TRIKD_PRESETS.standard.recipe.seeds.length, 10)
})

test('every preset comes in an order in which it can be run, each cell with a key of its own', async () => {
  for (const [preset, count] of Object.entries({ smoke: 23, quick: 27, standard: 270 })) {
    const stages = trikdStages(TRIKD_PRESETS[preset].recipe, pictures)
    assert.is(stages.length, count, preset)
    assert.is(new Set((await keysOf(stages, setting)).values()).size, count, preset)
  }
})

test('a generation has the student of the one before as its anchor, and starts from weights of its own', () => {
  const stages = stagesOf({ generations: 3 })
  for (const g of [1, 2, 3]) {
    const { nodes } = find(stages, `generation${g}`)
    assert.equal(nodes.anchor.from, { stage: `seed0/7px/generation${g - 1}`, node: 'student' })
    assert.equal([nodes.anchor.trained, nodes.anchor.batchStatistics], [false, false])
    assert.is(nodes.student.from, `init student generation ${g}`)
    assert.is(nodes.teacher.from, `init teacher generation ${g}`)
  }
  assert.equal(find(stages, 'label-anchor').nodes.anchor.from, { stage: 'seed0/7px/supervised', node: 'student' })
  assert.is(find(stages, 'label-anchor').nodes.student.from, find(stages, 'generation1').nodes.student.from)
  assert.is(find(stages, 'anchor-alone').nodes.student.from, find(stages, 'generation1').nodes.student.from)
  assert.is(find(stages, 'generation0').nodes.student.from, find(stages, 'supervised').nodes.student.from)
})

test('whatever is asked for brings what it needs, and no more', () => {
  const asked = (...methods: TrikdRecipe['methods']) => names(stagesOf({ methods }))
  assert.equal(asked('label-anchor'), ['supervised', 'label-anchor'])
  assert.equal(asked('anchor'), ['generation0', 'anchor-alone'])
  assert.equal(asked('takd'), ['teacher', 'assistant', 'takd'])
  assert.equal(asked('eskd'), ['early-teacher', 'eskd'])
  assert.equal(asked('dml-e', 'tfkd'), ['tfkd', 'dml-e'])
  for (const stage of stagesOf({ methods: [...TRIKD_METHODS] }))
    assert.ok(needs(stage).every((need) => need !== stage.id))
})

test('a chain of assistants: each learns from the one before, the student from the last', async () => {
  const tiny = (width: number) => ({ depth: 8, widths: [width, width, width] })
  const chain = { methods: ['takd'] as 'takd'[], assistants: [14, 12, 10].map(tiny), calibrationImages: 9 }
  const stages = stagesOf({ ...chain, teacherKinds: ['raw', 'calibrated'] })
  assert.equal(
    names(stages),
    [
      ['teacher'],
      ...['', '-calibrated'].map((kind) => ['assistant', 'assistant2', 'assistant3', 'takd'].map((n) => n + kind)),
    ].flat(),
  )
  for (const kind of ['', '-calibrated']) {
    const line = ['assistant', 'assistant2', 'assistant3', 'takd'].map((name) => find(stages, name + kind))
    for (const [i, { nodes, edges }] of line.entries()) {
      const from = { stage: i ? line[i - 1].id : find(stages, 'teacher').id, node: i ? 'student' : 'teacher' }
      assert.equal(nodes.teacher.from, from)
      assert.equal(edges[0].tau, kind ? from : 1)
      assert.is(nodes.student.network.widths?.[0], [14, 12, 10, 8][i])
    }
    assert.is(new Set(line.map(({ nodes }) => nodes.student.from)).size, 4)
    // Rows of one method would be averaged.
    assert.is(new Set(line.map(({ label }) => (label as Label).method)).size, 4)
    assert.is(labelOf(line[1].label as Label), `TAKD's assistant 2 ${kind ? 'calibrated' : 'raw'}`)
  }
  const [one, two] = await Promise.all(
    [stagesOf({ ...chain, assistants: [tiny(14)] }), stages].map((some) => keysOf(some, setting)),
  )
  assert.is(one.get('seed0/7px/assistant'), two.get('seed0/7px/assistant'), 'a longer chain leaves its beginning')
})

test('losses are told once a kind, as formulas', () => {
  const told = new Map(formulas(stagesOf({ methods: [...TRIKD_METHODS] })))
  const both = 'L(student) = CE(student, y) + KL(teacher ‖ student) + KL(anchor ‖ student)'
  assert.is(told.get('TriKD'), `${both}; L(teacher) = CE(teacher, y) + KL(student ‖ teacher) + KL(anchor ‖ teacher)`)
  assert.is(told.get('KD raw'), 'L(student) = CE(student, y) + T² KL(teacher ‖ student; T = 1, 4)')
  assert.is(told.get('Tf-KD'), 'L(student) = CE(student, y) + T² KL(virtual ‖ student; T = 1)')
  assert.match(told.get('DML_e')!, /^L\(member0\) = CE\(member0, y\) \+ KL\(mean\(member1, member2\) ‖ member0\)$/)
  assert.match(told.get('ablation/S=CE,T=CE+S')!, /^L\(student\) = CE\(student, y\); L\(teacher\)/)
})

test('flags of its own; those of the other paper are refused', () => {
  const parsed = (line: string) => parseArguments(line.split(' '), TRIKD)
  const options = parsed('--generations 4 --weights 1,0.5,0,2 --kl-temperature 2 --methods trikd,dkd --members 4')
  if (typeof options === 'string') throw new Error('asked for help')
  const { recipe, overrides, out } = options
  assert.is(recipe.generations, 4)
  assert.equal(Object.values(recipe.weights), [1, 0.5, 0, 2])
  assert.is(recipe.klTemperature, 2)
  assert.equal(recipe.methods, ['trikd', 'dkd'])
  assert.is(out, 'results/trikd-quick')
  assert.equal(overrides, ['--weights 1,0.5,0,2', '--kl-temperature 2', '--members 4'])
  const refused: [string, RegExp][] = [
    ['--weights 1,2,3', /--weights 1,2,3: four numbers from 0/],
    ['--weights 1,2,3,-1', /--weights \[1,2,3,-1\]: four numbers from 0/],
    ['--generations -1', /--generations -1: a whole number from 0/],
    ['--methods cqkd', /--methods cqkd: one of supervised, kd, online, anchor, trikd/],
    ['--raw-temperatures 4', /unknown flag --raw-temperatures/],
    ['--preset large', /--preset large: one of smoke, quick, standard, paper/],
  ]
  for (const [line, message] of refused) assert.throws(() => parsed(line), message)
  for (const { name } of TRIKD.flags) assert.match(helpText(TRIKD), `--${name}`)
})

test.run()
