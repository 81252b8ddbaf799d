// Timing. Work is recorded on a tape as often as it takes to last some 20 ms; contestants run in alternating rounds, so
// that what slows the machine for a while slows all of them; each wait is as gentle as the engine's.
import type { Engine } from '../engine.ts'
import { DistillError } from '../errors.ts'
import { Stopwatch } from '../gpu/stopwatch.ts'
import type { Tape } from '../gpu/tape.ts'

/** Seconds: median, shortest, quartiles, number of measurements. */
export interface Spread {
  median: number
  best: number
  q1: number
  q3: number
  n: number
}

/** The value below which a share of the sorted values lies, interpolated. */
function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1)
  const low = Math.floor(at)
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low])
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const [q1, median, q3] = [0.25, 0.5, 0.75].map((share) => quantile(sorted, share))
  return { median, best: sorted[0], q1, q3, n: sorted.length }
}

/** A contestant, and what was measured of it. */
export interface Timed {
  name: string
  tape: Tape
  /** Submits one measurement: the tape, `replays` times. */
  submit: () => void
  replays: number
  /** Calls on the tape, and dispatches of one of them. */
  calls: number
  dispatches: number
  /** Seconds of one call, as the host saw them and as the device's timestamps tell. */
  wall: number[]
  device: number[]
}

/** What the device's timestamps told; null where it has none, or they stand still. */
export const deviceTimes = ({ device }: Timed) => (device.length > 0 && Math.min(...device) > 0 ? device : null)

/** What happened when, for a trace: seconds since the process began. */
export interface Span {
  name: string
  track: 'host' | 'device'
  start: number
  seconds: number
}

export interface ClockOptions {
  /** Ends everything at the next measurement: a DistillError with code `aborted`. */
  signal?: AbortSignal
}

/** Browsers round their clocks to as much as a millisecond. */
const FINEST = 5e-4

const now = () => performance.now() / 1000

export class Clock {
  private stopwatch: Stopwatch | null
  readonly spans: Span[] = []

  constructor(
    private engine: Engine,
    private options: ClockOptions = {},
  ) {
    this.stopwatch = Stopwatch.of(engine.gpu)
  }

  /** Records `work` as often as fills `seconds`, compiles and warms up. */
  async prepare(name: string, work: () => void, seconds: number): Promise<Timed> {
    const { gpu } = this.engine
    const { tape: once } = gpu.trace(name, work, () => [])
    const dispatches = once.commands.length
    await once.compile()
    const first = await this.shortest(() => once.replay())
    once.release()
    const most = Math.max(1, Math.floor(2000 / Math.max(1, dispatches)))
    let calls = Math.max(1, Math.min(Math.ceil(seconds / Math.max(first, FINEST)), most))
    for (let tries = 0; ; tries++) {
      const repeat = () => {
        for (let i = 0; i < calls; i++) work()
      }
      const { tape } = gpu.trace(name, repeat, () => [])
      const timed = { name, tape, submit: () => tape.replay(), replays: 1, calls, dispatches, wall: [], device: [] }
      const took = Math.max(await this.lasted(timed.submit), FINEST)
      if (took >= seconds / 2 || calls === most || tries === 3) return timed
      // One call was mostly waiting: many of them are over sooner than that promised.
      tape.release()
      calls = Math.min(most, Math.ceil((calls * seconds) / took))
    }
  }

  /** The shorter of two runs, after one that warms up. */
  async shortest(submit: () => void): Promise<number> {
    await this.lasted(submit)
    return Math.min(await this.lasted(submit), await this.lasted(submit))
  }

  /** Seconds from submitting to the end, as the host sees it. */
  async lasted(submit: () => void): Promise<number> {
    if (this.options.signal?.aborted) throw new DistillError('aborted', 'the bench was stopped')
    const start = now()
    submit()
    await this.engine.settled()
    return now() - start
  }

  /** One measurement more of each, forwards and backwards in turn. */
  async round(timed: readonly Timed[], backwards: boolean): Promise<void> {
    for (const each of backwards ? [...timed].reverse() : timed) await this.measure(each)
  }

  private async measure({ name, calls, replays, tape, submit, wall, device }: Timed): Promise<void> {
    // The wait must end before the work does, or it is the wait that is measured.
    const expect = () => {
      if (wall.length > 0) tape.seconds = 0.8 * calls * Math.min(...wall)
    }
    expect()
    let start = now()
    const seconds = await this.lasted(submit)
    wall.push(seconds / calls / replays)
    this.spans.push({ name, track: 'host', start, seconds })
    if (!this.stopwatch) return
    expect()
    start = now()
    const onDevice = await this.stopwatch.whole(tape)
    device.push(onDevice / calls)
    this.spans.push({ name, track: 'device', start, seconds: onDevice })
  }

  /** Gives back what timing took; what was measured stays. */
  end(timed: readonly Timed[]): void {
    for (const { tape } of timed) tape.release()
    this.stopwatch?.destroy()
  }
}
