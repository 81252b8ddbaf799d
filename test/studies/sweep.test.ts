// Studies that vary one thing: which stages come out, what they share, what they are called.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { STUDIES } from '../../src/studies/index.ts'
import { LOST_INFORMATION } from '../../src/studies/lostInformation.ts'
import { TEACHERS } from '../../src/studies/teachers.ts'
import { WEIGHTS } from '../../src/studies/weights.ts'
import { helpText, parseArguments, type StudyArguments } from '../../src/study/args.ts'
import { CQKD, TRIKD } from '../../src/study/papers.ts'
import { needs, type Stage } from '../../src/study/stage.ts'
import { keysOf } from '../../src/study/store.ts'
import type { Swept } from '../../src/study/sweep.ts'
import type { TrikdRecipe } from '../../src/study/trikdRecipe.ts'

const test = suite('studies/sweep')

const PICTURES = { side: 28, channels: 1, classes: 10 }
const SETTING = { dataHash: 'd', fingerprint: 'f', adapter: 'a', subgroupSize: 8 }
type Recipe = Swept<TrikdRecipe>
const parsed = (line: string) => parseArguments(line.split(' ').filter(Boolean), WEIGHTS) as StudyArguments<Recipe>
const stagesOf = (line: string) => WEIGHTS.stages(parsed(line).recipe, PICTURES)
const at = ({ label }: Stage) => label.at

test('what depends on the value is there once a value, what does not once a seed', () => {
  const stages = stagesOf('--values 0,1,4 --seeds 2')
  const ids = stages.filter(({ seed }) => seed === 1).map(({ id }) => id)
  assert.equal(ids, [
    'seed1/7px/supervised',
    'seed1/7px/generation0',
    'seed1/w=0/7px/generation1',
    'seed1/w=1/7px/generation1',
    'seed1/w=4/7px/generation1',
  ])
  assert.equal(stages.length, 2 * ids.length)
  assert.equal(stages.slice(0, 5).map(at), [undefined, undefined, 0, 1, 4])
  assert.equal(
    stages.slice(0, 5).map(({ label }) => label.axis),
    [undefined, undefined, 'w', 'w', 'w'],
  )
})

test('lost information: every cell of a size takes as many updates, whatever its number of images', () => {
  for (const [name, { recipe }] of Object.entries(LOST_INFORMATION.presets)) {
    const updates = LOST_INFORMATION.stages(recipe, PICTURES).map(({ trainImages, batch, epochs }) => {
      return Math.floor(trainImages! / batch) * epochs
    })
    const [least, most] = [Math.min(...updates), Math.max(...updates)]
    assert.ok(most <= 1.05 * least, `${name}: ${least} to ${most}`)
  }
  const parse = (line: string) => parseArguments(line.split(' '), LOST_INFORMATION)
  assert.throws(() => parse('--train-images all'), /train-images "all": a number: it tells how many updates/)
})

test('references point at the stage that stands for all', async () => {
  const stages = stagesOf('--values 0,1,4 --seeds 1')
  for (const stage of stages.slice(2)) assert.equal(needs(stage), ['seed0/7px/generation0'])
  const keys = await keysOf(stages, SETTING)
  assert.is(new Set(keys.values()).size, stages.length)
})

test('one value gives the stages of the study it is built on', async () => {
  const key = async (stages: Stage[], id: string) => (await keysOf(stages, SETTING)).get(id)
  const one = stagesOf('--values 1 --seeds 1')
  const several = stagesOf('--values 0,1,4 --seeds 1')
  assert.is(await key(one, 'seed0/w=1/7px/generation1'), await key(several, 'seed0/w=1/7px/generation1'))
})

test('values are checked, by flag and as a recipe', () => {
  assert.throws(() => parsed('--values 1,x'), /--values 1,x: value "x": a number from 0/)
  assert.throws(() => parsed('--values -1'), /--values -1: value -1: a number from 0/)
  assert.throws(
    () => WEIGHTS.schema({ values: [] }, '', WEIGHTS.presets.quick.recipe),
    /values \[\]: a list of at least one/,
  )
})

test('every study has its presets, its help, and stages whose sources come before them', async () => {
  for (const study of STUDIES) {
    assert.equal(Object.keys(study.presets), ['smoke', 'quick', 'standard', 'paper'], study.name)
    assert.match(helpText(study), `npx webgpu-distill ${study.name}`)
    for (const [name, { recipe }] of Object.entries(study.presets)) {
      assert.equal(study.schema(recipe, ''), study.check(recipe), `${study.name} ${name}`)
      const stages = study.stages(recipe, { side: 32, channels: 3, classes: 10 })
      assert.ok(stages.length > 1, `${study.name} ${name}`)
      assert.is(new Set(stages.map(({ id }) => id)).size, stages.length)
      const keys = await keysOf(stages, SETTING)
      assert.is(new Set(keys.values()).size, stages.length, `${study.name} ${name}: a cell stands there twice`)
    }
  }
})

test('all presets but smoke say what the best epoch would have been, and their data sets have images for it', () => {
  const images: Record<string, number> = { 'fashion-mnist': 60_000, cifar10: 50_000, cifar100: 50_000, identities: 960 }
  const all = [CQKD, TRIKD, ...STUDIES] as unknown as typeof STUDIES
  for (const { name, presets, stages } of all) {
    for (const [preset, { recipe }] of Object.entries(presets)) {
      if (preset === 'smoke') continue
      assert.ok(recipe.looks, `${name} ${preset}`)
      const { [recipe.dataset]: n = 100_000 } = images
      for (const { id, trainImages, calibrationImages, looks } of stages(recipe, PICTURES)) {
        const apart = calibrationImages + (looks?.heldOut ?? 0)
        assert.ok((trainImages ?? 1) + apart <= n, `${name} ${preset}, ${id}: ${trainImages} and ${apart} of ${n}`)
      }
    }
  }
})

test('a stage that is the same under some values only stands once a value, under names of their own', async () => {
  const line = '--epochs 5 --seeds 1'
  const values = 'width 8,width 8 for 5 epochs,width 16,width 16 for 5 epochs'
  const { recipe } = parseArguments([...line.split(' '), '--values', values], TEACHERS) as StudyArguments<Recipe>
  const stages = TEACHERS.stages(recipe, PICTURES)
  const teachers = stages.filter(({ id }) => id.endsWith('/teacher'))
  assert.equal(
    teachers.map(({ label }) => label.at),
    values.split(','),
  )
  const keys = await keysOf(stages, SETTING)
  const [eight, eightToo, sixteen, sixteenToo] = teachers.map(({ id }) => keys.get(id))
  assert.is(eight, eightToo)
  assert.is(sixteen, sixteenToo)
  assert.is.not(eight, sixteen)
})

test('two methods that come to the same at one value keep their rows', () => {
  const stages = stagesOf('--values 0,1 --seeds 1 --methods supervised,trikd,control')
  const ids = stages.map(({ id }) => id)
  for (const id of ['seed0/w=0/7px/generation1', 'seed0/w=1/7px/generation1']) assert.ok(ids.includes(id), `${ids}`)
  assert.ok(
    ids.some((id) => id.endsWith('control1')),
    `${ids}`,
  )
  assert.is(new Set(ids).size, ids.length)
})

test.run()
