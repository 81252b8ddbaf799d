import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { EXAMPLES } from '../../examples/bench/yours.ts'
import { runKernels } from '../../src/bench/kernels.ts'
import { ownKernel } from '../../src/bench/own.ts'
import { chooseCases, FAMILIES } from '../../src/cases/choose.ts'
import { checkOutputs, Inputs } from '../../src/cases/work.ts'
import { UsageError } from '../../src/study/usage.ts'
import { engine } from '../device.ts'

const test = suite('bench kernels')

/** Small, with odd sizes: the references of the bench against the kernels. */
const small: Record<string, string[]> = {
  conv2d: ['3x2x5x6:4:3', '9x3x6x6:5:3/2', '2x3x4x5:2:1', '16x16x5x5:16:3', '8x4x7x7:3:1/2'],
  batchNorm: ['4x3x5x5'],
  relu: ['3x2x5x5'],
  add: ['3x2x5x5'],
  globalAvgPool: ['5x3x4x3'],
  avgPool2d: ['2x3x7x6:2'],
  maxPool2d: ['2x3x7x6:2'],
  linear: ['5x7:3'],
  matmul: ['5x7:9'],
  distillLoss: ['9x5'],
  ece: ['70x5'],
  softmax: ['9x5'],
  adamW: ['100'],
  sgd: ['100'],
  pictures: ['3x2x9x8:4'],
}

for (const { op } of FAMILIES) {
  test(`${op}: kernels agree with the bench's own references`, async () => {
    for (const { name, make } of chooseCases({ op, shapes: small[op] })) {
      const work = make(engine)
      const check = await checkOutputs(engine.step(work.record), work.want)
      assert.ok(check.ok, `${name}: deviation ${check.error}`)
      assert.ok(work.bytes > 0 && check.samples > 0, name)
    }
  })
}

test('a wrong value, a NaN and nothing at all are found', async () => {
  const ones = engine.full([8], 1)
  const right = () => 1
  assert.ok((await checkOutputs([ones], [right])).ok)
  assert.not.ok((await checkOutputs([ones], [(i) => (i === 3 ? 1.01 : 1)])).ok)
  assert.not.ok((await checkOutputs([engine.full([8], Number.NaN)], [right])).ok)
  assert.not.ok((await checkOutputs([], [])).ok)
})

test('a convolution counts two operations a multiply-add and every byte once', () => {
  const [forward] = chooseCases({ op: 'conv2d', shapes: ['64x16x28x28:16:3'] })
  const work = forward.make(engine)
  assert.is(work.flops, 2 * 64 * 16 * 28 * 28 * 16 * 9)
  assert.is(work.bytes, 4 * (2 * 64 * 16 * 28 * 28 + 16 * 16 * 9))
})

const OWN = `// mine: two elements a thread.
// threads: elements / 2
struct Params { n: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(32)
fn twice(@builtin(global_invocation_id) id: vec3u) {
  for (var i = 2u * id.x; i < min(p.n, 2u * id.x + 2u); i++) { y[i] = max(x[i], 0.0); }
}
`

test('a run: ours and a kernel of a user, checked, timed in the same rounds, beside peaks', async () => {
  const cases = chooseCases({ op: 'relu', shapes: ['3x2x5x5'], filter: ['forward'] })
  const said: string[] = []
  const options = { rounds: 3, seconds: 0.001, log: (line: string) => said.push(line) }
  const { peaks, results, spans } = await runKernels(engine, cases, { ...options, own: ownKernel('mine.wgsl', OWN) })
  assert.equal(
    results.map(({ kernel, check }) => [kernel, check.ok]),
    [
      ['ours', true],
      ['mine.wgsl', true],
    ],
  )
  for (const { wall, calls, dispatches, ofPeak, gflops } of results) {
    assert.is(wall!.n, 3)
    assert.ok(wall!.best > 0 && wall!.best <= wall!.q1 && wall!.q1 <= wall!.median && wall!.median <= wall!.q3)
    assert.ok(calls >= 1 && dispatches === 1)
    assert.ok(Math.abs(ofPeak! - gflops! / peaks.gflops) < 1e-12)
  }
  assert.ok(peaks.gflops > 0 && peaks.gbs > 0)
  assert.is(peaks.gflops, Math.max(...peaks.all.filter(({ kind }) => kind === 'fma').map(({ rate }) => rate)))
  assert.ok(spans.length >= 3 * (results.length + peaks.all.length))
  assert.ok(said.includes('round 3/3'))
})

