// `node bench/kernels.js`: from the command line to tables, JSON and a trace.

import { type Case, chooseCases, FAMILIES, filtered } from '../cases/choose.ts'
import type { Engine } from '../engine.ts'
import { DistillError, InputError } from '../errors.ts'
import { engineFrom } from '../init.ts'
import { readText } from '../io/files.ts'
import { nodeFiles } from '../node/files.ts'
import { adapterFor } from '../study/adapter.ts'
import { quoted } from '../study/args.ts'
import { commit, VERSION, versionOf } from '../study/facts.ts'
import { UsageError } from '../study/usage.ts'
import type { Span } from '../tune/clock.ts'
import { tuningText } from '../tune/tuning.ts'
import { changes, parseResults } from './compare.ts'
import { type BenchOptions, helpText, parseArguments } from './flags.ts'
import { runKernels } from './kernels.ts'
import { type OwnKernel, ownKernel } from './own.ts'
import { profileStep } from './profile.ts'
import { type BenchResults, type Facts, type Peaks, SCHEMA } from './results.ts'
import { runSteps, stepOnce } from './runSteps.ts'
import { processorText } from './start.ts'
import { prepareStep, STEPS, type StepRecipe } from './steps.ts'
import { changeText, profileText, resultText } from './text.ts'
import { traceText } from './trace.ts'
import { tuneCases, tuningReport } from './tuning.ts'

/** Runs the bench; resolves to the exit code: 0 done, 1 a wrong result or a failure, 2 wrong usage. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const options = parseArguments(argv)
    if (options === 'help') {
      process.stdout.write(helpText(FAMILIES.map(({ op, syntax }) => [op, syntax])))
      return 0
    }
    return await bench(options, argv)
  } catch (error) {
    if (!(error instanceof DistillError)) throw error
    process.stderr.write(`kernels: ${error.message}\n`)
    return error instanceof UsageError ? 2 : 1
  }
}

/** Everything that can be refused is refused before an adapter is opened. */
async function bench(options: BenchOptions, argv: readonly string[]): Promise<number> {
  const { list, json, once, compare, trace } = options
  const steps = options.step || options.profile
  const chosen = steps ? chooseSteps(options) : casesOf(options)
  if (chosen.length === 0)
    throw new UsageError(`--filter ${quoted(options.filter.join(','))}: nothing has that in its name`)
  if (list) {
    process.stdout.write(chosen.map(({ name }) => `${name}\n`).join(''))
    return 0
  }
  const old = compare ? parseResults(await textOf('compare', compare), compare) : null
  const own = options.kernel ? ownKernel(options.kernel, await textOf('kernel', options.kernel)) : undefined
  const log = (line: string) => process.stderr.write(`${line}\n`)
  const engine = await open(options, log)
  try {
    if (once) {
      await stepOnce(engine, chosen as StepRecipe[])
      process.stdout.write(processorText())
      return 0
    }
    if (options.tune) return await tuneHere(engine, chosen as Case[], options, log)
    const rounds = options.rounds ?? (options.quick ? 5 : 9)
    const facts = factsOf(engine, argv, rounds)
    const { results, spans } = steps
      ? await measureSteps(engine, chosen as StepRecipe[], options, facts, log)
      : await measureKernels(engine, chosen as Case[], options, facts, own, log)
    const say = (text: string) => (json ? process.stderr : process.stdout).write(text)
    if (results.kernels.length + results.steps.length > 0) say(resultText(results))
    for (const { name, profile } of results.profiles) say(`\n${profileText(name, profile)}`)
    if (old) say(`\n${changeText(changes(old, results), compare!, old.adapter === results.adapter)}`)
    if (json) process.stdout.write(`${JSON.stringify(results, null, 1)}\n`)
    if (trace) await nodeFiles.writeAtomic(trace, traceText(spans, results.profiles))
    return results.kernels.every(({ check }) => check.ok) ? 0 : 1
  } finally {
    engine.destroy()
  }
}

async function tuneHere(engine: Engine, cases: Case[], options: BenchOptions, log: (line: string) => void) {
  const { tuning, path } = await tuneCases(engine, cases, options, log)
  ;(options.json ? process.stderr : process.stdout).write(tuningReport(tuning, path))
  if (options.json) process.stdout.write(tuningText(tuning))
  return tuning.trials.every(({ tried }) => tried.every(({ right, refused }) => right || refused !== undefined)) ? 0 : 1
}

function casesOf({ op, shapes, quick, filter }: BenchOptions): Case[] {
  try {
    return chooseCases({ op, shapes, quick, filter })
  } catch (error) {
    throw error instanceof InputError ? new UsageError(error.message) : error
  }
}

/** A quick run leaves ResNet-20 out. */
function chooseSteps({ filter, quick }: BenchOptions): StepRecipe[] {
  const named = filtered(STEPS, filter)
  return quick && filter.length === 0 ? named.slice(0, 2) : named
}

async function textOf(flag: string, file: string): Promise<string> {
  try {
    return await readText(nodeFiles, file)
  } catch (error) {
    throw error instanceof DistillError ? new UsageError(`--${flag}: ${error.message}`) : error
  }
}

async function open({ subgroups, ...asked }: BenchOptions, log: (line: string) => void): Promise<Engine> {
  return engineFrom(null, await adapterFor(asked, log), { subgroups })
}

function factsOf({ info }: Engine, argv: readonly string[], rounds: number): Facts {
  const { adapter, software, features, subgroupSize } = info
  return {
    schemaVersion: SCHEMA,
    version: VERSION,
    commit: commit(),
    node: process.version.slice(1),
    webgpu: versionOf('webgpu'),
    date: new Date().toISOString(),
    command: ['node bench/kernels.js', ...argv.map(quoted)].join(' '),
    ...{ adapter, software, features, subgroupSize, rounds },
  }
}

type Measured = { results: BenchResults; spans: Span[] }
const NO_PEAKS: Peaks = { gflops: 0, gbs: 0, all: [] }

async function measureKernels(
  engine: Engine,
  cases: Case[],
  { quick }: BenchOptions,
  facts: Facts,
  own: OwnKernel | undefined,
  log: (line: string) => void,
): Promise<Measured> {
  const { peaks, results, spans } = await runKernels(engine, cases, {
    ...{ rounds: facts.rounds, seconds: quick ? 0.01 : 0.02, own, log },
  })
  return { results: { ...facts, peaks, kernels: results, steps: [], profiles: [] }, spans }
}

async function measureSteps(
  engine: Engine,
  recipes: StepRecipe[],
  { step, profile, firstStep, quick, adapter = 'auto', subgroups }: BenchOptions,
  facts: Facts,
  log: (line: string) => void,
): Promise<Measured> {
  const { rounds } = facts
  const base = { ...facts, peaks: NO_PEAKS, kernels: [], steps: [] }
  const profiles: BenchResults['profiles'] = []
  const same = ['--adapter', adapter, ...(subgroups ? [] : ['--no-subgroups'])]
  const ran = step
    ? await runSteps(engine, recipes, {
        rounds,
        seconds: quick ? 0.1 : 0.5,
        firstStep: firstStep ? same : null,
        log,
      })
    : { peaks: NO_PEAKS, results: [], spans: [] }
  if (profile) {
    for (const recipe of recipes) {
      log(`${recipe.name}: profile`)
      profiles.push({ name: recipe.name, profile: await profileStep(engine, prepareStep(engine, recipe), rounds) })
    }
  }
  return { results: { ...base, peaks: ran.peaks, steps: ran.results, profiles }, spans: ran.spans }
}
