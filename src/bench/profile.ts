// Where the time of a step goes: every dispatch in a pass of its own between two timestamps, summed up by pipeline. The
// sum is somewhat more than a step takes in one pass; the shares are what it is for.

import type { Engine } from '../engine.ts'
import { InputError } from '../errors.ts'
import { Stopwatch } from '../gpu/stopwatch.ts'
import { spread } from '../tune/clock.ts'
import type { PreparedStep } from './steps.ts'

export interface DispatchTime {
  /** Place in the step, from 0. */
  index: number
  pipeline: string
  groups: readonly number[]
  /** Bytes of everything it binds. */
  bytes: number
  /** Median over the rounds. */
  seconds: number
}

export interface PipelineTime {
  pipeline: string
  dispatches: number
  seconds: number
  /** Of the whole step. */
  share: number
}

export interface Profile {
  dispatches: DispatchTime[]
  /** The most expensive first. */
  pipelines: PipelineTime[]
  seconds: number
  rounds: number
}

/** Throws InputError where the adapter writes no timestamps. */
export async function profileStep(engine: Engine, step: PreparedStep, rounds: number): Promise<Profile> {
  const { tape } = step
  const stopwatch = Stopwatch.of(engine.gpu)
  if (!stopwatch) throw new InputError(`--profile: ${engine.info.adapter} has no timestamp-query`)
  await tape.compile()
  step.run(1)
  await engine.settled()
  const times: number[][] = tape.commands.map(() => [])
  for (let round = 0; round < rounds; round++) {
    const seconds = await stopwatch.each(tape)
    for (const [i, value] of seconds.entries()) times[i].push(value)
  }
  stopwatch.destroy()
  const dispatches = tape.commands.map(({ pipeline, groups, uses }, index) => {
    const bytes = uses.reduce((sum, { bindable }) => sum + bindable.bytes, 0)
    return { index, pipeline: pipeline.label, groups, bytes, seconds: spread(times[index]).median }
  })
  return { dispatches, ...summed(dispatches), rounds }
}

/** Dispatches summed up by pipeline. */
export function summed(dispatches: readonly DispatchTime[]): { pipelines: PipelineTime[]; seconds: number } {
  const seconds = dispatches.reduce((sum, each) => sum + each.seconds, 0)
  const byPipeline = new Map<string, DispatchTime[]>()
  for (const each of dispatches) byPipeline.set(each.pipeline, [...(byPipeline.get(each.pipeline) ?? []), each])
  const pipelines = [...byPipeline].map(([pipeline, all]) => {
    const own = all.reduce((sum, each) => sum + each.seconds, 0)
    return { pipeline, dispatches: all.length, seconds: own, share: own / seconds }
  })
  return { pipelines: pipelines.sort((a, b) => b.seconds - a.seconds), seconds }
}
