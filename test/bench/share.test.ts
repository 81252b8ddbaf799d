// A result in a link: what comes out is what went in, and what nobody wrote is refused in one line.
import { deflateRawSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { changes, parseResults } from '../../src/bench/compare.ts'
import { type BenchResults, type KernelResult, ratesOf, SCHEMA } from '../../src/bench/results.ts'
import { fromFragment, isResult, toFragment } from '../../src/bench/share.ts'
import { resultMarkdown } from '../../src/bench/text.ts'
import { chooseCases } from '../../src/cases/choose.ts'
import { InputError } from '../../src/errors.ts'
import { spread } from '../../src/tune/clock.ts'

const test = suite('bench share')

const times = (seconds: number) => spread([0.97, 1, 1.01, 1.06, 1.2].map((factor) => factor * seconds))
const peaks = {
  ...{ gflops: 1234, gbs: 56.78 },
  all: [
    { name: 'fma 8 chains', kind: 'fma' as const, rate: 1234, wall: times(0.01), device: times(0.009) },
    { name: 'copy 2 MiB', kind: 'copy' as const, rate: 56.78, wall: times(0.01), device: null },
  ],
}

function kernel(name: string, seconds: number): KernelResult {
  const [op, ...rest] = name.split(' ')
  const [shape, pass] = [rest.pop()!, rest.join(' ')]
  const known = { name, op, pass, shape, kernel: 'ours', flops: 231211008, bytes: 6431616, dispatches: 1, calls: 12 }
  const check = { ok: true, error: 1.23e-7, tolerance: 1e-4, samples: 32 }
  return {
    ...known,
    check,
    wall: times(1.1 * seconds),
    device: times(seconds),
    ...ratesOf(known, times(seconds), peaks),
  }
}

const results = (kernels: KernelResult[]): BenchResults => ({
  ...{ schemaVersion: SCHEMA, version: '0.1.0', commit: null, node: null, webgpu: null },
  ...{ userAgent: 'Mozilla/5.0 (Linux; Android 10; K) Chrome/147.0.0.0 Mobile Safari/537.36' },
  ...{ date: '2026-11-21T22:17:07.123Z', command: 'the bench page: quick', adapter: 'qualcomm adreno-7xx' },
  ...{ software: false, features: ['subgroups', 'timestamp-query'], subgroupSize: 64, rounds: 5 },
  ...{ peaks, kernels, steps: [], profiles: [] },
})

/** Every number of `got` is within 0.1 % of `want`'s, everything else is the same. */
function near(got: unknown, want: unknown, path = 'results'): void {
  if (typeof want === 'number' && typeof got === 'number') {
    assert.ok(got === want || Math.abs(got - want) <= 1e-3 * Math.abs(want), `${path}: ${got}, not ${want}`)
  } else if (want && got && typeof want === 'object' && typeof got === 'object') {
    assert.equal(Object.keys(got).sort(), Object.keys(want).sort(), path)
    for (const [key, value] of Object.entries(want))
      near((got as Record<string, unknown>)[key], value, `${path}.${key}`)
  } else assert.is(got, want, path)
}

test('a quick run in a link is some 2 KB and comes out as it went in', async () => {
  const kernels = chooseCases({ quick: true }).map(({ name }, i) => kernel(name, 0.000123456 * (1 + i) ** 1.3))
  const before = results(kernels)
  const fragment = await toFragment(before)
  assert.match(fragment, /^r1=[\w-]+$/)
  assert.ok(fragment.length < 3000, `${fragment.length} characters for ${kernels.length} kernels`)
  assert.ok(isResult(`#${fragment}`) && !isResult('#method') && !isResult(''))
  const after = await fromFragment(`#${fragment}`)
  near(after, before)
  const parsed = parseResults(JSON.stringify(after), 'shared.json')
  assert.is(changes(before, parsed).length, kernels.length)
  assert.is(await toFragment(after), fragment)
})

test('what was wrong, without timestamps, and a kernel of a user comes out too', async () => {
  const wrong = { ...kernel('relu forward 3x2x5x5', 1), kernel: 'mine.wgsl', ...{ wall: null, device: null } }
  Object.assign(wrong, ratesOf(wrong, null, peaks))
  wrong.check = { ...wrong.check, ok: false, error: Number.POSITIVE_INFINITY }
  const byWall = { ...kernel('add forward 3x2x5x5', 1), device: null }
  Object.assign(byWall, ratesOf(byWall, byWall.wall, peaks))
  const before = { ...results([wrong, byWall]), userAgent: undefined, commit: 'abc', node: '20.1.0', webgpu: '0.6.2' }
  delete before.userAgent
  near(await fromFragment(await toFragment(before)), before)
})

const packed = (value: unknown) => `#r1=${deflateRawSync(JSON.stringify(value)).toString('base64url')}`
const unpackedRow = ['0.1.0', null, null, null, null, '2026-11-21', 'page', 'a GPU', 0, [], 8, 5]
const peakRows = [
  ['fma', 0, 10, [1, 0, 0, 0, 5], 0],
  ['copy', 1, 10, [1, 0, 0, 0, 5], 0],
]
const good = ['relu', 'forward', '1x1x1x1', 'ours', 1, 8, 1, 1, 1, 0, 1e-4, 1, [1, 0, 0, 0, 5], 0]

test('what nobody of us wrote is refused in one line, whatever it is', async () => {
  assert.is((await fromFragment(packed([...unpackedRow, peakRows, [good]]))).kernels[0].name, 'relu forward 1x1x1x1')
  const with_ = (index: number, value: unknown) => {
    const row = [...unpackedRow, peakRows, [good]]
    row[index] = value as never
    return packed(row)
  }
  const kernelWith = (index: number, value: unknown) => with_(13, [good.map((each, i) => (i === index ? value : each))])
  const hostile: [string, RegExp][] = [
    ['#r2=abc', /another version/],
    ['#r1=', /unpacked|JSON/],
    ['#r1=%%%', /cannot be unpacked/],
    ['#r1=AAAA', /unpacked|JSON/],
    [`#r1=${'A'.repeat(100_000)}`, /100003 characters, at most 60000/],
    [`#r1=${deflateRawSync(Buffer.alloc(40_000_000)).toString('base64url')}`, /unpacks to more than 500000 bytes/],
    [packed([...unpackedRow, peakRows, [good]]).slice(0, -9), /cut off/],
    [`#r1=${deflateRawSync('{').toString('base64url')}`, /no JSON/],
    [`#r1=${deflateRawSync('['.repeat(400_000)).toString('base64url')}`, /no JSON/],
    [`#r1=${deflateRawSync(Buffer.from([0xff, 0xfe])).toString('base64url')}`, /unpacked/],
    [packed(null), /null in place of a list/],
    [packed({ length: 14 }), /in place of a list/],
    [with_(7, { toString: 1 }), /in place of text/],
    [with_(7, 'x'.repeat(501)), /in place of text/],
    [with_(7, 'GPU\u202e\u0000'), /in place of text/],
    [with_(5, 'yesterday'), /in place of a date/],
    [with_(9, Array(501).fill('f')), /in place of a list/],
    [with_(12, []), /no peaks/],
    [with_(12, [['fma', 0, 1, 0, 0]]), /without a time/],
    [kernelWith(0, 7), /7 in place of text/],
    [kernelWith(4, -1), /-1 as a number/],
    [kernelWith(4, 'NaN'), /"NaN" as a number/],
    [kernelWith(12, [0, 0, 0, 0, 5]), /0 as a number/],
    [kernelWith(12, [1, 0, 0]), /in place of a list/],
  ]
  for (const [fragment, message] of hostile) {
    const name = fragment.slice(0, 60)
    await fromFragment(fragment).then(
      () => assert.unreachable(`${name} was taken`),
      (error: Error) => {
        assert.instance(error, InputError, name)
        assert.match(error.message, message, name)
        assert.ok(error.message.length < 200 && !error.message.includes('\n'), name)
      },
    )
  }
})

test('as Markdown: facts, then a row a kernel; what an adapter calls itself is only text', () => {
  const text = resultMarkdown({ ...results([kernel('relu forward 3x2x5x5', 0.001)]), adapter: 'a|<b>' })
  assert.match(text, /^- \*\*a\\\|\\<b\\>\*\*, subgroups of 64\n- peaks: 1234 GFLOP\/s, 56\.8 GB\/s\n/)
  assert.match(text, /by the device's timestamps/)
  assert.match(text, /\n\| op pass shape \| ms \| wall \|/)
  assert.match(text, /\n\| relu forward 3x2x5x5 \| 1\.01 \| 1\.11 \| ±3 % \| 5 \| 229 \| 18\.6 % \|/)
})

test('what the page writes it takes: a kernel that is wrong by far, a command of many shapes', async () => {
  const wrong = kernel('relu forward 3x2x5x5', 0.001)
  wrong.check = { ...wrong.check, ok: false, error: 1e30 }
  const found = await fromFragment(await toFragment({ ...results([wrong]), command: 'x'.repeat(900) }))
  assert.is(found.kernels[0].check.ok, false)
  assert.is(found.command.length, 500)
})

test('no field of a link is live Markdown', async () => {
  const version = '![x](https://a.example/x.png)'
  assert.not.match(resultMarkdown({ ...results([kernel('relu forward 3x2x5x5', 0.001)]), version }), version)
})

test.run()
