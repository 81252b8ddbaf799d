import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { helpText, parseArguments, quoted } from '../../src/study/args.ts'
import { CQKD } from '../../src/study/papers.ts'
import { UsageError } from '../../src/study/usage.ts'

const test = suite('study arguments')

function parsed(line: string) {
  const result = parseArguments(line.split(' ').filter(Boolean), CQKD)
  if (typeof result === 'string') throw new Error(`asked for ${result}`)
  return result
}

/** The one line with which a command line is refused. */
function refused(line: string): string {
  try {
    parseArguments(line.split(' '), CQKD)
  } catch (error) {
    assert.instance(error, UsageError)
    const { message } = error as Error
    assert.not.match(message, '\n')
    return message
  }
  return assert.unreachable(`${line} was taken`) as never
}

test('without flags it is the quick preset, unchanged', () => {
  const { recipe, overrides, out, resume } = parsed('')
  assert.equal(recipe, CQKD.presets.quick.recipe)
  assert.equal(overrides, [])
  assert.is(out, 'results/cqkd-quick')
  assert.is(resume, undefined)
})

test('published numbers come from a file of the form of bench/papers.json', () => {
  const { paperValues } = parsed('--paper-values bench/papers.json')
  assert.ok(paperValues!.length > 70)
  assert.match(refused('--paper-values nowhere.json'), /--paper-values nowhere\.json: .*nowhere\.json/)
  assert.match(
    refused('--paper-values package.json'),
    /--paper-values package\.json: package\.json: schemaVersion is undefined/,
  )
})

test('every preset can be taken as it is', () => {
  for (const name of Object.keys(CQKD.presets))
    assert.equal(parsed(`--preset ${name}`).recipe, CQKD.presets[name].recipe)
})

test('the preset is chosen first, wherever it stands', () => {
  const { recipe, out } = parsed('--epochs 7 --preset smoke')
  assert.is(recipe.epochs, 7)
  assert.is(recipe.preset, 'smoke')
  assert.is(out, 'results/cqkd-smoke')
  assert.is(CQKD.presets.smoke.recipe.epochs, 3)
})

test('flags that change the recipe are recorded, those that only choose cells are not', () => {
  const { recipe, overrides } = parsed(
    '--sizes 7 --methods dml,cqkd --temperatures 2,4 --raw-temperatures 8 --seeds 3 --epochs 5 --batch=64 --lr 0.001',
  )
  assert.equal(recipe.sizes, [7])
  assert.equal(recipe.methods, ['dml', 'cqkd'])
  assert.equal(recipe.temperatures, [2, 4])
  assert.equal(recipe.rawTemperatures, [8])
  assert.equal(recipe.seeds, [0, 1, 2])
  assert.is(recipe.optimizer.lr, 0.001)
  assert.is(recipe.optimizer.weightDecay, 0.05)
  assert.equal(overrides, ['--epochs 5', '--lr 0.001'], 'batch 64 is what the preset has')
})

test('every part of the recipe has its flag', () => {
  const { recipe, overrides } = parsed(
    '--dataset cifar10 --train-images all --calibration-images 100 --test-images 50 --weight 0.3 --ce-weight 1 ' +
      '--teacher-input low --bn-after-eval freeze --downscale bilinear --teacher resnet14 --student resnet8:4,8,16/2',
  )
  assert.is(recipe.dataset, 'cifar10')
  assert.is(recipe.trainImages, null)
  assert.is(recipe.calibrationImages, 100)
  assert.is(recipe.testImages, 50)
  assert.is(recipe.weight, 0.3)
  assert.is(recipe.ceWeight, 1)
  assert.is(recipe.teacherInput, 'low')
  assert.is(recipe.bnAfterEval, 'freeze')
  assert.is(recipe.downscale, 'bilinear')
  assert.equal(recipe.teacher, { depth: 14, widths: [16, 32, 64], stemStride: 2 }, 'what is left out stays')
  assert.equal(recipe.student, { depth: 8, widths: [4, 8, 16], stemStride: 2 })
  assert.is(overrides.length, 11)
})

test('seeds are a count or a list', () => {
  assert.equal(parsed('--seeds 1').recipe.seeds, [0])
  assert.equal(parsed('--seeds 0,3,4').recipe.seeds, [0, 3, 4])
  assert.equal(parsed('--seeds 3,').recipe.seeds, [3])
  assert.equal(parsed('--seeds 2,2').recipe.seeds, [2])
})

test('options that are not the recipe', () => {
  const options = parsed('--data here --adapter lavapipe --out there --fresh --offline --json --list --quiet')
  const { recipe, overrides, ...rest } = options
  assert.equal(overrides, [])
  assert.equal(rest, {
    data: 'here',
    adapter: 'lavapipe',
    out: 'there',
    fresh: true,
    offline: true,
    json: true,
    list: true,
    quiet: true,
  })
})

