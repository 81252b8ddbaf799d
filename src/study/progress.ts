// What a person sees while cells train: a live bar on a terminal, a plain line per finished cell elsewhere.

export interface Stream {
  write(text: string): unknown
  isTTY?: boolean
  columns?: number
}

export interface BarState {
  /** 1 for the first cell, of how many. */
  cell: number
  cells: number
  id: string
  step: number
  steps: number
  imagesPerSecond: number
  loss: number
  /** Seconds left in this cell and in the whole study; null where unknown. */
  left: number | null
  studyLeft: number | null
  /** How far pipelines are, in place of all that, where the cell waits for them: 'first run 3/36'. */
  compiling?: string
}

/** 83 → '1:23', 4000 → '1:06:40'. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const two = (n: number) => String(n).padStart(2, '0')
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}

/**
 * `[3/14] seed0/14px/cqkd-T4 ████░░ 412/620  1234 img/s  loss 0.412  ETA 1:23, study 12:40`, at most `columns` wide: a
 * narrow terminal loses the steps, which the bar shows too, then the study's remaining time, then bar and loss, then the
 * speed.
 */
export function barText(state: BarState, columns: number, paint = (text: string) => text): string {
  const { cell, cells, id, step, steps, imagesPerSecond, loss, left, studyLeft, compiling } = state
  const head = `[${cell}/${cells}] ${id} `
  const count = `${step}/${steps}`
  const speed = `${Math.round(imagesPerSecond)} img/s`
  const eta = left === null ? '' : `ETA ${clock(left)}`
  const study = eta === '' || studyLeft === null ? eta : `${eta}, study ${clock(studyLeft)}`
  const now = (text: string) => (step < steps ? text : 'evaluating')
  const early = compiling || step === 0 ? [[compiling ?? 'preparing']] : null
  const tails = early ?? [
    [count, speed, `loss ${loss.toFixed(3)}`, now(study)],
    [speed, `loss ${loss.toFixed(3)}`, now(study)],
    [speed, `loss ${loss.toFixed(3)}`, now(eta)],
  ]
  for (const parts of tails) {
    const tail = ` ${parts.filter(Boolean).join('  ')}`
    // The last column stays free: some terminals wrap when it is written.
    const room = Math.min(24, columns - 1 - head.length - tail.length)
    if (room < 4) continue
    const full = Math.round((room * step) / steps)
    return head + paint('█'.repeat(full)) + '░'.repeat(room - full) + tail
  }
  const lines = (early ?? [[count, speed, now(eta)], [count, now(eta)], [count]]).map((parts) => {
    return head + parts.filter(Boolean).join('  ')
  })
  return (lines.find((line) => line.length < columns) ?? lines.at(-1)!).slice(0, columns - 1)
}

/** Whether a stream wants colours: a terminal, and neither NO_COLOR nor TERM=dumb. */
function colourful(stream: Stream, env: NodeJS.ProcessEnv = process.env): boolean {
  return Boolean(stream.isTTY) && !env.NO_COLOR && env.TERM !== 'dumb'
}

/** Lines and one bar below them on the same stream. */
export class Progress {
  private shown = false
  private readonly live: boolean
  private readonly paint: (text: string) => string

  constructor(
    private readonly stream: Stream,
    private readonly quiet = false,
    env: NodeJS.ProcessEnv = process.env,
  ) {
    this.live = Boolean(stream.isTTY) && env.TERM !== 'dumb' && !quiet
    this.paint = colourful(stream, env) ? (text) => `\x1b[32m${text}\x1b[39m` : (text) => text
  }

  /** A line above the bar. */
  line(text: string): void {
    if (!this.quiet) this.always(text)
  }

  /** A line where there is no bar that says the same. */
  log(text: string): void {
    if (!this.live) this.line(text)
  }

  /** A line that --quiet does not silence. */
  always(text: string): void {
    this.clear()
    this.stream.write(`${text}\n`)
  }

  /** Draws the bar anew; does nothing where the stream is no terminal. */
  bar(state: BarState): void {
    if (!this.live) return
    this.stream.write(`\r\x1b[2K${barText(state, this.stream.columns || 80, this.paint)}`)
    this.shown = true
  }

  clear(): void {
    if (this.shown) this.stream.write('\r\x1b[2K')
    this.shown = false
  }
}
