// The main job as a process, from an empty folder to the report: what it writes, that it skips what is done, that it
// gives the same bits again, and that it can be interrupted.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseResults } from '../../src/report/results.ts'
import { digestsIn, eventsIn, makeProgram, type Program, resultsIn, until, watch } from './program.ts'

const test = suite('the study as a process')

let program: Program
test.before(async () => {
  program = await makeProgram()
})
test.after(() => program.remove())

const at = (name: string) => join(program.folder, name)
const eventsOf = (folder: string) => eventsIn(join(folder, 'events.jsonl'))

test('a first run trains and writes everything, a later one skips what is done, a fresh one has the same bits', async () => {
  const out = at('whole')
  const args = [
    ...program.small,
    '--methods',
    'supervised,cqkd,cqkd-raw,same-resolution,dml',
    '--raw-temperatures',
    '4',
  ]
  const first = await program.run([...args, '--out', out])
  assert.is(first.code, 0, first.err)
  assert.is(first.err, '')
  const lines = first.out.split('\n')
  assert.match(lines[0], /^data: fashion-mnist from .*, 120 \+ 50 images, 8x8, 10 classes$/)
  assert.match(lines[1], /^adapter: /)
  assert.match(
    first.out,
    'loss of CQKD calibrated: L(student) = 0.5 CE(student, y) + 0.5 T² KL(teacher/τ ‖ student; T = 4)',
  )
  assert.match(first.out, 'loss of DML: L(member0) = 0.5 CE(member0, y) + 0.25 KL(member1 ‖ member0) + 0.25 KL(member2')
  assert.is(first.out.match(/^\[\d\/7\] seed0\/.* accuracy /gm)?.length, 7)
  assert.not.match(first.out, '\x1b')
  assert.match(first.out, /CQKD calibrated +4 +1 /)
  assert.match(first.out, /^C0 +ONE SEED, NO VERDICT: /m)
  for (const name of ['report.html', 'results.json', 'table.md', 'table.csv', 'rows.csv']) {
    assert.match(first.out, `wrote ${join(out, name)}`)
    assert.ok(existsSync(join(out, name)))
  }
  const { run, rows, teachers } = resultsIn(out)
  assert.equal([rows.length, teachers.length], [7, 2])
  assert.ok(rows.every(({ status, sha256, accuracy }) => status === 'ok' && sha256?.length === 64 && accuracy !== null))
  assert.equal(run.seeds, [0])
  assert.match(run.command, / --raw-temperatures 4/)
  assert.is(run.version, JSON.parse(readFileSync('package.json', 'utf8')).version)
  assert.ok(run.overrides?.includes('--epochs 2') && !run.overrides.some((flag) => flag.startsWith('--methods')))
  const calibrated = rows.filter(({ teacher }) => teacher === 'calibrated')
  const full = teachers.filter(({ role }) => role === 'full')
  assert.equal([calibrated[0].tau, calibrated[0].teacherSeconds], [full[0].tau, full[0].seconds])
  const events = eventsOf(out)
  assert.ok(events.every(({ schemaVersion }) => schemaVersion === 1))
  assert.equal([events[0].event, events.at(-1).event, events.at(-1).status], ['run', 'end', 'ok'])

  const before = digestsIn(out)
  const second = await program.run([...args, '--out', out, '--seeds', '2', '--json', '--resume'])
  assert.is(second.code, 0, second.err)
  const both = parseResults(JSON.parse(second.out))
  assert.equal([both.run.seeds, both.rows.length], [[0, 1], 14])
  assert.equal(
    both.rows.slice(0, 7).map(({ sha256 }) => sha256),
    before,
  )
  assert.ok(both.claims.some(({ id, verdict }) => id === 'C0' && verdict !== 'one seed, no verdict'))
  assert.match(second.err, /^7 of 14 cells are finished already$/m)
  assert.is(second.err.match(/ img\/s /g)?.length, 7)

  const fresh = await program.run([...program.small, '--out', out, '--fresh', '--quiet'])
  assert.is(fresh.code, 0, fresh.err)
  assert.is(fresh.err, '')
  assert.not.match(fresh.out, /adapter:|img\/s|wrote/)
  assert.match(fresh.out, /^Fashion-MNIST, preset quick/)
  assert.equal(digestsIn(out), before.slice(0, 2))
})

