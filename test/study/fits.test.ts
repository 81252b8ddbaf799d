// What a study asks of a data set is found out before anything is trained.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { DatasetPair } from '../../src/data/dataset.ts'
import { FEW_DATA } from '../../src/studies/fewData.ts'
import { STUDIES } from '../../src/studies/index.ts'
import { LOST_INFORMATION } from '../../src/studies/lostInformation.ts'
import { QUALITIES } from '../../src/studies/qualities.ts'
import { parseArguments } from '../../src/study/args.ts'
import { checkFits, checkStages } from '../../src/study/fits.ts'
import type { Paper } from '../../src/study/paper.ts'
import { CQKD, TRIKD } from '../../src/study/papers.ts'
import type { CommonRecipe } from '../../src/study/recipe.ts'
import { UsageError } from '../../src/study/usage.ts'

const test = suite('what a study asks of its data')

const pictures = {
  name: 'few',
  n: 4000,
  channels: 1,
  height: 28,
  width: 28,
  classes: Array.from({ length: 10 }, (_, i) => String(i)),
  labels: Uint8Array.from({ length: 4000 }, (_, i) => i % 10),
}
const data = { train: pictures, test: { ...pictures, n: 100 } } as unknown as DatasetPair

function ask<R extends CommonRecipe>(
  paper: Paper<R>,
  line: string,
  change: Partial<CommonRecipe> = {},
  given = data,
): string {
  try {
    const { recipe } = parseArguments(line.split(' '), paper) as { recipe: R }
    Object.assign(recipe, change)
    checkFits(recipe, given)
    checkStages(paper.stages(recipe, { side: 28, channels: 1, classes: 10 }), recipe, given)
    return ''
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return error.message
  }
}

test('the flags of a recipe', () => {
  assert.is(ask(CQKD, '--preset smoke'), '')
  assert.is(ask(CQKD, '--sizes 7,29'), '--sizes 29: the pictures of few have 28 pixels a side')
  assert.match(ask(CQKD, '--train-images 3000'), /^--train-images 3000 and --calibration-images 2000 and --looks 400/)
  assert.is(ask(CQKD, '--train-images 60 --looks none'), '--batch 64: there are 60 training images')
  const randAugment = { operations: 2, magnitude: 9 }
  const drawn = ask(CQKD, '--preset smoke', { augmentation: { shift: 0, flip: false, randAugment } })
  assert.is(drawn, 'augmentation.randAugment: only imagenet has it, not few')
})

test('every cell of what varies', () => {
  assert.is(ask(FEW_DATA, '--values 100,4000 --looks none'), '')
  const many = 'seed0/images=5000/7px/teacher: 5000 training images; few has 4000'
  assert.is(ask(FEW_DATA, '--values 100,5000 --looks none'), many)
  const all = ask(FEW_DATA, '--values 100,4000 --looks 400,100')
  assert.is(all, 'seed0/images=4000/7px/teacher: 4000 training images and 400 held out; few has 4000')
  const uneven = { ...data, train: { ...data.train, labels: pictures.labels.map((label, i) => (i < 300 ? 0 : label)) } }
  const short = ask(FEW_DATA, '--values 100,4000 --looks none', {}, uneven)
  assert.is(short, 'seed0/images=4000/7px/teacher: 4000 training images take up to 400 of a class; few has 370 of 1')
  const few = 'seed0/images=50/7px/teacher: --batch 64, and there are 50 training images'
  assert.is(ask(FEW_DATA, '--values 50,100'), few)
  assert.match(ask(QUALITIES, '--values 7,56'), /56.*: pictures of 56 pixels a side; those of few have 28$/)
  assert.match(ask(TRIKD, '--teacher-size 29'), /: pictures of 29 pixels a side; those of few have 28$/)
  assert.match(
    ask(LOST_INFORMATION, '--values 9000000'),
    /^--values 9000000: too many for as many updates as 40 epochs/,
  )
})

test('every preset fits the data set that it names', () => {
  const sets: Record<string, [number, number, number, number]> = {
    'fashion-mnist': [60_000, 28, 1, 10],
    cifar10: [50_000, 32, 3, 10],
    cifar100: [50_000, 32, 3, 100],
    imagenet: [1_281_167, 224, 3, 1000],
    identities: [1440, 32, 1, 48],
  }
  let fitted = 0
  for (const paper of [CQKD, TRIKD, ...STUDIES] as Paper<CommonRecipe>[]) {
    for (const { recipe } of Object.values(paper.presets)) {
      // Of a person's own folder nothing is known.
      if (recipe.dataset === 'imagefolder') continue
      const [n, side, channels, classes] = sets[recipe.dataset]
      const labels = Uint16Array.from({ length: n }, (_, i) => i % classes)
      const set = { ...pictures, name: recipe.dataset, n, height: side, width: side, channels, labels }
      Object.assign(set, { classes: Array.from({ length: classes }, (_, i) => String(i)) })
      const files = recipe.dataset === 'imagenet' ? {} : undefined
      const both = { train: { ...set, files }, test: set } as unknown as DatasetPair
      checkFits(recipe, both)
      checkStages(paper.stages(recipe, { side, channels, classes }), recipe, both)
      fitted++
    }
  }
  assert.ok(fitted > 50, String(fitted))
})

test('a study without a cell', () => {
  const same = '--methods same-resolution: no cell comes of that; same-resolution needs --sizes below 28'
  assert.is(ask(CQKD, '--preset smoke --methods same-resolution --sizes 28'), same)
  const none = '--methods trikd,control: no cell comes of that; generations need --generations 1 or more'
  assert.is(ask(TRIKD, '--methods trikd,control --generations 0'), none)
})

test.run()
