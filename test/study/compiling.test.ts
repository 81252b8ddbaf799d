// A study's cold start: what a log, an event file, a bar and --watch say until the first step has ended.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Compiling } from '../../src/gpu/compiling.ts'
import { readText } from '../../src/io/files.ts'
import { init } from '../../src/node.ts'
import { tellCompiling } from '../../src/study/compiling.ts'
import { Events, readEvents } from '../../src/study/events.ts'
import type { Holder } from '../../src/study/locks.ts'
import { Progress } from '../../src/study/progress.ts'
import { watchText } from '../../src/study/watch.ts'
import { memoryFiles } from '../memoryFiles.ts'
import { running } from './running.ts'
import { smallData, smallStages } from './small.ts'

const test = suite('compiling')

const stream = (isTTY: boolean) => {
  const written: string[] = []
  return { isTTY, columns: 120, written, write: (text: string) => written.push(text) }
}

/** An engine that says what it is told to say. */
function told(isTTY: boolean) {
  const engine = { onCompiling: null as ((compiling: Compiling) => void) | null }
  const out = stream(isTTY)
  const files = memoryFiles()
  const events = new Events(files, 'out/events.jsonl')
  const shown: (string | undefined)[] = []
  const listening = { engine: engine as never, events, progress: new Progress(out, false, {}) }
  const stop = tellCompiling(listening, { id: 'seed0/teacher', name: '[1/14] seed0/teacher' }, (text) => {
    shown.push(text)
  })
  const say = (phase: Compiling['phase'], done: number, step = 'training step') =>
    engine.onCompiling?.({ step, phase, done, total: 36 })
  return { engine, out, files, shown, say, stop }
}

test('a log has one line, a terminal a bar', () => {
  for (const isTTY of [false, true]) {
    const { out, say, shown } = told(isTTY)
    say('compiling', 0)
    say('compiling', 36)
    say('first run', 35)
    say('first run', 36)
    say('compiling', 0, 'evaluation')
    const line = '[1/14] seed0/teacher  compiling 36 pipelines: training step\n'
    assert.equal(out.written, isTTY ? [] : [line])
    assert.equal(shown, ['compiling 0/36', 'compiling 36/36', 'first run 35/36', undefined, 'compiling 0/36'])
  }
})

test('events say where it begins, and every few seconds how far it is', async () => {
  const real = performance.now
  let now = 1e6
  performance.now = () => now
  const { say, files, engine, stop, shown } = told(false)
  try {
    say('compiling', 0)
    for (let done = 1; done <= 36; done++, now += 300) say('first run', done)
    say('compiling', 0, 'evaluation')
    const late = engine.onCompiling!
    stop()
    assert.is(engine.onCompiling, null)
    shown.length = 0
    late({ step: 'training step', phase: 'first run', done: 1, total: 2 })
    assert.equal(shown, [], 'what comes late is not told')
  } finally {
    performance.now = real
  }
  await new Promise((resolve) => setTimeout(resolve, 20))
  const events = await readEvents(files, 'out')
  assert.equal(
    events.map(({ event, id, step, phase, done, total }) => [event, id, step, `${phase} ${done}/${total}`].join(', ')),
    [
      'compiling, seed0/teacher, training step, compiling 0/36',
      ...[11, 21, 31].map((done) => `compiling, seed0/teacher, training step, first run ${done}/36`),
      'compiling, seed0/teacher, evaluation, compiling 0/36',
    ],
  )
})

test('--watch shows it of a cell that another process is at', () => {
  const work = { id: 'a', step: 0, steps: 620, imagesPerSecond: 0, loss: 0, seconds: 4, first: 0 }
  const cell = { number: 1, id: 'seed0/teacher' } as never
  const at = (compiling?: string) => {
    const holder = { host: 'h', pid: 7, work: { ...work, compiling } } as Holder
    return watchText('out', [{ cell, state: 'at work', holder }] as never, null, 100)[1]
  }
  assert.match(at('first run 3/36'), /^\[1\/1\] seed0\/teacher ░+ first run 3\/36 {2}h 7$/)
  assert.match(at(), /░ preparing {2}h 7$/)
})

test('a cell on a device to which all is new says so before its first progress, and nothing once all has run', async () => {
  const engine = await init({ adapter: process.env.WEBGPU_DISTILL_ADAPTER })
  const files = memoryFiles()
  const stages = smallStages().slice(0, 1)
  const data = await smallData()
  const terminal = stream(true)
  const run = async (name: string, isTTY: boolean) => {
    const out = isTTY ? terminal : stream(false)
    const events = new Events(files, `out/events/${name}.jsonl`)
    const progress = new Progress(out, false, { NO_COLOR: '1' })
    await (await running(stages, data, { files, engine, events, progress, fresh: true })).cells
    const lines = (await readText(files, `out/events/${name}.jsonl`)).trim().split('\n')
    return lines.map((line) => JSON.parse(line).event as string)
  }
  try {
    const cold = await run('cold', true)
    const [cell, first] = [cold.indexOf('cell'), cold.indexOf('compiling')]
    assert.ok(cell < first && first < cold.indexOf('progress'), cold.join(' '))
    const bars = terminal.written.join('')
    assert.match(bars, /\] seed0\/\S+ ░+ compiling 0\/\d+/)
    assert.match(bars, /░ first run \d+\/\d+/)
    assert.ok(bars.indexOf('compiling 0/') < bars.indexOf('img/s'))
    assert.is(engine.onCompiling, null)
    const known = await run('known', false)
    assert.not.ok(known.includes('compiling'), known.join(' '))
  } finally {
    engine.destroy()
  }
})

test.run()
