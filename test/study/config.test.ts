// A recipe as JSON: what a file may say, and the way back from `--print-config`.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { DatasetPair } from '../../src/data/dataset.ts'
import { synthetic } from '../../src/data/synthetic.ts'
import type { StudyArguments } from '../../src/study/args.ts'
import { keyOf } from '../../src/study/config.ts'
import { runFacts } from '../../src/study/facts.ts'
import type { Paper } from '../../src/study/paper.ts'
import { CQKD, TRIKD } from '../../src/study/papers.ts'
import { printConfig } from '../../src/study/printConfig.ts'
import type { CommonRecipe } from '../../src/study/recipe.ts'
import { keysOf } from '../../src/study/store.ts'
import { parsed, refused } from './recipeFiles.ts'
import { setting } from './small.ts'

const test = suite('config')

const pictures = { side: 28, channels: 1, classes: 10 }

// Every flag that changes the recipe, with a value that no preset has.
const COMMON: Record<string, string> = {
  looks: '40,50',
  dataset: 'cifar100',
  sizes: '9,5',
  seeds: '3,1',
  epochs: '7',
  'train-images': '640',
  'calibration-images': '123',
  'test-images': '77',
  batch: '80',
  'micro-batches': '5',
  lr: '0.00125',
  teacher: 'wrn-16-2/2@32',
  student: 'resnet8x4',
  downscale: 'bilinearAntialias',
  members: '4',
  updates: 'sequential',
  patience: '4',
}
const VALUES: [Paper<CommonRecipe>, Record<string, string>][] = [
  [
    CQKD as unknown as Paper<CommonRecipe>,
    {
      ...COMMON,
      methods: 'same-resolution,cqkd-raw',
      temperatures: '3,1.5',
      'raw-temperatures': '7',
      weight: '0.3',
      'ce-weight': '2',
      'teacher-input': 'low',
      tau: '1.7',
      modality: 'grey',
      'bn-after-eval': 'freeze',
    },
  ],
  [
    TRIKD as unknown as Paper<CommonRecipe>,
    {
      ...COMMON,
      methods: 'dkd,takd',
      temperatures: '3,1.5',
      generations: '5',
      saturation: '3',
      weights: '1,0.5,0,2',
      'kl-temperature': '2.5',
      'large-teacher': 'resnet18-3x3',
      'teacher-epochs': '3',
      'distill-until': '2',
      'teacher-kinds': 'raw',
      'taught-epochs': '3',
      'teacher-size': '14',
    },
  ],
]

test('everything a flag can say a config can say: under its key, to the same recipe and the same cell keys', async () => {
  for (const [paper, values] of VALUES) {
    const flags = paper.flags.filter(({ recipe }) => recipe).map(({ name }) => name)
    assert.equal(Object.keys(values).sort(), [...flags].sort(), 'every flag has a value here')
    for (const [name, value] of Object.entries(values)) {
      // Parts of a batch and sequential updates exclude each other, and a batch has to be divisible.
      const line = name === 'micro-batches' ? `--batch 80 --${name} ${value}` : `--${name} ${value}`
      const told = parsed(paper, line).recipe as unknown as Record<string, unknown>
      const [key, inner] = keyOf(name).split('.')
      const said = inner ? { [inner]: (told[key] as Record<string, unknown>)[inner] } : told[key]
      // What looks at images held out has the flag add looks.
      const more = name === 'micro-batches' ? { batch: 80 } : told.looks ? { looks: told.looks } : {}
      const content = { [key]: said, ...more }
      const { recipe } = parsed(paper, '', content)
      assert.is(JSON.stringify(recipe), JSON.stringify(told), `${paper.name} --${name}`)
      assert.is.not(JSON.stringify(recipe), JSON.stringify(parsed(paper, '').recipe), name)
    }
  }
})

test('looks: two numbers, or none, which a config says as null; training to convergence needs them', () => {
  const looksOf = (line: string, content?: unknown) => parsed(TRIKD, line, content).recipe.looks
  assert.equal(looksOf(''), { heldOut: 400, test: 400, outputs: false })
  assert.equal(looksOf('--looks 20,30'), { heldOut: 20, test: 30, outputs: false })
  assert.is(looksOf('--looks none'), null)
  assert.is(looksOf('', { looks: null }), null)
  assert.is(looksOf('--preset smoke'), null)
  for (const line of [
    '--looks 20',
    '--looks 20,30,40',
    '--looks 0,30',
    '--looks some',
    '--looks none --patience 2 --looks none',
  ]) {
    assert.throws(() => parsed(TRIKD, line), /two whole numbers|needs looks/, line)
  }
  assert.match(refused({ looks: { heldOut: 0 } }, TRIKD), /^looks\.heldOut 0: a whole number from 1/)
})

