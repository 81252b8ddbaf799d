// A recipe as JSON: what a file may say, how it is refused, and the way back from `--print-config`.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { DatasetPair } from '../../src/data/dataset.ts'
import { synthetic } from '../../src/data/synthetic.ts'
import { parseArguments, type StudyArguments } from '../../src/study/args.ts'
import { keyOf } from '../../src/study/config.ts'
import { runFacts } from '../../src/study/facts.ts'
import type { Paper } from '../../src/study/paper.ts'
import { CQKD, TRIKD } from '../../src/study/papers.ts'
import { printConfig } from '../../src/study/printConfig.ts'
import type { CommonRecipe } from '../../src/study/recipe.ts'
import { nearest } from '../../src/study/schema.ts'
import { keysOf } from '../../src/study/store.ts'
import { UsageError } from '../../src/study/usage.ts'
import { setting } from './small.ts'

const test = suite('config')

let folder: string
test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'))
})
test.after(() => rmSync(folder, { recursive: true }))

/** The path of a file that holds this. */
function file(content: unknown): string {
  const path = join(folder, 'recipe.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

function parsed<R extends CommonRecipe>(paper: Paper<R>, line: string, content?: unknown): StudyArguments<R> {
  const argv = [...(content === undefined ? [] : ['--config', file(content)]), ...line.split(' ').filter(Boolean)]
  const result = parseArguments(argv, paper)
  if (typeof result === 'string') throw new Error(`asked for ${result}`)
  return result
}

/** The one line with which a file is refused, without its name. */
function refused<R extends CommonRecipe>(content: unknown, paper: Paper<R>, line = ''): string {
  try {
    parsed(paper, line, content)
  } catch (error) {
    assert.instance(error, UsageError)
    const { message } = error as Error
    assert.not.match(message, '\n')
    assert.ok(message.startsWith(`--config ${folder}/recipe.json: `), message)
    return message.slice(`--config ${folder}/recipe.json: `.length)
  }
  return assert.unreachable(`${JSON.stringify(content)} was taken`) as never
}

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
  // A standard study of before there was the flag keeps its cells.
  assert.is(looksOf('--preset standard'), undefined)
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

test('a fault is one line that names the key, quotes the value and says what is possible', () => {
  const cases: [unknown, string | RegExp][] = [
    ['{ "epochs": 3', /^not JSON: /],
    ['', /^not JSON: /],
    ['{ "epochs": 3, "optimizer": { "lr": 1 }, "epochs": 5 }', '"epochs" stands twice in one object; remove one'],
    ['{ "optimizer": { "lr": 1e400 } }', 'optimizer.lr Infinity: a number above 0'],
    [
      `{ "epochs": ${'['.repeat(100_000)}${']'.repeat(100_000)} }`,
      'epochs a list of too many levels: a whole number from 1',
    ],
    [[1], /^the document \[1\]: an object with the keys preset, dataset, /],
    [{ epoch: 3 }, /^unknown key 'epoch', the nearest is 'epochs'; known: preset, dataset, /],
    [{ TrainImages: 3 }, /^unknown key 'TrainImages', the nearest is 'trainImages'; /],
    [{ 'train-images': 3 }, /the nearest is 'trainImages'/],
    [{ optimizer: { learningRate: 1 } }, /^unknown key 'optimizer.learningRate', .*known: name, lr, weightDecay, mom/],
    [JSON.parse('{ "__proto__": 1 }'), /^unknown key '__proto__'/],
    [{ constructor: 1 }, /^unknown key 'constructor'/],
    [{ generations: 2 }, /^unknown key 'generations'/],
    [{ preset: 'fast' }, 'preset "fast": one of smoke, quick, standard, paper, cifar10'],
    [{ epochs: 0 }, 'epochs 0: a whole number from 1'],
    [{ epochs: '3' }, 'epochs "3": a whole number from 1'],
    [{ epochs: 2.5 }, 'epochs 2.5: a whole number from 1'],
    [{ epochs: null }, 'epochs null: a whole number from 1'],
    [{ trainImages: 'all' }, 'trainImages "all": a whole number from 1, or null'],
    [{ ceWeight: -1 }, 'ceWeight -1: a number from 0, or null'],
    [{ sizes: 7 }, 'sizes 7: a list of at least one'],
    [{ sizes: [] }, 'sizes []: a list of at least one'],
    [{ sizes: [14, 0] }, 'sizes[1] 0: a whole number from 1'],
    [{ methods: ['kd'] }, /^methods\[0\] "kd": one of supervised, cqkd, cqkd-raw, same-resolution, dml, dml-e, tfkd$/],
    [{ dataset: 'mnist' }, /^dataset "mnist": one of fashion-mnist, cifar10/],
    [{ weight: 1.5 }, 'weight 1.5: a number from 0 to 1'],
    [{ optimizer: { lr: '1e-3' } }, 'optimizer.lr "1e-3": a number above 0'],
    [{ optimizer: { name: 'adam' } }, 'optimizer.name "adam": one of adamw, sgd'],
    [{ optimizer: { momentum: 0.9 } }, 'optimizer.momentum 0.9: only sgd has it; optimizer.name is "adamw"'],
    [{ augmentation: { shift: 4 } }, 'augmentation.flip is missing: true or false'],
    [{ augmentation: 4 }, 'augmentation 4: an object with the keys shift, flip, crop, randAugment, or null'],
    [
      { augmentation: { shift: 0, flip: true, crop: { scale: [1, 0.5], ratio: [1, 1] } } },
      'augmentation.crop.scale [1,0.5]: two numbers above 0, the smaller one first',
    ],
    [{ teacher: { widths: [1, 2, 3] } }, 'teacher.depth is missing: a whole number from 1'],
    [{ teacher: { depth: 9 } }, /^teacher \{"depth":9\}: resnet: depth 9; it must be one of 8, 14, 20/],
    [{ teacher: 'resnet9' }, /^teacher "resnet9": resnet: depth 9/],
    [{ student: 'vgg' }, /^student "vgg": resnetD\[:W,W,W\]/],
    [{ student: { depth: 8, classes: 3 } }, /^unknown key 'student.classes'/],
    [{ microBatches: 3 }, 'microBatches 3: has to divide the batch, 64'],
    [{ note: 'x'.repeat(99) }, /^unknown key 'note'/],
    [{ downscale: 'x'.repeat(99) }, /^downscale "x{56}…: one of area/],
  ]
  for (const [content, message] of cases) {
    if (typeof message === 'string') assert.is(refused(content, CQKD), message)
    else assert.match(refused(content, CQKD), message)
  }
  assert.is(refused({ weights: { anchorToTeacher: -1 } }, TRIKD), 'weights.anchorToTeacher -1: a number from 0')
  assert.is(refused({ virtualTeacher: 1 }, TRIKD), 'virtualTeacher 1: a number between 0 and 1')
  assert.throws(
    () => parsed(CQKD, '--config nowhere.json'),
    /^--config nowhere.json: cannot read nowhere.json: no such/,
  )
  // Whoever said it is told.
  assert.throws(() => parsed(CQKD, '--micro-batches 3', { epochs: 2 }), /^--micro-batches 3: has to divide/)
})

test('the nearest key is the one with the fewest letters to change', () => {
  const keys = ['epochs', 'batch', 'teacher', 'teacherInput', 'seeds']
  for (const [word, want] of Object.entries({
    EPOCH: 'epochs',
    bach: 'batch',
    teacherinput: 'teacherInput',
    '': 'batch',
  })) {
    assert.is(nearest(word, keys), want)
  }
})

test("a recipe from another study's results says whose it is", () => {
  const results = { run: { paper: 'trikd', config: { generations: 2 } } }
  assert.match(refused(results, CQKD), /^unknown key 'generations'.* \(the recipe is of trikd, not of cqkd\)$/)
  assert.is(parsed(TRIKD, '', results).recipe.generations, 2)
  assert.match(refused({ run: { config: { generations: 2 } } }, CQKD), /modality$/)
})

test('a file may begin with a byte order mark, or be what a Windows shell writes', () => {
  const text = '\ufeff{\r\n  "epochs": 3\r\n}\r\n'
  for (const encoding of ['utf8', 'utf16le'] as const) {
    const path = join(folder, `${encoding}.json`)
    writeFileSync(path, text, encoding)
    assert.is((parseArguments(['--config', path], CQKD) as StudyArguments).recipe.epochs, 3)
  }
})

test('numbers that no study has are refused before anything is made of them', () => {
  const refuses = (paper: Paper<never>, line: string, message: string) => {
    assert.throws(
      () => parseArguments(line.split(' '), paper),
      (error: Error) => error instanceof UsageError && error.message === message,
    )
  }
  const advice = 'a count up to 10000, or a list; for seed 20261122 alone: 20261122,'
  refuses(CQKD as never, '--seeds 20261122', `--seeds 20261122: ${advice}`)
  assert.equal(parsed(CQKD, '--seeds 20261122,').recipe.seeds, [20261122])
  refuses(CQKD as never, '--members 1000000000', '--members 1000000000: a whole number from 2 to 1000')
  refuses(TRIKD as never, '--generations 1000000000', '--generations 1000000000: a whole number from 0 to 1000')
})

test.run()
