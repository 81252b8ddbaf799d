// A study that is told which kernels to take.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Choices } from '../../src/gpu/gpu.ts'
import { setChoices } from '../../src/ops/choices.ts'
import { parseArguments } from '../../src/study/args.ts'
import { followed, takeChoices } from '../../src/study/choices.ts'
import { runFacts } from '../../src/study/facts.ts'
import { CQKD, TRIKD } from '../../src/study/papers.ts'
import { UsageError } from '../../src/study/usage.ts'
import { tuningOf, tuningText } from '../../src/tune/tuning.ts'
import { engine } from '../device.ts'
import { memoryFiles } from '../memoryFiles.ts'
import { smallData } from './small.ts'

const test = suite('choices of a study')
test.after.each(() => setChoices(engine.gpu, {}))

const KEY = 'conv2d forward 20x4x4x4:4:3 stride 1 padding 1'
const trial = (key: string, chosen: string) => ({ key, default: 'first', chosen, tried: [] })
const tuning = tuningOf(engine.info, [trial(KEY, 'generic')])
const data = await smallData()
const filesWith = (text: string) => memoryFiles({ 'my.json': text })

async function refused(text: string, path = 'my.json'): Promise<string> {
  const error = await takeChoices(engine, path, filesWith(text)).then(
    () => null,
    (caught) => caught,
  )
  assert.instance(error, UsageError)
  assert.equal({ ...engine.gpu.choices }, {}, 'nothing is taken')
  return error.message
}

test('the engine follows the file, and its choices are told', async () => {
  const choices = await takeChoices(engine, 'my.json', filesWith(tuningText(tuning)))
  assert.equal({ ...choices }, { [KEY]: 'generic' })
  assert.is(engine.gpu.choices, choices)
})

test('a tuning in which every default won changes nothing, keys included', async () => {
  const text = tuningText(tuningOf(engine.info, [trial(KEY, 'first')]))
  assert.is(await takeChoices(engine, 'my.json', filesWith(text)), null)
})

test('a file that is none, or of another place, is refused in one line', async () => {
  assert.match(await refused(''), /^--choices: my\.json is not JSON/)
  assert.match(await refused('{}', 'other.json'), /^--choices: .*other\.json/)
  assert.match(await refused('{"schemaVersion":9}'), /my\.json: schemaVersion 9; this program reads up to 1/)
  const other = tuningText({ ...tuning, adapter: 'Other GPU', driver: '' })
  assert.match(
    await refused(other),
    /^--choices my\.json: tuned on Other GPU \(driver untold, subgroups of \d+\), this is /,
  )
  assert.match(await refused(tuningText({ ...tuning, driver: 'another' })), /tuned on .*\(another, subgroups of/)
  assert.match(
    await refused(tuningText({ ...tuning, choices: { [KEY]: 'wave' } })),
    /^--choices: choices: "wave" can't compute 'conv2d forward 20x4x4x4/,
  )
})

test('cells are told apart by their choices, without a device', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'choices-'))
  try {
    const path = join(folder, 'my.json')
    writeFileSync(path, tuningText(tuning))
    const [defaults, told] = [await followed(undefined), await followed(path)]
    const settings: (Choices | undefined)[] = [undefined, {}, { [KEY]: 'generic' }, { [KEY]: 'lanes' }]
    assert.equal(settings.map(defaults), [true, true, false, false])
    assert.equal(settings.map(told), [false, false, true, false])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('both studies have the flag, and the run records what was chosen', async () => {
  const argv = ['--choices', 'my.json']
  for (const options of [parseArguments(argv, CQKD), parseArguments(argv, TRIKD)]) {
    assert.ok(typeof options !== 'string')
    assert.is(options.choices, 'my.json')
    assert.equal(options.overrides, [], 'the recipe is as it was')
    const record = (choices?: Record<string, string>) =>
      runFacts({ ...engine.info, choices }, data, 'cqkd', options as never, argv)
    assert.equal(record({ [KEY]: 'generic' }).choices, { [KEY]: 'generic' })
    assert.not.ok('choices' in record())
  }
})

test.run()
