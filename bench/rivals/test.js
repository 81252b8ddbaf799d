// The driver's own tests: node --test test.js. They need none of the rivals.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { cases } from './cases/index.js'
import { Contestant } from './contestant.js'
import { measure } from './measure.js'
import { flopsOf } from './resnet.js'
import { markdown, table } from './table.js'

const one = {
  name: 'double',
  family: 'double',
  tolerance: 1e-4,
  inputs: () => ({ x: { shape: [3], type: 'f32', data: Float32Array.of(1, 2, 4) } }),
}
const options = { folder: join(tmpdir(), `rivals-test-${process.pid}`), rounds: 4, patience: 60 }

/** Answers as a contestant's process does; `results` is what it makes of the inputs. */
function pretender(name, results, { seconds = 0.1, dies = Number.POSITIVE_INFINITY } = {}) {
  let asked = 0
  const asks = {
    prepare({ folder }) {
      for (const [key, values] of Object.entries(results))
        writeFileSync(join(folder, `result.${key}`), Float32Array.from(values))
      return { outputs: Object.keys(results) }
    },
    time: ({ calls }) => (++asked > dies ? { error: 'its process ended' } : { seconds: seconds * calls }),
    end: () => ({}),
  }
  return { name, ask: async (what, request) => asks[what](request) }
}

const measured = async (...contestants) => {
  const { entrants } = await measure(one, contestants, options)
  return Object.fromEntries(entrants.map((each) => [each.name, each]))
}

test('equal results are timed, a call that takes less than a quarter second is repeated', async () => {
  const { ours, rival } = await measured(
    pretender('ours', { y: [2, 4, 8] }, { seconds: 0.01 }),
    pretender('rival', { y: [2, 4, 8.0004] }, { seconds: 2 }),
  )
  assert.equal(ours.seconds.length, 4)
  assert.equal(ours.calls, 25)
  assert.equal(rival.calls, 1)
  assert.deepEqual(rival.seconds, [2, 2, 2, 2])
  assert.ok(rival.error > 4e-5 && rival.error < 6e-5)
})

test('results that differ, are no number, are missing or of another size are void and not timed', async () => {
  const wrong = { far: { y: [2, 4, 8.01] }, none: { y: [2, Number.NaN, 8] }, absent: { z: [2] }, short: { y: [2, 4] } }
  const entrants = await measured(
    pretender('ours', { y: [2, 4, 8] }),
    ...Object.entries(wrong).map(([name, results]) => pretender(name, results)),
  )
  for (const name of Object.keys(wrong)) {
    assert.match(entrants[name].void, /^y (differs|has)/, name)
    assert.deepEqual(entrants[name].seconds, [], name)
  }
  assert.equal(entrants.ours.void, undefined)
})

test('a contestant that fails while it is timed is void, the others go on', async () => {
  const { ours, rival } = await measured(
    pretender('ours', { y: [2, 4, 8] }),
    pretender('rival', { y: [2, 4, 8] }, { dies: 3 }),
  )
  assert.equal(rival.void, 'its process ended')
  assert.equal(ours.seconds.length, 4)
})

test('a slow contestant stops after three rounds', async () => {
  const { ours, slow } = await measured(
    pretender('ours', { y: [2, 4, 8] }),
    pretender('slow', { y: [2, 4, 8] }, { seconds: 100 }),
  )
  assert.equal(slow.seconds.length, 3)
  assert.equal(ours.seconds.length, 4)
})

test('a process that dies or reports an error is started again', async () => {
  const script = `
    const { writeSync } = require('node:fs')
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { what } = JSON.parse(line)
      if (what === 'time') throw new Error('out of luck')
      if (what === 'fail') return writeSync(3, JSON.stringify({ error: 'a device error' }) + '\\n')
      writeSync(3, JSON.stringify({ about: 'a process', pid: process.pid }) + '\\n')
    })`
  const contestant = new Contestant({ name: 'mortal', command: process.execPath, given: ['-e', script] }, {}, 60)
  await contestant.start()
  assert.equal(contestant.about, 'a process')
  const { pid } = await contestant.ask('prepare')
  const { error } = await contestant.ask('time')
  assert.match(error, /its process ended: /)
  const again = await contestant.ask('prepare')
  assert.ok(again.pid > 0 && again.pid !== pid)
  assert.deepEqual(await contestant.ask('fail'), { error: 'a device error' })
  assert.deepEqual(await contestant.ask('end'), {})
  const third = await contestant.ask('prepare')
  assert.ok(third.pid > 0 && third.pid !== again.pid)
  contestant.stop()
})

