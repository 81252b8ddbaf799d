// `tune`: which kernel is the fastest for a shape here, found out by running those that can.
import type { Engine } from '../engine.ts'
import { InputError } from '../errors.ts'
import { CONV_PASSES, type ConvPass, type ConvShape } from '../ops/conv2dKey.ts'
import { type ContestOptions, runContest, type Trial } from './contest.ts'
import { conv2dContest } from './convolution.ts'
import { type Tuning, tuningOf } from './tuning.ts'

export interface TuneShape extends ConvShape {
  /** Default all three. */
  passes?: readonly ConvPass[]
}

export interface TuneOptions extends ContestOptions {
  /** Gets every trial when it is over. */
  onTrial?: (trial: Trial, done: number, of: number) => void
}

/**
 * Runs, for each shape and pass, every kernel that can compute it; holds each result against the generic kernel's
 * before it is timed; times the right ones in alternating rounds. A default gives way only to a kernel that is faster
 * by `gain`. Resolves to the choices for `init({ choices })` and the trials behind them, as plain JSON; the engine goes
 * on as it was. Throws InputError for a shape or an option that can't be.
 */
export async function tune(engine: Engine, shapes: readonly TuneShape[], options: TuneOptions = {}): Promise<Tuning> {
  const { onTrial = () => {}, ...how } = options
  checkOptions(how)
  const wanted = shapes.flatMap(({ passes = CONV_PASSES, ...shape }) => passes.map((pass) => ({ shape, pass })))
  const unknown = wanted.find(({ pass }) => !CONV_PASSES.includes(pass))
  if (unknown) throw new InputError(`tune: pass ${JSON.stringify(unknown.pass)}, it must be one of ${CONV_PASSES}`)
  const trials: Trial[] = []
  for (const { shape, pass } of wanted) {
    const trial = await runContest(engine, conv2dContest(engine, shape, pass), how)
    trials.push(trial)
    onTrial(trial, trials.length, wanted.length)
  }
  return tuningOf(engine.info, trials)
}

function checkOptions({ rounds = 1, seconds = 1, tolerance = 1, gain = 0 }: ContestOptions): void {
  const need = (ok: boolean, name: string, value: number, rule: string) => {
    if (!ok) throw new InputError(`tune: ${name} ${value}, it must be ${rule}`)
  }
  need(Number.isInteger(rounds) && rounds >= 1, 'rounds', rounds, 'a whole number from 1')
  need(seconds > 0 && Number.isFinite(seconds), 'seconds', seconds, 'a number above 0')
  need(tolerance > 0, 'tolerance', tolerance, 'a number above 0')
  need(gain >= 0 && gain < 1, 'gain', gain, 'a number from 0, below 1')
}
