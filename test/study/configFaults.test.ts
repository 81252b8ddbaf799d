// How a recipe in a file is refused.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseArguments, type StudyArguments } from '../../src/study/args.ts'
import type { Paper } from '../../src/study/paper.ts'
import { CQKD, TRIKD } from '../../src/study/papers.ts'
import { nearest } from '../../src/study/schema.ts'
import { UsageError } from '../../src/study/usage.ts'
import { folder, parsed, refused } from './recipeFiles.ts'

const test = suite('config faults')

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
