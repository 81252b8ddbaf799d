// `--watch`: how far a study is, from its folder alone: the event logs name the cells, the store has the finished ones,
// the locks tell who is at work. Needs no device and disturbs nobody.
import { nodeFiles } from '../node/files.ts'
import type { StudyArguments } from './args.ts'
import { type Event, readEvents } from './events.ts'
import type { Listed } from './list.ts'
import type { AtWork } from './locks.ts'
import { barText, clock } from './progress.ts'
import { type State, Store } from './store.ts'
import { UsageError } from './usage.ts'

export interface Watched extends State {
  cell: Listed
}

/** Returns 0 when all cells are done, 1 when some of them failed. Throws UsageError where no study has been. */
export async function watchStudy({ out, json }: Pick<StudyArguments, 'out' | 'json'>, seconds = 2): Promise<number> {
  const store = new Store(nodeFiles, `${out}/cells`)
  const terminal = Boolean(process.stdout.isTTY) && process.env.TERM !== 'dumb'
  let shown: string[] = []
  for (;;) {
    const events = await readEvents(nodeFiles, out)
    const run = events.findLast(({ event, cells }) => event === 'run' && Array.isArray(cells))
    if (!run) throw new UsageError(`--watch: no study in ${out} yet`)
    const watched: Watched[] = []
    for (const cell of run.cells as Listed[]) watched.push({ cell, ...(await store.state(cell.key)) })
    if (json) {
      process.stdout.write(
        `${JSON.stringify({ schemaVersion: 1, left: secondsLeft(watched, events), cells: watched }, null, 1)}\n`,
      )
      return 0
    }
    const columns = process.stdout.columns || 80
    const lines = watchText(out, watched, secondsLeft(watched, events), columns)
    if (terminal) {
      const back = shown.length ? `\x1b[${rowsOf(shown, columns)}A` : ''
      process.stdout.write(`${back}\x1b[J${lines.join('\n')}\n`)
    } else if (counts(lines) !== counts(shown)) process.stdout.write(`${lines.join('\n')}\n`)
    shown = lines
    const open = watched.filter(({ state }) => state !== 'done' && state !== 'failed')
    if (open.length === 0) return watched.some(({ state }) => state === 'failed') ? 1 : 0
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds))
  }
}

/** Rows that lines take on a terminal of so many columns. */
export const rowsOf = (lines: readonly string[], columns: number) => {
  return lines.reduce((rows, line) => rows + Math.max(1, Math.ceil(line.length / columns)), 0)
}

/** What a log is told anew: not every second that is left. */
const counts = ([first = '']: readonly string[]) => first.replace(/, about [\d:]+ left$/, '')

const shareOf = ({ step, steps }: AtWork) => (steps > 0 ? step / steps : 0)

/** From the speed of the cells that these processes finished and have begun; null while that is unknown. */
export function secondsLeft(watched: readonly Watched[], events: readonly Event[]): number | null {
  const flops = new Map(watched.map(({ cell }) => [cell.id, cell.flops]))
  const spent = { flops: 0, seconds: 0 }
  for (const { event, id, status, wall } of events) {
    if (event !== 'finished' || status !== 'ok' || !flops.has(id as string)) continue
    spent.flops += flops.get(id as string)!
    spent.seconds += wall as number
  }
  let left = 0
  let slowest = 0
  let processes = 0
  for (const { state, cell, holder } of watched) {
    if (state === 'done' || state === 'failed') continue
    left += cell.flops * (1 - (holder ? shareOf(holder.work) : 0))
    if (!holder) continue
    const { step, steps, first, seconds } = holder.work
    processes++
    spent.seconds += seconds
    if (steps > 0) spent.flops += (cell.flops * (step - first)) / steps
    slowest = Math.max(slowest, cellLeft(holder.work) ?? 0)
  }
  const together = (left * spent.seconds) / spent.flops / Math.max(1, processes)
  return spent.flops > 0 ? Math.max(together, slowest) : null
}

const cellLeft = ({ step, steps, first, seconds }: AtWork) =>
  step > first ? ((steps - step) * seconds) / (step - first) : null

/** A line on the whole, a line for every cell that somebody is at, and those that failed. */
export function watchText(out: string, watched: readonly Watched[], left: number | null, columns: number): string[] {
  const those = (state: State['state']) => watched.filter((one) => one.state === state)
  const [done, failed, working] = [those('done'), those('failed'), those('at work')]
  const parts = [`${done.length} of ${watched.length} cells done`]
  if (failed.length) parts.push(`${failed.length} failed`)
  const idle = working.length === 0 && done.length + failed.length < watched.length
  parts.push(idle ? 'nobody is at work' : `${working.length} at work`)
  if (left && !idle && working.length) parts.push(`about ${clock(left)} left`)
  return [
    `${out}: ${parts.join(', ')}`,
    ...failed.map(({ cell }) => `[${cell.number}/${watched.length}] ${cell.id}  FAILED`),
    ...working.map(({ cell, holder }) => {
      const { seconds, first, ...work } = holder!.work
      const where = `  ${holder!.host} ${holder!.pid}`
      const bar = { ...work, cell: cell.number, cells: watched.length, id: cell.id }
      return barText({ ...bar, left: cellLeft(holder!.work), studyLeft: null }, columns - where.length) + where
    }),
  ]
}
