// Whole steps, timed in rounds beside the adapter's peak: how fast, how much of it is the host's, what is made on the
// way.
import type { Engine } from '../engine.ts'
import { DistillError } from '../errors.ts'
import { Clock, spread, type Timed } from '../tune/clock.ts'
import { counted } from './counted.ts'
import { peaksFrom, preparePeaks, type Ran, spreads } from './kernels.ts'
import { type StepResult, secondsOf } from './results.ts'
import { startSeconds } from './start.ts'
import { type PreparedStep, prepareStep, type StepRecipe } from './steps.ts'

export interface StepOptions {
  rounds: number
  /** How long one measurement is made to last. */
  seconds: number
  /** Also in fresh processes, with these flags and an empty driver cache, then a filled one. */
  firstStep: readonly string[] | null
  log: (line: string) => void
}

interface Entrant {
  step: PreparedStep
  timed: Timed
  compileSeconds: number
  firstStepSeconds: number
  firstLoss: number
  hostMs: number[]
  counts: ReturnType<typeof counted>
  /** Everything that a step binds. */
  memory: { memoryBytes: number; buffers: number }
}

export async function runSteps(
  engine: Engine,
  recipes: readonly StepRecipe[],
  options: StepOptions,
): Promise<Ran<StepResult>> {
  const { rounds, seconds, log } = options
  const clock = new Clock(engine)
  const limits = await preparePeaks(engine, clock, 0.05, ['fma'])
  const entrants: Entrant[] = []
  for (const recipe of recipes) {
    log(recipe.name)
    entrants.push(await prepare(engine, clock, recipe, seconds))
  }
  const timed = [...limits, ...entrants].map((each) => each.timed)
  for (let round = 0; round < rounds; round++) {
    log(`round ${round + 1}/${rounds}`)
    await clock.round(timed, round % 2 === 1)
  }
  clock.end(timed)
  const peaks = peaksFrom(limits)
  const results: StepResult[] = []
  for (const entrant of entrants) {
    const start = options.firstStep ? await startSeconds(entrant.step.recipe.name, options.firstStep, log) : null
    results.push({ ...(await resultOf(entrant, peaks.gflops)), start })
  }
  return { peaks, results, spans: clock.spans }
}

async function prepare(engine: Engine, clock: Clock, recipe: StepRecipe, seconds: number): Promise<Entrant> {
  const step = prepareStep(engine, recipe)
  const { tape } = step
  let done = 0
  const next = () => step.run(++done)
  const started = performance.now()
  await tape.compile()
  const compileSeconds = (performance.now() - started) / 1000
  const firstStepSeconds = compileSeconds + (await clock.lasted(next))
  const firstLoss = await step.loss()
  const once = Math.min(await clock.lasted(next), await clock.lasted(next))
  const counts = counted(engine, next)
  await engine.settled()
  const replays = Math.max(1, Math.min(100, Math.round(seconds / once)))
  const hostMs: number[] = []
  const submit = () => {
    for (let i = 0; i < replays; i++) {
      const from = performance.now()
      next()
      hostMs.push(performance.now() - from)
    }
  }
  const dispatches = tape.commands.length
  const timed = { name: recipe.name, tape, submit, replays, calls: 1, dispatches, wall: [], device: [] }
  const bound = tape.commands.flatMap(({ uses }) => uses.map(({ bindable }) => bindable.storage.buffer!))
  const buffers = [...new Set(bound)]
  const memory = { memoryBytes: buffers.reduce((sum, { size }) => sum + size, 0), buffers: buffers.length }
  return { step, timed, compileSeconds, firstStepSeconds, firstLoss, hostMs, counts, memory }
}

async function resultOf(entrant: Entrant, peak: number) {
  const { step, timed, counts, memory, hostMs, compileSeconds, firstStepSeconds, firstLoss } = entrant
  const { name, about, batch } = step.recipe
  const times = spreads(timed)
  const lastLoss = await step.loss()
  if (!Number.isFinite(lastLoss)) throw new DistillError('diverged', `${name}: the loss is ${lastLoss}`)
  // What a user waits for is the wall's time; what the kernels are worth is the device's.
  const gflops = step.flops / secondsOf(times)!.median / 1e9
  return {
    ...{ name, about, batch, flops: step.flops, ...times },
    imagesPerSecond: batch / times.wall.median,
    ...{ gflops, ofPeak: gflops / peak, dispatches: timed.dispatches, ...counts },
    ...memory,
    ...{
      hostMs: spread(hostMs),
      compileSeconds,
      firstStepSeconds,
      firstLoss,
      lastLoss,
    },
  }
}

/** One step of each, as a program does its first; nothing is timed. */
export async function stepOnce(engine: Engine, recipes: readonly StepRecipe[]): Promise<void> {
  for (const recipe of recipes) {
    const step = prepareStep(engine, recipe)
    await step.tape.compile()
    step.run(1)
    await step.loss()
  }
}
