// A study by several processes: at the same time in one folder, a cell or a shard each, killed at any moment.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { stream } from '../../src/random.ts'
import { paysOn, processesFor } from '../../src/study/processes.ts'
import { digestsIn, eventsIn, makeProgram, type Program, resultsIn, until, watch } from './program.ts'

const test = suite('a study by several processes')

let program: Program
test.before(async () => {
  program = await makeProgram()
})
test.after(() => program.remove())

const at = (name: string) => join(program.folder, name)

/** Cells by name: weights as bytes, and all numbers that are no time. */
function cellsIn(out: string) {
  const folder = join(out, 'cells')
  const cells = readdirSync(folder).filter((name) => name.endsWith('.json'))
  const timeless = (key: string, value: unknown) => (key === 'inferenceMs' ? null : value)
  return cells.sort().map((name) => {
    const { stage, status, outcome } = JSON.parse(readFileSync(join(folder, name), 'utf8'))
    const weights = readFileSync(join(folder, name.replace('.json', '.safetensors'))).toString('base64')
    const { nodes, curve } = JSON.parse(JSON.stringify(outcome, timeless))
    return { id: stage.id, name, status, weights, nodes, curve }
  })
}
const endings = (out: string) => new Set(readdirSync(join(out, 'cells')).map((name) => name.replace(/^\w+/, '')))
const finishedIn = (path: string) => eventsIn(path).filter(({ event }) => event === 'finished')

/** Who is at cells. */
function lockersIn(out: string): Set<number> {
  const folder = join(out, 'cells')
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.lock')) : []
  const pids = names.map((name) => /"pid": ?(\d+)/.exec(readFileSync(join(folder, name), 'utf8'))?.[1])
  return new Set(pids.flatMap((pid) => (pid ? [Number(pid)] : [])))
}

async function bothTrain(child: ChildProcess, out: string): Promise<void> {
  const training = () => eventsIn(join(out, 'events.jsonl')).filter(({ event }) => event === 'progress')
  const both = () => lockersIn(out).size === 2 && new Set(training().map(({ id }) => id)).size === 2
  await until(() => child.exitCode !== null || both(), 'two processes to train')
  assert.is(child.exitCode, null)
}

const flags = () => [...program.small, '--temperatures', '2,4,8', '--epochs', '12']
let whole: ReturnType<typeof cellsIn>

test('the same command three times at once trains every cell once, to the same bits', async () => {
  const one = await program.run([...flags(), '--out', at('one')])
  assert.is(one.code, 0, one.err)
  whole = cellsIn(at('one'))
  assert.is(whole.length, 5)
  const out = at('together')
  const ended = await Promise.all([1, 2, 3].map(() => program.run([...flags(), '--out', out])))
  for (const { code, err } of ended) assert.is(code, 0, err)
  assert.equal(cellsIn(out), whole)
  assert.is(finishedIn(join(out, 'events.jsonl')).length, 5)
  assert.equal(endings(out), new Set(['.json', '.safetensors']))
  assert.equal(digestsIn(out), digestsIn(at('one')))
  assert.match(ended.map(({ out }) => out).join(''), / waiting for .* process \d+ of |by another process/)
})

test('--processes does the same by itself', async () => {
  const out = at('processes')
  const run = await program.run([...flags(), '--out', out, '--processes', '2'])
  assert.is(run.code, 0, run.err)
  assert.equal(cellsIn(out), whole)
  assert.is(finishedIn(join(out, 'events.jsonl')).length, 5)
  assert.equal(digestsIn(out), digestsIn(at('one')))
  const fresh = await program.run([...flags(), '--out', out, '--processes', '2', '--fresh'])
  assert.equal([fresh.code, fresh.err], [2, 'webgpu-distill: --processes and --fresh: one or the other\n'])
  const none = await program.run([...flags(), '--processes', '0'])
  assert.is(none.code, 2)
})

test('on lavapipe a study is shared by two processes unasked', async () => {
  const out = at('unasked')
  const { WEBGPU_DISTILL_ADAPTER: adapter } = process.env
  const words = [...flags(), '--out', out, ...(adapter ? ['--adapter', adapter] : [])]
  const { code, err, out: said } = await watch(spawn(process.execPath, [program.launcher, ...words])).ended
  assert.is(code, 0, err)
  assert.equal(cellsIn(out), whole)
  const runs = eventsIn(join(out, 'events.jsonl')).filter(({ event }) => event === 'run')
  const two = processesFor({}, whole.length) === 2 && paysOn(runs[0].run.adapter)
  assert.is(runs.length, two ? 2 : 1)
  assert.is(/^2 processes share the cells/m.test(said), two)
  const again = await watch(spawn(process.execPath, [program.launcher, ...words])).ended
  assert.is(again.code, 0, again.err)
  assert.not.match(again.out, /processes share the cells/, 'nothing is left to share')
})