test('help and version are asked for, whatever else is on the line', () => {
  assert.is(parseArguments(['--epochs', 'x', '--help'], CQKD), 'help')
  assert.is(parseArguments(['-h'], CQKD), 'help')
  assert.is(parseArguments(['--version'], CQKD), 'version')
  for (const { name } of CQKD.flags) assert.match(helpText(CQKD), `--${name}`)
  for (const preset of Object.keys(CQKD.presets)) assert.match(helpText(CQKD), preset)
  assert.ok(
    helpText(CQKD)
      .split('\n')
      .every((line) => line.length <= 140),
  )
})

test('whatever is wrong is one line that says what is allowed', () => {
  assert.is(refused('--sise 7'), 'unknown flag --sise, the nearest is --sizes; --help tells all')
  assert.is(refused('--seed=3'), 'unknown flag --seed=3, the nearest is --seeds; --help tells all')
  assert.is(refused('quick'), 'unknown argument quick; --help tells all')
  assert.match(refused('-x'), /^unknown argument -x/)
  assert.is(refused('--out='), '--out needs a value: default results/cqkd-PRESET')
  assert.is(refused('--members 1'), '--members 1: a whole number from 2')
  assert.match(refused('--epochs'), '--epochs needs a value: passes over the images')
  assert.match(refused('--out --resume'), '--out needs a value')
  assert.match(refused('--json=yes'), '--json takes no value')
  assert.is(refused('--preset fast'), '--preset fast: one of smoke, quick, standard, paper, cifar10')
  assert.match(refused('--dataset mnist'), /^--dataset mnist: one of fashion-mnist, cifar10/)
  assert.is(refused('--sizes 7,x'), '--sizes 7,x: whole numbers from 1, separated by commas')
  assert.match(refused('--sizes 0'), '--sizes 0: whole numbers from 1')
  assert.match(refused('--sizes 7.5'), '--sizes 7.5: whole numbers')
  assert.match(refused('--methods kd'), '--methods kd: one of supervised, cqkd, cqkd-raw, same-resolution, dml')
  assert.match(refused('--temperatures NaN'), '--temperatures NaN: numbers above 0')
  assert.match(refused('--temperatures 0'), '--temperatures 0: a number above 0')
  assert.is(refused('--raw-temperatures -1'), '--raw-temperatures -1: a number above 0')
  assert.match(refused('--temperatures ,'), '--temperatures ,: numbers above 0')
  assert.match(refused('--seeds 0'), '--seeds 0: a count from 1, or a list like 0,3,4')
  assert.match(refused('--seeds -1,2'), '--seeds -1,2: a count from 1')
  assert.match(refused('--epochs 0'), '--epochs 0: a whole number from 1')
  assert.match(refused('--batch 1e99'), '--batch 1e99: a whole number from 1')
  assert.match(refused('--train-images none'), "--train-images none: a whole number from 1, or 'all'")
  assert.match(refused('--micro-batches 3'), '--micro-batches 3: has to divide the batch, 64')
  assert.match(refused('--micro-batches 2 --updates sequential'), '--micro-batches 2: not with sequential updates')
  assert.match(refused('--lr 0'), '--lr 0: a number above 0')
  assert.match(refused('--weight 2'), '--weight 2: between 0 and 1')
  assert.match(refused('--ce-weight -1'), '--ce-weight -1: a number from 0')
  assert.match(refused('--teacher resnet9'), '--teacher resnet9: resnet: depth 9; it must be one of 8, 14, 20')
  assert.match(refused('--student resnet8:16,32'), '--student resnet8:16,32: resnet: 2 widths, 16, 32; depth 8 has 3')
  assert.match(refused('--student resnet8:0,1,1'), '--student resnet8:0,1,1: resnet: widths')
  assert.match(refused('--teacher-input high'), '--teacher-input high: one of full, low')
  assert.match(refused('--bn-after-eval eval'), '--bn-after-eval eval: one of train, freeze')
  assert.match(refused('--downscale nearest'), '--downscale nearest: one of area, bilinear, bilinearAntialias')
  assert.match(refused('--resume --fresh'), '--resume and --fresh')
})

test('words are quoted as a shell wants them', () => {
  assert.is(quoted('--sizes=7,14'), '--sizes=7,14')
  assert.is(quoted('a b'), "'a b'")
  assert.is(quoted("it's"), "'it'\\''s'")
  assert.is(quoted(''), "''")
  assert.is(quoted('a|b'), "'a|b'")
})

test('flags that each do something else than the study are refused together', () => {
  assert.match(refused('--merge --dry-run'), '--merge and --dry-run: one at a time')
  assert.match(refused('--watch --print-config'), '--watch and --print-config: one at a time')
  assert.match(refused('--cell 1 --list'), '--cell and --list: one at a time')
  assert.match(refused('--processes 2 --dry-run'), '--processes and --dry-run: one or the other')
})

test.run()
