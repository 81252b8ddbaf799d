// Temperature scaling as a tool: τ fitted on some logits, and what it does to others.
import { InputError } from '../errors.ts'
import { columns, metrics } from './metrics.ts'
import { fitTemperature, TAU_RANGE, type TemperatureFit } from './temperature.ts'

/** Logits, flat [n][classes], and labels [n]. */
export interface Answers {
  logits: ArrayLike<number>
  labels: ArrayLike<number>
}

/** Fractions and nats. */
export interface Side {
  nll: number
  ece: number
  accuracy: number
}

export interface Scaling {
  tau: number
  atBound: TemperatureFit['atBound']
  fitted: { n: number; before: Omit<Side, 'accuracy'>; after: Omit<Side, 'accuracy'> }
  tested: { n: number; before: Side; after: Side }
  /** Test pictures whose most likely class is another one after scaling: 0, since dividing by τ keeps the order. */
  changed: number
}

/** Fits τ on `held` and tests it on `test`. Throws InputError for what are no logits. */
export function temperatureScaling(held: Answers, test: Answers, classes: number, bins?: number): Scaling {
  const fit = fitTemperature(held.logits, held.labels, classes, { bins })
  const side = (temperature: number): Side => {
    const { nll, ece, accuracy } = metrics(test.logits, test.labels, classes, { temperature, bins })
    return { nll, ece, accuracy }
  }
  const [before, after] = [1, fit.tau].map((tau) => columns(test.logits, test.labels, classes, tau).prediction)
  return {
    tau: fit.tau,
    atBound: fit.atBound,
    fitted: {
      n: held.labels.length,
      before: { nll: fit.nllBefore, ece: fit.eceBefore },
      after: { nll: fit.nllAfter, ece: fit.eceAfter },
    },
    tested: { n: test.labels.length, before: side(1), after: side(fit.tau) },
    changed: before.filter((prediction, i) => prediction !== after[i]).length,
  }
}

/** What a τ at an end of its range means. */
export function boundText({ tau, atBound }: Pick<Scaling, 'tau' | 'atBound'>): string {
  if (atBound === 'lower') return `T = ${tau} is the lowest that is looked for: every answer it was fitted on is right`
  if (atBound === 'upper') return `T = ${TAU_RANGE.upper} is the highest that is looked for: the logits tell nothing`
  return ''
}

/** Rows `chosen` of answers. */
export function pick({ logits, labels }: Answers, chosen: ArrayLike<number>, classes: number): Answers {
  const rows = Array.from(chosen)
  if (rows.some((row) => !(row < labels.length))) throw new InputError(`pick: a row beyond ${labels.length}`)
  const picked = new Float64Array(rows.length * classes)
  rows.forEach((row, i) => {
    for (let c = 0; c < classes; c++) picked[i * classes + c] = logits[row * classes + c]
  })
  return { logits: picked, labels: Uint32Array.from(rows, (row) => labels[row]) }
}
