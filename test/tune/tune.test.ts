import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { InputError, ShaderError } from '../../src/errors.ts'
import type { Choices } from '../../src/gpu/gpu.ts'
import { kernels } from '../../src/gpu/kernel.ts'
import { storeTuning } from '../../src/node/tuning.ts'
import { init } from '../../src/node.ts'
import { setChoices } from '../../src/ops/choices.ts'
import { geometryOf, parseConvKey } from '../../src/ops/conv2dKey.ts'
import { ableKernels } from '../../src/ops/conv2dPlan.ts'
import { scale } from '../../src/ops/pointwise.ts'
import { type Contest, decide, runContest, type Tried } from '../../src/tune/contest.ts'
import { conv2dContest } from '../../src/tune/convolution.ts'
import { tune } from '../../src/tune/tune.ts'
import { tuningOf } from '../../src/tune/tuning.ts'
import { engine } from '../device.ts'

const test = suite('tune')

const shape = { n: 8, c: 3, h: 5, w: 5, k: 4, kernel: 3, padding: 1 }
const quick = { rounds: 2, seconds: 1e-4 }

test('every able kernel of every pass is held against the generic one and timed', async () => {
  const told: string[] = []
  const onTrial = ({ key }: { key: string }, done: number, of: number) => told.push(`${done}/${of} ${key}`)
  const { choices, trials, adapter, driver } = await tune(engine, [shape], { ...quick, onTrial })
  const able = ableKernels(engine.gpu, geometryOf(shape))
  assert.equal(
    trials.map(({ tried }) => tried.map(({ kernel }) => kernel)),
    [able.forward, able.dX, able.dW],
  )
  assert.equal([adapter, driver], [engine.info.adapter, engine.info.driver])
  assert.is(told[2], '3/3 conv2d dW 8x3x5x5:4:3 stride 1 padding 1')
  for (const { key, tried, chosen, default: first } of trials) {
    assert.is(first, able[parseConvKey(key).pass][0])
    for (const { kernel, right, deviation, seconds, compileMs } of tried) {
      assert.ok(right && deviation <= 1e-4, `${key} ${kernel} ${deviation}`)
      assert.ok(seconds!.n >= 1 && seconds!.median > 0 && compileMs >= 0)
    }
    assert.is(tried[0].seconds!.n, 2)
    assert.is(tried.find(({ kernel }) => kernel === 'generic')!.deviation, 0)
    assert.is(choices[key], chosen === first ? undefined : chosen)
  }
  setChoices(engine.gpu, choices)
  setChoices(engine.gpu, {})
})

test('a shape may ask for some passes, and have a bias', async () => {
  const { trials } = await tune(engine, [{ ...shape, bias: true, passes: ['forward'] }], quick)
  assert.equal(
    trials.map(({ key }) => key),
    ['conv2d forward 8x3x5x5:4:3 stride 1 padding 1 bias'],
  )
})

/** The contest of a pass with one more candidate, made of the reference. */
function withCandidate(pass: 'forward' | 'dX' | 'dW', factor: number): Contest {
  const contest = conv2dContest(engine, shape, pass)
  const wrong = { kernel: 'wrong', record: () => scale(contest.reference.record(), factor) }
  return { ...contest, candidates: [...contest.candidates, wrong] }
}

for (const pass of ['forward', 'dX', 'dW'] as const) {
  test(`${pass}: a candidate that computes something else is refused and not timed`, async () => {
    for (const factor of [1.001, Number.NaN]) {
      const { tried, chosen } = await runContest(engine, withCandidate(pass, factor), quick)
      const { right, deviation, seconds } = tried.at(-1)!
      assert.is(right, false)
      assert.ok(deviation > 9e-4)
      assert.is(seconds, null)
      assert.is.not(chosen, 'wrong')
    }
    const { tried } = await runContest(engine, withCandidate(pass, 1.001), { ...quick, tolerance: 0.01 })
    assert.ok(tried.at(-1)!.right && tried.at(-1)!.seconds, 'within the tolerance that was asked for')
  })
}

test('what the device does not compile is told so, and the others go on', async () => {
  const contest = conv2dContest(engine, shape, 'forward')
  const { main } = kernels<'main'>(`// broken: does not compile.
struct Params { n: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = nonsense(p.n); }
`)
  const record = () => {
    const y = contest.reference.record()
    main({ y }, { n: 1 }, { threads: [1] })
    return y
  }
  const candidates = [{ kernel: 'broken', record }, ...contest.candidates]
  const { tried, chosen } = await runContest(engine, { ...contest, candidates }, quick)
  const [broken, ...others] = tried
  assert.match(broken.refused!, /^broken\.wgsl:7:63: unresolved call target 'nonsense'/)
  assert.equal([broken.right, broken.seconds], [false, null])
  assert.ok(others.every(({ right, seconds, refused }) => right && seconds && refused === undefined))
  assert.is.not(chosen, 'broken')
  assert.equal([...(await contest.reference.record().read())].length, 8 * 4 * 25, 'the engine goes on')
  const alone = { ...contest, reference: { kernel: 'broken', record } }
  const error = await runContest(engine, alone, quick).catch((thrown) => thrown)
  assert.instance(error, ShaderError, 'without a reference there is nothing to hold against')
  engine.gpu.faults.check()
})

