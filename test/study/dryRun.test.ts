// What a dry run reckons with: every network on what it sees, teachers that run along in every step.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makePair } from '../../src/data/dataset.ts'
import { synthetic } from '../../src/data/synthetic.ts'
import { CMKD } from '../../src/studies/cmkd.ts'
import { parseArguments, type StudyArguments } from '../../src/study/args.ts'
import { costOf, flops } from '../../src/study/cost.ts'
import { dryRun, guess } from '../../src/study/dryRun.ts'
import { TRIKD_PRESETS } from '../../src/study/trikdRecipe.ts'
import { trikdStages } from '../../src/study/trikdStages.ts'
import { engine } from '../device.ts'

const test = suite('dry run')

test('students of grey and of edges are tried on such pictures', async () => {
  const colours = synthetic({ train: 120, test: 20, size: 8, channels: 3 })
  const data = await makePair(colours.train, colours.test, 'synthetic')
  const line = '--preset smoke --values grey|8,edges|8 --batch 20 --epochs 1 --teacher resnet8:4,4,4/1 --json'
  const words = line.split(' ').map((word) => word.replaceAll('|', ' '))
  const options = parseArguments([...words, '--student', 'resnet8:4,4,4/1'], CMKD) as StudyArguments
  const stages = CMKD.stages(options.recipe as never, { side: 8, channels: 3, classes: 10 })
  const { write } = process.stdout
  let text = ''
  process.stdout.write = (chunk: string | Uint8Array) => {
    text += chunk
    return true
  }
  try {
    assert.is(await dryRun({ engine, data, stages }, options), 0)
  } finally {
    process.stdout.write = write
  }
  const { cells } = JSON.parse(text)
  assert.is(cells.length, stages.length)
  assert.ok(cells.every(({ seconds }: { seconds: number }) => seconds > 0))
})

test("a teacher whose answers are not looked up takes a third of a step's time in every step", () => {
  const { recipe } = TRIKD_PRESETS.smoke
  const methods = ['kd', 'dkd'] as const
  const stages = trikdStages({ ...recipe, methods: [...methods] }, { side: 8, channels: 1, classes: 10 })
  const counts = { train: 256, test: 100 }
  const [looked, along] = methods.map((method) => {
    const stage = stages.find(({ label }) => 'method' in label && label.method === method)!
    const cost = { ...costOf(stage, counts, flops), evaluation: 0 }
    return guess(stage, cost, () => 3) / cost.steps
  })
  assert.is(along, 4)
  assert.is(looked, 3 + 1 / recipe.epochs)
})

test.run()