test('what is printed comes back: recipe, text and cell keys are equal', async () => {
  for (const [paper, values] of VALUES) {
    const { 'micro-batches': parts, ...more } = values
    const all = Object.entries(more).map(([name, value]) => `--${name} ${value}`)
    const lines = [...Object.keys(paper.presets).map((preset) => `--preset ${preset}`), all.join(' ')]
    lines.push(
      '--preset smoke --methods supervised --micro-batches 2 --batch 64 --student resnet14 --teacher resnet8:8,16,32',
    )
    for (const line of lines) {
      const first = parsed(paper, line)
      const { out } = printConfig(paper.stages(first.recipe, pictures), first)
      const second = parsed(paper, '', out)
      assert.equal(second.recipe, first.recipe)
      assert.is(JSON.stringify(second.recipe), JSON.stringify(first.recipe), line)
      const keys = async ({ recipe }: StudyArguments) => [...(await keysOf(paper.stages(recipe, pictures), setting))]
      assert.equal(await keys(second), await keys(first), line)
    }
  }
})

test("a study's results are taken as its recipe, which is stored with them", () => {
  const options = parsed(TRIKD, '--preset smoke --epochs 5 --kl-temperature 2')
  const device = { adapter: 'a', driver: null, features: [], software: true, subgroupSize: 8 }
  const { train, test: half } = synthetic({ train: 20, test: 10, size: 8 })
  const data = { train, test: half, hash: 'h', origin: 'synthetic' } as DatasetPair
  const run = runFacts(device, data, 'trikd', options, [])
  assert.equal(run.config, options.recipe)
  const again = parsed(TRIKD, '', { schemaVersion: 1, run, rows: [] })
  assert.is(JSON.stringify(again.recipe), JSON.stringify(options.recipe))
  assert.equal(again.overrides, ['epochs=5', 'klTemperature=2'])
})

test('the order of keys in a file is not in the keys of cells', async () => {
  const { optimizer, schedule, student } = CQKD.presets.quick.recipe
  const turned = (value: object) => Object.fromEntries(Object.entries(value).reverse())
  const content = { student: turned(student), schedule: turned(schedule), optimizer: turned(optimizer) }
  const keys = async (recipe: typeof CQKD.presets.quick.recipe) => {
    return [...(await keysOf(CQKD.stages(recipe, pictures), setting)).values()]
  }
  assert.equal(await keys(parsed(CQKD, '', content).recipe), await keys(CQKD.presets.quick.recipe))
})

test('what a file leaves out is its preset; flags override it, wherever they stand', () => {
  const content = { preset: 'smoke', epochs: 9, optimizer: { lr: 0.5 }, sizes: [14, 14, 7], teacher: 'resnet14' }
  const { recipe, overrides, out } = parsed(CQKD, '', content)
  const { recipe: smoke } = CQKD.presets.smoke
  assert.equal(recipe, {
    ...smoke,
    epochs: 9,
    optimizer: { ...smoke.optimizer, lr: 0.5 },
    sizes: [14, 7],
    teacher: { ...smoke.teacher, depth: 14 },
  })
  assert.is(out, 'results/cqkd-smoke')
  assert.equal(overrides, ['epochs=9', 'teacher.depth=14', 'optimizer.lr=0.5'], 'sizes only choose cells')
  const changed = parsed(CQKD, '--epochs 3 --preset quick', content)
  assert.is(changed.recipe.epochs, 3)
  assert.is(changed.recipe.preset, 'quick')
  assert.is(changed.recipe.trainImages, 2000, "the flag's preset")
  assert.equal(changed.overrides, ['teacher.depth=14', 'optimizer.lr=0.5', '--epochs 3'])
  assert.equal(parsed(CQKD, '', CQKD.presets.quick.recipe).overrides, [])
})

test('a file can say what no flag can', () => {
  const sgd = { name: 'sgd', lr: 0.1, momentum: 0.9, nesterov: true }
  const more = { augmentation: { shift: 4, flip: true }, schedule: { name: 'oneCycle' }, optimizer: sgd }
  const { recipe } = parsed(TRIKD, '', { ...more, dkd: { others: 4 }, smoothing: 0.2, assistants: [{ depth: 14 }] })
  assert.equal(recipe.optimizer, { ...sgd, weightDecay: 0.05 })
  assert.equal(recipe.schedule, { name: 'oneCycle', warmup: 0.1 })
  assert.equal(recipe.augmentation, { shift: 4, flip: true })
  assert.equal(recipe.dkd, { target: 1, others: 4 })
  assert.is(recipe.smoothing, 0.2)
  assert.equal(recipe.assistants, [{ depth: 14 }], 'a network by its keys is the whole of it')
  assert.is(parsed(TRIKD, '', { trainImages: null }).recipe.trainImages, null)
})

test('what a preset has besides can be taken away, and does not stay where it cannot', () => {
  const augmentation = { flip: true, crop: null, randAugment: null }
  assert.equal(parsed(CQKD, '', { preset: 'paper', augmentation }).recipe.augmentation, { shift: 0, flip: true })
  const kept = parsed(CQKD, '', { preset: 'paper', augmentation: { flip: true } }).recipe.augmentation
  assert.ok(kept!.crop && kept!.randAugment)
  const adamw = { name: 'adamw', lr: 0.001, weightDecay: 0.01 }
  assert.equal(parsed(TRIKD, '', { preset: 'paper', optimizer: adamw }).recipe.optimizer, adamw)
})

test.run()
