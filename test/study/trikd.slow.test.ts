// TriKD as a process: what it writes, that a killed run ends with the bits of the undisturbed one, both papers at once.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Results } from '../../src/report/rows.ts'
import { digestsIn, makeProgram, type Program, resultsIn, until } from './program.ts'

const test = suite('TriKD as a process')

let program: Program
let args: string[]
test.before(async () => {
  program = await makeProgram()
  args = ['trikd', '--dataset', 'fashion-mnist', '--data', join(program.folder, 'data'), '--sizes', '4']
  args.push('--train-images', '60', '--batch', '20', '--epochs', '30', '--seeds', '1', '--temperatures', '4')
  args.push('--teacher', 'resnet8:6,6,6', '--student', 'resnet8:4,4,4', '--generations', '1', '--looks', 'none')
})
test.after(() => program.remove())

test('it writes table and report, and tells its losses', async () => {
  const out = join(program.folder, 'whole')
  const { code, out: text, err } = await program.run([...args, '--out', out])
  assert.is(code, 0, err)
  assert.is(err, '')
  assert.match(
    text,
    /^loss of TriKD: L\(student\) = CE\(student, y\) \+ KL\(teacher ‖ student\) \+ KL\(anchor ‖ student\); L\(t/m,
  )
  assert.match(
    text,
    /^\[5\/7\] seed0\/4px\/generation1 .* accuracy [\d.]+ % {2}ECE [\d.]+ % {2}teacher [\d.]+ % {2}[\d:]+ left$/m,
  )
  assert.match(text, /^students, 4 px\nsupervised /m)
  assert.match(text, /^K1 ONE SEED, NO VERDICT: TriKD beats/m)
  const { run, rows, claims } = resultsIn(out)
  assert.equal([run.paper, run.preset, rows.length, claims.length], ['trikd', 'quick', 10, 12])
  assert.match(run.command, /^npx webgpu-distill trikd /)
  for (const name of ['report.html', 'table.md', 'figures/accuracy-of-students.svg'])
    assert.ok(existsSync(join(out, name)))
})

test('killed in the middle, it goes on to the same bits', async () => {
  const out = join(program.folder, 'killed')
  const { child, ended } = program.start([...args, '--out', out])
  const events = join(out, 'events.jsonl')
  await until(
    () => existsSync(events) && /"progress".*generation1/.test(readFileSync(events, 'utf8')),
    'generation 1 to train',
    ended,
  )
  child.kill('SIGKILL')
  assert.is((await ended).signal, 'SIGKILL')
  const before = readdirSync(join(out, 'cells')).filter((name) => name.endsWith('.json'))
  assert.ok(before.length >= 2, 'the teacher and generation 0')
  const resumed = await program.run([...args, '--out', out, '--resume'])
  assert.is(resumed.code, 0, resumed.err)
  assert.match(resumed.out, `\n${before.length} of 7 cells are finished already\n`)
  assert.equal(digestsIn(out), digestsIn(join(program.folder, 'whole')))
})

test('killed at any moment, training to convergence and generations until saturation end where they would have', async () => {
  const recipe = join(program.folder, 'recipe.json')
  const schedule = { name: 'constant', warmup: 0 }
  writeFileSync(recipe, JSON.stringify({ schedule, optimizer: { lr: 0.002 }, patience: 2, saturation: 1 }))
  const study = [
    ...args,
    '--config',
    recipe,
    '--looks',
    '40,50',
    '--epochs',
    '60',
    '--generations',
    '8',
    '--methods',
    'trikd,control',
  ]
  const whole = join(program.folder, 'ended')
  const first = await program.run([...study, '--out', whole])
  assert.is(first.code, 0, first.err)
  const told = ({ rows }: Results) => rows.map(({ status, reason, sha256, epochs }) => [status, reason, sha256, epochs])
  const ends = told(resultsIn(whole))
  const saturated = ends.filter(([status]) => status === 'saturated').length
  assert.ok(saturated > 0 && saturated < ends.length, `${saturated} of ${ends.length}`)
  assert.ok(ends.some(([, , , epochs]) => (epochs as number) > 2 && (epochs as number) < 60))
  assert.match(
    first.out,
    /^\[\d+\/17\] seed0\/4px\/generation8 {2}not trained: saturated at generation \d: NLL on images/m,
  )
  const out = join(program.folder, 'ended-killed')
  const events = join(out, 'events.jsonl')
  for (const sign of ['"progress".*generation0', '"finished".*generation0', '"progress".*control1', '"saturated"']) {
    const { child, ended } = program.start([...study, '--out', out, '--save-seconds', '0'])
    await until(() => existsSync(events) && new RegExp(sign).test(readFileSync(events, 'utf8')), sign, ended)
    child.kill('SIGKILL')
    await ended
  }
  const resumed = await program.run([...study, '--out', out, '--resume'])
  assert.is(resumed.code, 0, resumed.err)
  assert.equal(told(resultsIn(out)), ends)
})

test('--paper chooses the study whatever the command, and all runs both', async () => {
  const list = async (...flags: string[]) => {
    const { code, out, err } = await program.run([
      ...flags,
      '--list',
      '--data',
      join(program.folder, 'data'),
      '--sizes',
      '4',
    ])
    assert.is(code, 0, err)
    return out
  }
  const small = [
    '--train-images',
    '60',
    '--calibration-images',
    '20',
    '--looks',
    'none',
    '--batch',
    '20',
    '--seeds',
    '1',
  ]
  const cqkd = await list('trikd', '--paper', 'cqkd', ...small)
  assert.match(cqkd, 'seed0/4px/cqkd-T4')
  assert.not.match(cqkd, 'generation1')
  assert.match(await list('cqkd', '--paper=trikd', ...small), 'seed0/4px/generation1')
  const both = await list('cqkd', '--paper', 'all', ...small)
  assert.match(both, 'seed0/4px/cqkd-T4')
  assert.match(both, 'seed0/4px/generation1')
  for (const [flags, message] of [
    [['--paper', 'mnist'], '--paper mnist: one of cqkd, trikd, all'],
    [['--paper'], '--paper needs a value'],
    [['--paper', 'all', '--json'], '--json: one document, so one paper at a time'],
  ] as [string[], string][]) {
    const { code, err } = await program.run(['cqkd', ...flags])
    assert.is(code, 2)
    assert.match(err, message)
  }
})

test.run()
