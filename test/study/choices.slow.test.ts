// A study on chosen kernels, as whole processes: other bits in other cells, and the same bits when they are seen again.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CONV_PASSES } from '../../src/ops/conv2dKey.ts'
import { tuningOf, tuningText } from '../../src/tune/tuning.ts'
import { engine } from '../device.ts'
import { makeProgram, type Program } from './program.ts'

const test = suite('a study on chosen kernels')

let program: Program
test.before(async () => {
  program = await makeProgram()
})
test.after(() => program.remove())

const json = (...path: string[]) => JSON.parse(readFileSync(join(program.folder, ...path), 'utf8'))

test('cells of chosen kernels are cells of their own, recorded, merged and shown again as such', async () => {
  const trials = CONV_PASSES.map((pass) => {
    return { key: `conv2d ${pass} 20x4x4x4:4:3 stride 1 padding 1`, default: 'first', chosen: 'generic', tried: [] }
  })
  const file = join(program.folder, 'mine.json')
  writeFileSync(file, tuningText(tuningOf(engine.info, trials)))
  const out = join(program.folder, 'out')
  const run = async (...more: string[]) => {
    const { code, out: said, err } = await program.run([...program.small, '--quiet', '--out', out, ...more])
    assert.is(code, 0, err)
    return said
  }
  const bits = () => json('out', 'results.json').rows.map(({ sha256 }: { sha256: string }) => sha256)
  await run()
  const plain = bits()
  await run('--choices', file, '--keep')
  const chosen = bits()
  for (const [i, sha256] of chosen.entries()) assert.is.not(sha256, plain[i])
  const { choices } = json('out', 'results.json').run
  assert.is(choices[trials[0].key], 'generic')
  const cells = readdirSync(join(out, 'cells')).filter((name) => name.endsWith('.json'))
  const told = cells.filter((name) => json('out', 'cells', name).setting.choices)
  assert.equal([cells.length, told.length], [6, 3], 'teacher, supervised and distilled student, twice')

  assert.match(await run('--merge'), /left out: 3 cells of other kernels \(--choices\)/)
  assert.equal(bits(), plain)
  await run('--merge', '--choices', file)
  assert.equal(bits(), chosen)

  const models = readdirSync(join(out, 'models')).filter((name) => name.endsWith('.safetensors'))
  const data = program.small[program.small.indexOf('--data') + 1]
  const shown = await program.run([
    'eval',
    ...models.map((name) => join(out, 'models', name)),
    '--data',
    data,
    '--json',
  ])
  assert.is(shown.code, 0, shown.err)
  for (const { sameBits } of JSON.parse(shown.out).networks) assert.is(sameBits, true)
})

test.run()
