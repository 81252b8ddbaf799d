// One contest: kernels that compute the same thing, each held against a reference before it is timed, the right ones
// then in alternating rounds. Candidates are data: a name, and what records one call.

import { deviationOf } from '../deviation.ts'
import type { Engine } from '../engine.ts'
import type { Tensor } from '../tensor.ts'
import { Clock, deviceTimes, type Spread, spread, type Timed } from './clock.ts'

export interface Candidate {
  kernel: string
  /** Records one call and returns what it computes, the same tensor shape and layout for all. */
  record: () => Tensor
}

export interface Contest {
  /** What the winner is kept under. */
  key: string
  /** The kernels that can compute it; the default first. */
  candidates: readonly Candidate[]
  /** What the others are held against: the kernel that does everything everywhere. */
  reference: Candidate
}

/** What was found of one candidate. */
export interface Tried {
  kernel: string
  /** Whether its result is the reference's, within the tolerance. What is wrong is not timed. */
  right: boolean
  /** What the device said where it does not compile it. */
  refused?: string
  /** Largest deviation over the reference's largest value. */
  deviation: number
  /** Its first call less its second: what compiling costs, but for pipelines and driver caches that were there. */
  compileMs: number
  /** Seconds of a call: the device's where it tells, else the wall's. */
  seconds: Spread | null
}

export interface Trial {
  key: string
  default: string
  chosen: string
  tried: Tried[]
}

export interface ContestOptions {
  /** Of measurements, alternating. Default 7. */
  rounds?: number
  /** How long one measurement is made to last. Default 0.02. */
  seconds?: number
  /** Largest deviation allowed, over the reference's largest value. Default 1e-4. */
  tolerance?: number
  /** By what share a candidate must be faster than the default to displace it. Default 0.05. */
  gain?: number
}

/** Those that take so many times as long as the fastest are measured once. */
const HOPELESS = 3

export async function runContest(engine: Engine, contest: Contest, options: ContestOptions = {}): Promise<Trial> {
  const { rounds = 7, seconds = 0.02, tolerance = 1e-4, gain = 0.05 } = options
  const { key, candidates, reference } = contest
  const known = await firstCall(engine, reference)
  const tried: Tried[] = []
  if (known.refused) throw known.refused
  for (const candidate of candidates) {
    const { values, compileMs, refused } = candidate === reference ? known : await firstCall(engine, candidate)
    const { values: want } = known
    const whole = values.length === want.length
    const deviation = whole ? deviationOf(values, (i) => want[i], want.keys()) : Number.POSITIVE_INFINITY
    const right = deviation <= tolerance
    const one: Tried = { kernel: candidate.kernel, right, deviation, compileMs, seconds: null }
    tried.push(refused ? { ...one, refused: refused.message } : one)
  }
  const clock = new Clock(engine)
  const timed = new Map<Tried, Timed>()
  for (const [i, one] of tried.entries()) {
    if (one.right) timed.set(one, await clock.prepare(`${key} ${one.kernel}`, candidates[i].record, seconds))
  }
  for (let round = 0; round < rounds; round++) {
    const all = [...timed.values()]
    const fastest = Math.min(...all.map(shortest))
    const running = all.filter((of, i) => i === 0 || round === 0 || shortest(of) <= HOPELESS * fastest)
    await clock.round(running, round % 2 === 1)
  }
  clock.end([...timed.values()])
  for (const [one, of] of timed) one.seconds = spread(timesOf(of))
  return { key, default: candidates[0].kernel, chosen: decide(tried, gain), tried }
}

/**
 * The fastest of those that are right and beat the first, the default, by the share `gain`, in the median and in the
 * shortest time alike, since on a busy machine either alone may be chance; else the default. A default that is wrong
 * here gives way to whatever is right.
 */
export function decide(tried: readonly Tried[], gain: number): string {
  const [first] = tried
  const right = tried.flatMap(({ kernel, seconds }) => (seconds ? [{ kernel, seconds }] : []))
  right.sort((a, b) => a.seconds.median - b.seconds.median)
  const usual = first.seconds
  if (!usual) return right[0]?.kernel ?? first.kernel
  const faster = ({ seconds }: { seconds: Spread }) =>
    seconds.median <= (1 - gain) * usual.median && seconds.best <= (1 - gain) * usual.best
  return right.find(faster)?.kernel ?? first.kernel
}

const timesOf = (timed: Timed): number[] => deviceTimes(timed) ?? timed.wall
const shortest = (timed: Timed): number => Math.min(...timesOf(timed))

/**
 * Two calls, of which the second is without compilation; and what they compute, as it lies in memory: nothing, where the
 * device does not compile the kernel.
 */
async function firstCall(engine: Engine, { kernel, record }: Candidate) {
  const { gpu } = engine
  const { tape, result } = gpu.trace(kernel, record, (tensor) => [tensor.storage])
  await engine.settled()
  const start = performance.now()
  await tape.compile()
  const refused = await gpu.faults.refusal()
  if (refused) {
    tape.release()
    return { values: new Float32Array(0), compileMs: 0, refused }
  }
  tape.replay()
  await engine.settled()
  const second = performance.now()
  tape.replay()
  await engine.settled()
  const compileMs = Math.max(0, second - start - (performance.now() - second))
  const values = new Float32Array(await gpu.read(result))
  tape.release()
  return { values, compileMs, refused: null }
}
