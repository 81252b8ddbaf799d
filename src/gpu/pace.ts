// Waiting without burning a core. Dawn in Node polls the device in a busy loop while one of its promises is pending and
// takes half a core from a software adapter. So the work's duration is learned, the wait sleeps on a timer for some of
// it, and only then is a promise of the device's asked for (calmly, see node/calm.ts). Sleeping too little costs a few
// polls, sleeping too long leaves the device idle: so half the expected time is slept, and the expectation falls at once
// and rises slowly. One slow run, or one run alone, which takes longer than one of many in a row, then does no harm.
// Browsers do not poll, and nothing is slept there.

/** A tape, as far as time goes. */
interface Timed {
  seconds: number
}

/** A tape's expected time rises at most by this factor from one wait to the next. */
const RISE = 1.25

/** In seconds. */
export interface PaceClock {
  now(): number
  sleep(seconds: number): Promise<void>
}

const wall: PaceClock = {
  now: () => performance.now() / 1000,
  sleep: (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds)),
}

export class Pace {
  private waiting: Timed[] = []
  private since = 0
  /** When the last sleep ended; 0 when there was none since. */
  private woke = 0
  /** Tapes that have run before: a first run compiles, its time says nothing about the next. */
  private known = new WeakSet<Timed>()

  constructor(private clock: PaceClock = wall) {}

  submitted(tape: Timed): void {
    if (this.waiting.length === 0) this.since = this.clock.now()
    this.waiting.push(tape)
  }

  /** Sleeps for part of the time that the submitted work is expected to take. */
  async sleep(): Promise<void> {
    const expected = this.waiting.reduce((sum, tape) => sum + tape.seconds, 0)
    const left = 0.5 * expected - (this.clock.now() - this.since)
    this.woke = 0
    if (left <= 0.002) return
    await this.clock.sleep(left)
    this.woke = this.clock.now()
  }

  /** The device is idle: shares the time that passed among the tapes that ran. */
  idle(): void {
    if (this.waiting.length === 0) return
    const took = this.clock.now() - this.since
    const expected = this.waiting.reduce((sum, tape) => sum + tape.seconds, 0)
    // Done at once after a sleep: it may have been done long before, so the time is only a bound. Guess less.
    const overslept = this.woke > 0 && this.clock.now() - this.woke < 0.002
    const share = took / this.waiting.length
    for (const tape of new Set(this.waiting)) {
      const measured = expected > 0 && tape.seconds > 0 ? (tape.seconds * took) / expected : share
      if (!this.known.has(tape)) this.known.add(tape)
      else if (overslept) tape.seconds *= 0.5
      else tape.seconds = tape.seconds > 0 ? Math.min(measured, RISE * tape.seconds) : measured
    }
    this.waiting = []
  }
}