test('a fault that one of --processes meets stops the others behind a checkpoint', async () => {
  const out = at('fault')
  const args = [...program.small, '--epochs', '200', '--student', 'resnet8:32,32,32/1', '--out', out]
  const list = await program.run([...args, '--list', '--json'])
  const [, second, third] = JSON.parse(list.out).cells.map(({ key }: { key: string }) => join(out, 'cells', key))
  mkdirSync(join(out, 'cells'), { recursive: true })
  writeFileSync(`${third}.checkpoint.safetensors`, 'half')
  // The first does the small teacher and comes to the damaged cell, while the other one is at the second.
  const { code, err } = await program.run([...args, '--processes', '2'])
  assert.is(code, 1)
  assert.match(err, `${third}.checkpoint.safetensors: truncated`)
  assert.ok(existsSync(`${second}.checkpoint.safetensors`), 'the other one was stopped')
  assert.not(existsSync(`${second}.json`))
})

test('one whose first process is killed has others that stop behind a checkpoint', async () => {
  const out = at('orphans')
  const { child, ended } = program.start([...program.small, '--epochs', '4000', '--out', out, '--processes', '2'])
  await bothTrain(child, out)
  child.kill('SIGKILL')
  assert.is((await ended).signal, 'SIGKILL')
  // It gives its cell back; the first could not.
  await until(() => [...lockersIn(out)].join() === String(child.pid), 'the other one to end')
  assert.ok([...endings(out)].includes('.checkpoint.safetensors'))
})

test('SIGTERM to the first of two, as in a container, leaves a checkpoint of both before it ends', async () => {
  const out = at('terminated')
  const { child, ended } = program.start([...program.small, '--epochs', '4000', '--out', out, '--processes', '2'])
  await bothTrain(child, out)
  child.kill('SIGTERM')
  assert.is((await ended).code, 143)
  assert.equal(endings(out), new Set(['.checkpoint.safetensors']), 'no lock')
  assert.is(readdirSync(join(out, 'cells')).length, 2)
})

test('a cell that diverges in another process is told, quiet or not; the first makes the tables', async () => {
  const out = at('diverged')
  const words = [...program.small, '--lr', '1e30', '--out', out, '--processes', '2', '--json', '--quiet']
  const { code, out: said, err } = await program.run(words)
  assert.is(code, 1)
  assert.is(err.match(/^\[\d\/3\] seed0\/.* FAILED: /gm)?.length, 3, err)
  assert.is(JSON.parse(said).run.command, resultsIn(out).run.command)
  assert.is(resultsIn(out).run.processes, 2)
})

test('tables that cannot be written end all of --processes, none waits for the others', async () => {
  const out = at('unwritable')
  mkdirSync(join(out, 'report.html'), { recursive: true })
  const args = [...program.small, '--methods', 'supervised', '--out', out]
  const { code, err } = await program.run([...args, '--processes', '2'])
  assert.is(code, 1)
  assert.match(err, 'report.html: it is a folder, not a file')
  assert.not(existsSync(join(out, 'cells', 'report.lock')))
})

test('cells and shards by number, from the environment too; the merge tells what is missing, then makes the tables', async () => {
  const out = at('cells')
  const args = [...flags(), '--out', out]
  const none = await program.run([...args, '--merge', '--keep'])
  assert.equal([none.code, none.out.includes('0 of 5 cells of this study are in')], [3, true], none.err)
  const [fourth, first] = await Promise.all([
    program.run([...args, '--cell'], { SLURM_ARRAY_TASK_ID: '4' }),
    program.run([...args, '--cell'], { JOB_COMPLETION_INDEX: '0' }),
  ])
  assert.equal([fourth.code, first.code], [0, 0], fourth.err + first.err)
  assert.match(fourth.out, /^cell-4: 1 of 1 cells done; --merge makes the tables$/m)
  assert.not.ok(existsSync(join(out, 'results.json')))
  const trained = ['cell-1', 'cell-4'].flatMap((name) => finishedIn(join(out, 'events', `${name}.jsonl`)))
  assert.equal(trained.map(({ id }) => id).sort(), ['seed0/4px/cqkd-T4', 'seed0/teacher'], 'the shared teacher once')
  const part = await program.run([...args, '--merge'])
  assert.is(part.code, 3, part.err)
  assert.match(part.out, /^missing: cell 2, seed0\/4px\/supervised: open$/m)
  const shard = await program.run([...args, '--shard', '1/2', '--fresh'])
  assert.is(shard.code, 0, shard.err)
  const list = await program.run([...args, '--list', '--json'])
  assert.equal(
    JSON.parse(list.out).cells.map(({ number, needs, state }: Record<string, unknown>) => [number, needs, state]),
    [
      [1, [], 'done'],
      [2, [], 'open'],
      [3, [1], 'done'],
      [4, [1], 'done'],
      [5, [1], 'done'],
    ],
  )
  assert.is((await program.run([...args, '--shard', '2/2'])).code, 0)
  const merged = await program.run([...args, '--merge', '--quiet'])
  assert.is(merged.code, 0, merged.err)
  assert.match(merged.out, /CQKD calibrated +8 +1 /)
  assert.equal(cellsIn(out), whole)
  assert.equal(digestsIn(out), digestsIn(at('one')))
  const watched = await program.run([...args, '--watch'])
  assert.is(watched.code, 0, watched.err)
  assert.match(watched.out, /: 5 of 5 cells done, 0 at work\n$/)
})