test('a signal in the middle of a cell leaves a checkpoint and its exit code; the run goes on to the same bits', async () => {
  const args = [...program.small, '--epochs', '60']
  const whole = await program.run([...args, '--out', at('undisturbed')])
  assert.is(whole.code, 0, whole.err)
  const out = at('stopped')
  const stop = async (signal: 'SIGINT' | 'SIGTERM', code: number, cell: string, files: string[]) => {
    const { child, ended } = program.start([...args, '--out', out])
    await until(
      () => eventsOf(out).some(({ event, id }) => event === 'progress' && id === cell),
      `${cell} to train`,
      ended,
    )
    child.kill(signal)
    const sent = performance.now()
    const stopped = await ended
    assert.is(stopped.code, code, stopped.err)
    assert.ok(performance.now() - sent < 5000, `took ${performance.now() - sent} ms to end`)
    assert.match(stopped.out, /stopping behind a checkpoint.*\nstopped; finished cells and the checkpoint are in/s)
    const endings = readdirSync(join(out, 'cells')).map((name) => name.replace(/^\w+/, ''))
    assert.equal(endings.sort(), files)
    assert.not.ok(existsSync(join(out, 'results.json')))
  }
  const cell = ['.json', '.safetensors']
  // The longest first: cqkd has the teacher's logits to compute.
  await stop('SIGTERM', 143, 'seed0/4px/cqkd-T4', ['.checkpoint.safetensors', ...cell])
  await stop('SIGINT', 130, 'seed0/4px/supervised', ['.checkpoint.safetensors', ...cell, ...cell].sort())
  const resumed = await program.run([...args, '--out', out, '--resume'])
  assert.is(resumed.code, 0, resumed.err)
  assert.match(resumed.out, /^2 of 3 cells are finished already$/m)
  assert.equal(digestsIn(out), digestsIn(at('undisturbed')))
})

test('a hang-up without a terminal changes nothing; a second Ctrl-C ends it at once', async () => {
  const out = at('twice')
  const { child, ended } = program.start([...program.small, '--epochs', '2000', '--out', out])
  const told = () => eventsOf(out).filter(({ event }) => event === 'progress').length
  await until(() => told() > 0, 'training', ended)
  child.kill('SIGHUP')
  const before = told()
  await until(() => told() > before, 'training to go on', ended)
  child.kill('SIGINT')
  child.kill('SIGINT')
  const { code } = await ended
  assert.is(code, 130)
})

test('a loss that is no number fails its cell; the run goes on and says so in code, table and report', async () => {
  const out = at('diverged')
  const { code, out: text, err } = await program.run([...program.small, '--lr', '1e30', '--out', out])
  assert.is(code, 1, err)
  assert.match(text, /^\[1\/3\] seed0\/teacher {2}FAILED: training diverged: the loss of 'teacher' is /m)
  assert.match(text, /^\[3\/3\] seed0\/4px\/cqkd-T4 {2}FAILED: it learns from seed0\/teacher, which failed/m)
  const { rows, teachers } = resultsIn(out)
  assert.ok([...rows, ...teachers].every(({ status, reason }) => status === 'failed' && reason))
  assert.is(eventsOf(out).at(-1).failed, 3)
})

test('synthetic pictures are named so, loudly, and in the table', async () => {
  const out = at('synthetic')
  const args = [
    ...program.small,
    '--dataset',
    'synthetic',
    '--methods',
    'supervised',
    '--epochs',
    '1',
    '--test-images',
    '50',
  ]
  args.splice(args.indexOf('--data'), 2)
  const { code, out: text, err } = await program.run([...args, '--quiet', '--out', out])
  assert.is(code, 0, err)
  assert.match(text, /^data: SYNTHETIC pictures, not photographs, 12000 \+ 4000 images, 28x28/)
  assert.match(text, /^SYNTHETIC pictures, preset quick/m)
  assert.is(resultsIn(out).run.dataset, 'synthetic')
  for (const name of ['table.md', 'report.html']) assert.match(readFileSync(join(out, name), 'utf8'), 'SYNTHETIC')
})

// util-linux's script gives a program a terminal, where there are pseudo-terminals (a bare chroot has none).
const hasTerminal = process.platform === 'linux' && spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0
const onTerminal = hasTerminal ? test : test.skip

onTerminal('on a terminal a live bar tells steps, images a second, loss and the time left', async () => {
  const out = at('terminal')
  const words = [
    process.execPath,
    program.launcher,
    ...program.small,
    '--epochs',
    '20',
    '--out',
    out,
    '--processes',
    '1',
  ]
  const line = `stty cols 130; exec ${words.map((word) => `'${word}'`).join(' ')}`
  const env = { ...process.env, TERM: 'xterm', NO_COLOR: '' }
  const ended = await watch(spawn('script', ['-qec', line, '/dev/null'], { env })).ended
  assert.is(ended.code, 0, ended.out)
  // Escape sequences by name: the line is cleared, green begins, green ends.
  const names = { '[2K': '{clear}', '[32m': '{', '[39m': '}' }
  const seen = Object.entries(names).reduce((text, [code, name]) => text.replaceAll(`\x1b${code}`, name), ended.out)
  const bar =
    /\r{clear}\[2\/3\] seed0\/4px\/supervised {█*}░* \d+\/60 {2}\d+ img\/s {2}loss \d\.\d{3} {2}ETA \d+:\d\d, study \d+:\d\d/
  assert.match(seen, bar)
  assert.match(seen, /\r{clear}\[3\/3\] seed0\/4px\/cqkd-T4 {2}[\d.]+ s/)
})

test.run()