test('a result of another size is refused', async () => {
  const contest = conv2dContest(engine, shape, 'forward')
  const other = conv2dContest(engine, { ...shape, k: 5 }, 'forward').reference
  const { tried } = await runContest(engine, { ...contest, candidates: [contest.reference, other] }, quick)
  assert.equal(
    tried.map(({ right }) => right),
    [true, false],
  )
})

test('a candidate that is hopelessly slow is measured once', async () => {
  const contest = conv2dContest(engine, shape, 'forward')
  const { reference } = contest
  // Four hundred times the work: what a busy machine does to one measurement is less than a third of that.
  const record = () => {
    for (let i = 0; i < 400; i++) reference.record()
    return reference.record()
  }
  const { tried, chosen } = await runContest(
    engine,
    { ...contest, candidates: [reference, { kernel: 'slow', record }] },
    { rounds: 4, seconds: 5e-3 },
  )
  assert.equal(
    tried.map(({ seconds }) => seconds!.n),
    [4, 1],
  )
  assert.is(chosen, 'generic')
})

test('the default gives way only to what is faster by the gain, unless it is wrong', () => {
  const one = (kernel: string, median: number, right = true, best = median): Tried => {
    const seconds = right ? { median, best, q1: median, q3: median, n: 1 } : null
    return { kernel, right, deviation: right ? 0 : 1, compileMs: 0, seconds }
  }
  assert.is(decide([one('first', 1), one('second', 0.96)], 0.05), 'first')
  assert.is(decide([one('first', 1), one('second', 0.94)], 0.05), 'second')
  assert.is(decide([one('first', 1), one('second', 0.94), one('third', 0.5)], 0.05), 'third')
  assert.is(decide([one('first', 1), one('second', 0.94)], 0.1), 'first')
  assert.is(decide([one('first', 1), one('second', 0.1, false)], 0.05), 'first')
  assert.is(decide([one('first', 1, true, 0.5), one('second', 0.6, true, 0.5)], 0.05), 'first', 'by chance')
  assert.is(decide([one('first', 1, true, 0.5), one('second', 0.6), one('third', 0.7, true, 0.4)], 0.05), 'third')
  assert.is(decide([one('first', 1, false)], 0.05), 'first', 'there is nothing else')
  assert.is(decide([one('first', 1, false), one('second', 3), one('third', 2)], 0.05), 'third')
})

test('the engine goes on as it was', async () => {
  const { choices } = engine.gpu
  await tune(engine, [{ ...shape, passes: ['dW'] }], quick)
  assert.is(engine.gpu.choices, choices)
})

test('init follows choices, given or stored', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tuning-'))
  const before = process.env.WEBGPU_DISTILL_CACHE
  process.env.WEBGPU_DISTILL_CACHE = folder
  const opened = async (choices?: Choices | 'stored') => {
    const { device, info } = engine.gpu
    const other = await init({ device, choices })
    other.destroy()
    assert.is(other.info.driver, info.driver)
    return { ...other.gpu.choices }
  }
  try {
    const key = 'conv2d dW 8x3x5x5:4:3 stride 1 padding 1'
    assert.equal(await opened({ [key]: 'generic' }), { [key]: 'generic' })
    assert.equal(await opened('stored'), {}, 'nothing there yet')
    const { info } = await init({ device: engine.gpu.device })
    const path = await storeTuning(tuningOf(info, [{ key, default: 'first', chosen: 'generic', tried: [] }]))
    assert.ok(path.startsWith(`${folder}/tuning/`))
    assert.equal(await opened('stored'), { [key]: 'generic' })
    assert.equal(await opened(), {}, 'not unasked')
    writeFileSync(path, 'half')
    const error = await opened('stored').then(
      () => null,
      (caught) => caught,
    )
    assert.instance(error, InputError)
  } finally {
    if (before === undefined) delete process.env.WEBGPU_DISTILL_CACHE
    else process.env.WEBGPU_DISTILL_CACHE = before
    rmSync(folder, { recursive: true })
  }
})

test('shapes and options that cannot be are refused', async () => {
  const refused = async (work: Promise<unknown>, message: RegExp) => {
    const error = await work.then(
      () => null,
      (caught) => caught,
    )
    assert.instance(error, InputError)
    assert.match(error.message, message)
  }
  await refused(tune(engine, [{ ...shape, n: 0 }]), /"n":0.* is no shape/)
  await refused(tune(engine, [{ ...shape, kernel: 9 }]), /"kernel":9.* is no shape/)
  await refused(tune(engine, [{ ...shape, padding: -1 }]), /"padding":-1.* is no shape/)
  await refused(
    tune(engine, [{ ...shape, passes: ['up'] as never }]),
    /tune: pass "up", it must be one of forward,dX,dW/,
  )
  await refused(tune(engine, [shape], { rounds: 0 }), /tune: rounds 0, it must be a whole number from 1/)
  await refused(tune(engine, [shape], { gain: 1 }), /tune: gain 1, it must be a number from 0, below 1/)
  await refused(tune(engine, [shape], { tolerance: 0 }), /tune: tolerance 0/)
  await refused(tune(engine, [shape], { seconds: Number.NaN }), /tune: seconds NaN/)
})

test.run()