test('one that does not answer is ended', async () => {
  const script = 'process.stdin.once("data", () => {})'
  const contestant = new Contestant({ name: 'mute', command: process.execPath, given: ['-e', script] }, {}, 0.5)
  await contestant.start()
  assert.equal(contestant.absent, 'no answer within 0.5 s')
})

test('a command that is not there is void', async () => {
  const contestant = new Contestant({ name: 'nobody', command: 'no-such-command-here', given: [] }, {}, 60)
  await contestant.start()
  assert.match(contestant.absent, /ENOENT/)
})

test('the table has ratios of medians, and the best WebGPU rival among those that are not void', () => {
  const timed = (name, ...seconds) => ({ name, seconds })
  const run = {
    date: '2026-01-02T00:00:00Z',
    adapter: 'an adapter',
    cores: 2,
    rounds: 3,
    contestants: [
      { name: 'ours', about: 'ours', webgpu: true },
      { name: 'fast', about: 'fast', webgpu: true },
      { name: 'slow', about: 'slow', webgpu: true },
      { name: 'native', about: 'native' },
    ],
    cases: [
      {
        name: 'first',
        flops: 4e9,
        entrants: [
          timed('ours', 0.9, 1, 8),
          timed('fast', 4, 4, 4),
          timed('slow', 9, 9),
          timed('native', 0.5, 0.5, 0.5),
        ],
      },
      {
        name: 'second',
        entrants: [
          timed('ours', 1),
          { ...timed('fast', 4, 4), void: 'y differs' }, // in the third round
          timed('slow', 9),
          { ...timed('native'), void: 'no', lacks: true },
        ],
      },
    ],
  }
  const [, , first, second] = markdown(run).split('\n')
  assert.match(
    first,
    /^\| first \| 1000 ms ±\d+ % \| 4\.0 \| 4\.0x \| 4\.0x .* \| 9\.0x \(9000 ms ±0 %, n 2\) \| 0\.50x \(500 ms ±0 %\) \| 3 \|$/,
  )
  assert.match(second, /^\| second \| .* \| {2}\| 9\.0x \| void \| 9\.0x .* \| – \| 1 \|$/)
  assert.match(markdown(run), /void: second, fast: y differs/)
  assert.doesNotMatch(markdown(run), /void: second, native/)
  assert.match(markdown(run), /2026-01-02, an adapter, 2 cores, 3 rounds/)
  assert.match(table(run), /^case +ours +GFLOP\/s +best WebGPU rival +fast +slow +native +n\n/)
})

test('cases have names of their own and the same inputs every time', () => {
  assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length)
  for (const { name, inputs } of cases) {
    const [once, again] = [inputs(), inputs()]
    for (const [key, { data }] of Object.entries(once)) {
      const bytes = (values) => Buffer.from(values.buffer)
      assert.ok(bytes(data).equals(bytes(again[key].data)), `${name}: ${key}`)
    }
  }
})

test('inputs are spread over their range, and differ by purpose', () => {
  const { x, dy } = cases[0].inputs()
  const mean = x.data.reduce((sum, each) => sum + each, 0) / x.data.length
  assert.ok(Math.abs(mean) < 0.01)
  assert.ok(Math.min(...x.data.subarray(0, 1000)) < -0.9 && Math.max(...x.data.subarray(0, 1000)) > 0.9)
  assert.notDeepEqual(x.data.subarray(0, 8), dy.data.subarray(0, 8))
})

test('the CQKD step counts 3.6 GFLOP', () => {
  const step = cases.find(({ name }) => name.startsWith('CQKD'))
  assert.ok(Math.abs(step.flops - 3.58e9) < 0.05e9, String(step.flops))
  const tiny = { depth: 8, widths: [1, 1, 1], channels: 1, classes: 1 }
  // Stem and block: 3 of 16 pixels; then 2 and a shortcut of 4, twice 1 pixel likewise; the linear layer.
  assert.equal(flopsOf(tiny, 4), 2 * (3 * 9 * 16 + (18 + 1) * 4 + (18 + 1) * 1 + 1))
})
