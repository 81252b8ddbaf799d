import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { counted } from '../../src/bench/counted.ts'
import { profileStep, summed } from '../../src/bench/profile.ts'
import { runSteps, stepOnce } from '../../src/bench/runSteps.ts'
import { startSeconds } from '../../src/bench/start.ts'
import { prepareStep, STEPS, type StepRecipe } from '../../src/bench/steps.ts'
import { engine } from '../device.ts'

const test = suite('bench steps')

const tiny: StepRecipe = {
  name: 'tiny',
  about: 'a teacher and a student of few channels',
  ...{ size: 8, channels: 1, batch: 8, temperature: 4 },
  nodes: {
    teacher: { network: { depth: 8, widths: [4, 4, 4], channels: 1 }, size: 8, trained: false },
    student: { network: { depth: 8, widths: [4, 4, 4], channels: 1 }, size: 4, trained: true },
  },
}

test('the steady CQKD step has 3.56 GFLOP', () => {
  const step = prepareStep(engine, STEPS.find(({ name }) => name.startsWith('cqkd'))!)
  assert.ok(Math.abs(step.flops / 1e9 - 3.56) < 0.01, `${step.flops}`)
  step.tape.release()
})

test('steps train: one submit each, no object, a loss that falls', async () => {
  const step = prepareStep(engine, { ...tiny, temperature: undefined, nodes: { student: tiny.nodes.student } })
  step.run(1)
  const first = await step.loss()
  const counts = counted(engine, () => step.run(2))
  assert.equal(counts.objects, {})
  assert.is(counts.submits, 1)
  assert.ok(counts.writes >= 1)
  for (let i = 3; i <= 200; i++) step.run(i)
  await engine.settled()
  await step.loss()
  for (let i = 201; i <= 210; i++) step.run(i)
  assert.ok((await step.loss()) < first)
})

test('counting sees what is made, and leaves the device as it was', () => {
  const { device } = engine.gpu
  const before = device.createBuffer
  const counts = counted(engine, () => device.createBuffer({ size: 16, usage: 8 }).destroy())
  assert.equal(counts, { submits: 0, writes: 0, objects: { createBuffer: 1 } })
  assert.is(device.createBuffer, before)
})

test('a run of steps: rates, counts and first steps', async () => {
  const { peaks, results } = await runSteps(engine, [tiny], {
    rounds: 3,
    seconds: 0.01,
    firstStep: null,
    log: () => {},
  })
  const [step] = results
  assert.is(step.name, 'tiny')
  assert.is(step.submits, 1)
  assert.equal(step.objects, {})
  assert.is(step.wall.n, 3)
  assert.ok(Math.abs(step.imagesPerSecond * step.wall.median - 8) < 1e-9)
  assert.ok(Math.abs(step.ofPeak - step.gflops / peaks.gflops) < 1e-12)
  assert.ok(step.memoryBytes > 0 && step.buffers > 0 && step.hostMs.n >= 3)
  assert.ok(step.firstStepSeconds >= step.compileSeconds)
  assert.ok(Number.isFinite(step.firstLoss) && Number.isFinite(step.lastLoss))
  await stepOnce(engine, [tiny])
})

/** A program in place of the bench that says how it was called. */
const SPY = `process.stdout.write(JSON.stringify({
  flags: process.argv.slice(2), cache: process.env.MESA_SHADER_CACHE_DIR, processorSeconds: 1
}))`

test('first steps in processes of their own: with the same flags, one driver cache for cold and warm', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-test-'))
  const script = process.argv[1]
  try {
    process.argv[1] = join(folder, 'spy.cjs')
    writeFileSync(process.argv[1], SPY)
    const { cold, warm } = await startSeconds('tiny', ['--adapter', 'some GPU', '--no-subgroups'], () => {})
    const { flags, cache } = cold as typeof cold & { flags: string[]; cache: string }
    assert.is(flags.join(' '), '--step --once --filter tiny --offline --adapter some GPU --no-subgroups')
    assert.equal({ ...warm, seconds: 0 }, { ...cold, seconds: 0 })
    assert.ok(cold.seconds > 0 && cold.processorSeconds === 1)
    assert.not.ok(existsSync(cache))
    writeFileSync(process.argv[1], "throw new Error('no adapter')")
    const error = await startSeconds('tiny', [], () => {}).catch((caught) => caught)
    assert.match(error.message, /^the first step failed in a process of its own: .*no adapter/s)
  } finally {
    process.argv[1] = script
    rmSync(folder, { recursive: true })
  }
})

if (engine.info.features.includes('timestamp-query')) {
  test('a profile has every dispatch once, and its pipelines add up', async () => {
    const step = prepareStep(engine, tiny)
    const profile = await profileStep(engine, step, 3)
    assert.is(profile.dispatches.length, step.tape.commands.length)
    assert.equal(
      profile.dispatches.map(({ pipeline }) => pipeline),
      step.tape.commands.map(({ pipeline }) => pipeline.label),
    )
    assert.ok(profile.dispatches.every(({ seconds }) => seconds >= 0) && profile.seconds > 0)
    assert.ok(Math.abs(profile.pipelines.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9)
  })
}

test('dispatches are summed by pipeline, the most expensive first', () => {
  const one = (index: number, pipeline: string, seconds: number) => ({
    index,
    pipeline,
    groups: [1],
    bytes: 4,
    seconds,
  })
  const { pipelines, seconds } = summed([one(0, 'a', 1), one(1, 'b', 5), one(2, 'a', 2)])
  assert.is(seconds, 8)
  assert.equal(pipelines, [
    { pipeline: 'b', dispatches: 1, seconds: 5, share: 5 / 8 },
    { pipeline: 'a', dispatches: 2, seconds: 3, share: 3 / 8 },
  ])
})

test.run()