for (const [name, { shape, source }] of Object.entries(EXAMPLES)) {
  test(`${name}: what the page offers as a start for a kernel of one's own is right`, async () => {
    const op = name.split(' ')[0]
    const pictures = shape.includes(':') ? ['3x2x5x6:4:3/2', '2x3x5x4:2:3'] : ['3x2x5x6']
    const small = { matmul: ['5x7:3'], linear: ['5x7:3'], softmax: ['5x7'] }[op] ?? pictures
    for (const { make, name: each } of [...casesNamed(name, [shape]), ...casesNamed(name, small)]) {
      const work = make(engine)
      const check = await checkOutputs(engine.step(ownKernel('mine.wgsl', source).record(work, each)), work.want)
      assert.ok(check.ok, `${each}: deviation ${check.error}`)
    }
  })
}

function casesNamed(name: string, shapes: string[]) {
  const [op, pass] = name.split(' ')
  return chooseCases({ op, shapes }).filter((each) => each.pass === pass)
}

test('a run is stopped by its signal, and tells how far it is', async () => {
  const cases = chooseCases({ op: 'relu', shapes: ['3x2x5x5'] })
  const stop = new AbortController()
  const shares: number[] = []
  const log = (line: string, share: number) => {
    shares.push(share)
    if (line.startsWith('round 2')) stop.abort()
  }
  const options = { rounds: 3, seconds: 0.001, signal: stop.signal, log }
  const ended = runKernels(engine, cases, options).then(
    () => 'ran',
    (error) => error.code,
  )
  assert.is(await ended, 'aborted')
  assert.ok(shares.length === 5 && shares.every((share, i) => share < 1 && share >= (shares[i - 1] ?? 0)), `${shares}`)
})

test('a kernel of a user that computes something else is not timed', async () => {
  const cases = chooseCases({ op: 'relu', shapes: ['3x2x5x5'], filter: ['forward'] })
  const own = ownKernel('mine.wgsl', OWN.replace('max(', 'min('))
  const { results } = await runKernels(engine, cases, { rounds: 1, seconds: 0.001, own, log: () => {} })
  assert.is(results[1].check.ok, false)
  assert.is(results[1].wall, null)
})

test('a kernel of a user that is wrong in one place, or leaves one out, is not timed', async () => {
  const cases = chooseCases({ op: 'relu', shapes: ['64x8x28x28'], filter: ['forward'] })
  const last = 64 * 8 * 28 * 28 - 1
  for (const [from, to] of [
    ['max(x[i], 0.0)', `max(x[i], 0.0) + select(0.0, 0.5, i == ${last}u)`],
    ['i < min(p.n,', 'i < min(p.n - 1u,'],
  ]) {
    const own = ownKernel('mine.wgsl', OWN.replace(from, to))
    const { results } = await runKernels(engine, cases, { rounds: 1, seconds: 0.001, own, log: () => {} })
    assert.equal([results[0].check.ok, results[1].check.ok, results[1].check.samples], [true, false, last + 1], to)
    assert.is(results[1].wall, null)
  }
})

test('a kernel of a user that does not fit is refused in one line', () => {
  const record = (source: string) => {
    const [forward] = chooseCases({ op: 'conv2d', shapes: ['3x2x5x6:4:3'] })
    return ownKernel('mine.wgsl', source).record(forward.make(engine), forward.name)
  }
  const refused = (run: () => unknown, message: RegExp) =>
    assert.throws(run, (error: Error) => error instanceof UsageError && message.test(error.message))
  refused(() => ownKernel('mine.wgsl', '{}'), /--kernel mine.wgsl: needs one @compute entry point, has 0/)
  refused(() => record(OWN.replace(/\bx:/, 'z:')), /binding 'z' \(read\): conv2d forward 3x2x5x6:4:3 has x, w to read/)
  refused(() => record(OWN.replace('n: u32', 'q: u32')), /'q' is unknown; there are elements, n, c, h, w/)
  refused(() => record(OWN.replace('elements / 2', 'elements / q')), /'q' is unknown/)
  refused(() => record(OWN.replace(/@group\(0\) @binding\(2\).*/, '')), /no binding 'y'/)
  const [view] = chooseCases({ op: 'pictures', shapes: ['3x2x9x8:4'] })
  refused(() => ownKernel('mine.wgsl', OWN).record(view.make(engine), view.name), /cannot be replaced/)
})

test('inputs are the same bits for the same purpose, others for another', () => {
  const make = (purpose: string) => new Inputs(engine).uniform(purpose, [5]).values
  assert.equal(make('x'), make('x'))
  assert.not.equal(make('x'), make('w'))
})

test.run()
