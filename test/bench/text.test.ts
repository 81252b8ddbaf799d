import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { changes, parseResults } from '../../src/bench/compare.ts'
import { type BenchResults, type KernelResult, SCHEMA } from '../../src/bench/results.ts'
import { changeText, profileText, resultText } from '../../src/bench/text.ts'
import { traceText } from '../../src/bench/trace.ts'
import { UsageError } from '../../src/study/usage.ts'
import { spread } from '../../src/tune/clock.ts'

const test = suite('bench text')

const kernel = (name: string, seconds: number, device: number | null = null): KernelResult => ({
  ...{ name, op: 'relu', pass: 'forward', shape: '1x1x1x1', kernel: 'ours', flops: 100, bytes: 200 },
  ...{ dispatches: 1, calls: 1, check: { ok: true, error: 0, tolerance: 1e-4, samples: 1 } },
  wall: spread([seconds]),
  device: device === null ? null : spread([device]),
  ...{ gflops: 1, gbs: 2, ofPeak: 0.5, ofCopy: 0.25 },
})

const results = (kernels: KernelResult[], gflops = 10): BenchResults => ({
  ...{ schemaVersion: SCHEMA, version: '0', commit: null, node: '20', webgpu: null, date: '', command: '' },
  ...{ adapter: 'an adapter', software: false, features: [], subgroupSize: 8, rounds: 1 },
  peaks: {
    gflops,
    gbs: 20,
    all: [{ name: 'fma 8 chains', kind: 'fma', rate: gflops, wall: spread([1]), device: null }],
  },
  ...{ kernels, steps: [], profiles: [] },
})

test('median, quartiles and the shortest', () => {
  assert.equal(spread([5, 1, 3, 2, 4]), { median: 3, best: 1, q1: 2, q3: 4, n: 5 })
  assert.equal(spread([2, 1]), { median: 1.5, best: 1, q1: 1.25, q3: 1.75, n: 2 })
  assert.equal(spread([7]), { median: 7, best: 7, q1: 7, q3: 7, n: 1 })
})

test('a comparison has what both runs timed, by the device where it tells', () => {
  const old = results([kernel('a', 4), kernel('b', 1), kernel('gone', 1)], 10)
  const now = results([kernel('new', 1), kernel('a', 2), kernel('b', 9, 4)], 20)
  assert.equal(changes(old, now), [
    { name: 'a', before: 4, after: 2, faster: 2, ofPeak: 1 },
    { name: 'b', before: 1, after: 4, faster: 0.25, ofPeak: 0.125 },
  ])
  const text = changeText(changes(old, now), 'old.json', false)
  assert.match(text, /a +4000 +2000 +2\.00x +1\.00x/)
  assert.match(text, /ANOTHER ADAPTER/)
})

test('a file that is no result is refused in one line', () => {
  const refused = (text: string, message: RegExp) =>
    assert.throws(
      () => parseResults(text, 'old.json'),
      (error: Error) => error instanceof UsageError && message.test(error.message),
    )
  refused('{', /--compare old.json: no JSON/)
  refused('null', /no result of this bench/)
  refused('{"kernels": []}', /no result of this bench/)
  refused(JSON.stringify({ ...results([]), schemaVersion: 99 }), /schema version 99, this bench writes 1/)
  assert.equal(parseResults(JSON.stringify(results([kernel('a', 1)])), 'old.json').kernels[0].name, 'a')
})

test('tables tell what is wrong, and whose kernel it is', () => {
  const wrong = { ...kernel('b', 1), wall: null, kernel: 'mine.wgsl' }
  wrong.check = { ...wrong.check, ok: false, error: 0.5 }
  const text = resultText(results([kernel('a', 0.001), wrong]))
  assert.match(text, /a \(ours\) +1\.00 +1\.00 +±0 % +1 +1\.00 +50\.0 % +2\.00 +25\.0 % +1 +0\.0e\+0/)
  assert.match(text, /b \(mine\.wgsl\) +WRONG +5\.0e-1/)
  assert.match(text, /multiply-add {2}10\.0 GFLOP\/s: 8 chains 10\.0 GFLOP\/s/)
})

const dispatch = { index: 0, pipeline: 'conv2d.forward', groups: [2, 3, 1], bytes: 2048, seconds: 0.5 }
const profile = {
  dispatches: [dispatch, { ...dispatch, index: 1, seconds: 0.25 }],
  pipelines: [{ pipeline: 'conv2d.forward', dispatches: 2, seconds: 0.75, share: 1 }],
  ...{ seconds: 0.75, rounds: 3 },
}

test('a profile as text', () => {
  const text = profileText('tiny', profile)
  assert.match(text, /tiny: 2 dispatches, 750 ms/)
  assert.match(text, /750 +100\.0 % +2 +conv2d\.forward/)
  assert.match(text, /500 +66\.7 % +0 +2x3x1 +2 +conv2d\.forward/)
})

test('a trace is what chrome://tracing reads', () => {
  const spans = [{ name: 'relu', track: 'device' as const, start: 1.5, seconds: 0.25 }]
  const { traceEvents } = JSON.parse(traceText(spans, [{ name: 'tiny', profile }]))
  const names = traceEvents
    .filter((event: { ph: string }) => event.ph === 'M')
    .map(({ args }: { args: { name: string } }) => args.name)
  assert.equal(names, ['host', 'device', 'dispatches of tiny'])
  const timed = traceEvents.filter((event: { ph: string }) => event.ph === 'X')
  assert.equal(
    timed.map(({ tid, ts, dur }: { tid: number; ts: number; dur: number }) => [tid, ts, dur]),
    [
      [1, 1_500_000, 250_000],
      [2, 0, 500_000],
      [2, 500_000, 250_000],
    ],
  )
})

test.run()
