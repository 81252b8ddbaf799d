// Kernels: results first, then time, beside the adapter's peaks in the same rounds.

import type { Case } from '../cases/choose.ts'
import { type Checked, checkValues, TOLERANCE, type Work } from '../cases/work.ts'
import type { Engine } from '../engine.ts'
import { DistillError } from '../errors.ts'
import type { TensorData } from '../tensor.ts'
import { Clock, type ClockOptions, deviceTimes, type Span, spread, type Timed } from '../tune/clock.ts'
import type { OwnKernel } from './own.ts'
import { invocationsFor, type PeakWork, peaks } from './peak.ts'
import { type KernelResult, type Peaks, peaksOf, ratesOf, secondsOf } from './results.ts'

export interface KernelOptions extends ClockOptions {
  rounds: number
  /** How long one measurement is made to last. */
  seconds: number
  /** Timed beside ours. */
  own?: OwnKernel
  /** What is being done, and the share of it all that is done. */
  log: (line: string, share: number) => void
}

export interface Ran<T> {
  peaks: Peaks
  results: T[]
  spans: Span[]
}

interface Entrant {
  case: Case
  kernel: string
  work: Work
  check: Checked
  timed: Timed | null
}

export async function runKernels(
  engine: Engine,
  cases: readonly Case[],
  options: KernelOptions,
): Promise<Ran<KernelResult>> {
  const { rounds, seconds, own, log } = options
  const clock = new Clock(engine, options)
  log('peaks', 0)
  const limits = await preparePeaks(engine, clock, seconds)
  const entrants: Entrant[] = []
  for (const [i, each] of cases.entries()) {
    log(`${i + 1}/${cases.length} ${each.name}`, 0.1 + (0.5 * i) / cases.length)
    const work = each.make(engine)
    // A file is one pass of an op. Where it is none, the last case tells what does not fit.
    const others = entrants.length > 0 || i < cases.length - 1
    if (own && others && !own.writes(work)) continue
    const contestants = [{ kernel: 'ours', record: work.record, first: work.record }]
    if (own) {
      // What a user's kernel leaves unwritten must not pass as ours, whose memory it may have got.
      const first = own.record(work, each.name, Number.NaN)
      contestants.push({ kernel: own.file, record: own.record(work, each.name), first })
    }
    let known: TensorData[] = []
    for (const { kernel, record, first } of contestants) {
      const { check, values } = await checked(engine, first, work, known)
      known = values
      const name = kernel === 'ours' ? each.name : `${each.name} ${kernel}`
      const timed = check.ok ? await clock.prepare(name, record, seconds) : null
      entrants.push({ case: each, kernel, work, check, timed })
    }
  }
  const timed = [...limits.map(({ timed }) => timed), ...entrants.flatMap((entrant) => entrant.timed ?? [])]
  for (let round = 0; round < rounds; round++) {
    log(`round ${round + 1}/${rounds}`, 0.6 + (0.4 * round) / rounds)
    await clock.round(timed, round % 2 === 1)
  }
  clock.end(timed)
  const found = peaksFrom(limits)
  return { peaks: found, results: entrants.map((entrant) => resultOf(entrant, found)), spans: clock.spans }
}

/** The check, against `known` results too, and the results. */
async function checked(
  engine: Engine,
  record: Work['record'],
  { want }: Work,
  known: readonly TensorData[],
): Promise<{ check: Checked; values: TensorData[] }> {
  const outputs = engine.step(record)
  await engine.settled()
  try {
    const values = await Promise.all(outputs.map((output) => output.read()))
    return { check: checkValues(values, want, { known }), values }
  } catch (error) {
    if (!(error instanceof DistillError)) throw error
    const check = { ok: false, error: Number.POSITIVE_INFINITY, tolerance: TOLERANCE, samples: 0 }
    return { check, values: [] }
  }
}

export interface TimedPeak {
  work: PeakWork
  timed: Timed
}

export async function preparePeaks(
  engine: Engine,
  clock: Clock,
  seconds: number,
  kinds: readonly PeakWork['kind'][] = ['fma', 'copy'],
): Promise<TimedPeak[]> {
  const limits: TimedPeak[] = []
  const invocations = await invocationsFor(engine, async ({ name, record }) => {
    const { tape } = engine.gpu.trace(name, record, () => [])
    const seconds = await clock.shortest(() => tape.replay())
    tape.release()
    return seconds
  })
  for (const work of peaks(engine, invocations)) {
    if (kinds.includes(work.kind)) limits.push({ work, timed: await clock.prepare(work.name, work.record, seconds) })
  }
  return limits
}

export function peaksFrom(limits: readonly TimedPeak[]): Peaks {
  const all = limits.map(({ work: { name, kind, amount }, timed }) => {
    const times = spreads(timed)
    return { name, kind, rate: amount / secondsOf(times)!.median / 1e9, ...times }
  })
  return peaksOf(all)
}

export function spreads(timed: Timed) {
  const device = deviceTimes(timed)
  return { wall: spread(timed.wall), device: device && spread(device) }
}

function resultOf({ case: { name, op, pass, shape }, kernel, work, check, timed }: Entrant, best: Peaks): KernelResult {
  const { flops, bytes } = work
  const known = { name, op, pass, shape, kernel, flops, bytes, check }
  if (!timed) {
    return { ...known, dispatches: 0, calls: 0, wall: null, device: null, ...ratesOf(known, null, best) }
  }
  const { dispatches, calls } = timed
  const times = spreads(timed)
  return { ...known, dispatches, calls, ...times, ...ratesOf(known, secondsOf(times), best) }
}