test('SIGUSR1 leaves a checkpoint and code 138, whatever SIGTERM follows; a watcher sees the work', async () => {
  const out = at('signalled')
  const args = [...program.small, '--epochs', '400', '--out', out]
  const { child, ended } = program.start([...args, '--cell', '2'])
  const log = join(out, 'events', 'cell-2.jsonl')
  await until(() => existsSync(log) && readFileSync(log, 'utf8').includes('"progress"'), 'training', ended)
  const { out: seen, code } = await program.run([...args, '--watch', '--json'])
  assert.is(code, 0)
  assert.equal(
    JSON.parse(seen).cells.map(({ state }: { state: string }) => state),
    ['open', 'at work', 'open'],
  )
  let said = ''
  child.stdout?.on('data', (text) => (said += text))
  child.kill('SIGUSR1')
  await until(() => said.includes('stopping behind a checkpoint'), 'the signal to be heard', ended)
  child.kill('SIGTERM')
  assert.is((await ended).code, 138)
  assert.equal(endings(out), new Set(['.checkpoint.safetensors']))
})

test('SIGUSR1 before the first cell ends it with code 138, too', async () => {
  const { child, ended } = program.start([...program.small, '--out', at('early')])
  let said = ''
  child.stdout?.on('data', (text) => (said += text))
  await until(() => child.exitCode !== null || said.includes('data: '), 'the first word')
  child.kill('SIGUSR1')
  const { code, err } = await ended
  assert.equal([code, err], [138, ''])
})

test('twenty kills at random moments change no bit of weights, metrics and curves', async () => {
  const study = [...program.small, '--epochs', '60', '--save-seconds', '0.05', '--out']
  const undisturbed = await program.run([...study, at('undisturbed')])
  assert.is(undisturbed.code, 0, undisturbed.err)
  const same = (out: string) => {
    assert.equal(cellsIn(out), cellsIn(at('undisturbed')))
    assert.equal(endings(out), new Set(['.json', '.safetensors']))
    assert.equal(digestsIn(out), digestsIn(at('undisturbed')))
  }
  const random = stream(20, 'kills')
  const left: string[] = []
  let studies = 1
  while (left.length < 20) {
    const out = at(`killed${studies}`)
    const { child, ended } = program.start([...study, out])
    // Every fourth anywhere from the first millisecond, the others when a network is being trained.
    const log = join(out, 'events.jsonl')
    const told = () => (existsSync(log) ? readFileSync(log, 'utf8').split('"progress"').length : 1)
    const before = told()
    const anywhere = left.length % 4 === 3
    if (!anywhere) await until(() => told() > before || child.exitCode !== null, 'the run to train')
    await new Promise((resolve) => setTimeout(resolve, (anywhere ? 2000 : 600) * random.uniform()))
    child.kill('SIGKILL')
    const { signal, code, err } = await ended
    if (signal === 'SIGKILL') left.push(existsSync(join(out, 'cells')) ? [...endings(out)].join(' ') : '')
    else {
      // It was done before: the remaining kills meet another one.
      assert.is(code, 0, err)
      same(out)
      studies++
    }
  }
  const out = at(`killed${studies}`)
  const last = await program.run([...study, out])
  assert.is(last.code, 0, last.err)
  same(out)
  const count = (kind: string) => left.filter((endings) => endings.includes(kind)).length
  assert.ok(count('.lock') > 0 && count('.checkpoint.safetensors') > 0, left.join('; '))
  const [finished, half] = [left.filter((endings) => endings.includes('.json')).length, count('.tmp')]
  process.stdout.write(`(20 kills in ${studies} studies, ${finished} behind finished cells, ${half} in mid-write) `)
})

test.run()
