// Which cells of a study a process is to do: one by its number, or every n-th. Numbers come from the flag, or from what
// a scheduler tells its tasks. Without either flag a process takes whatever nobody else is at, so nothing is read then.
import { needs, type Stage } from './stage.ts'
import { UsageError } from './usage.ts'

/** As the flags were given; an empty text leaves the number to the scheduler. */
export interface Asked {
  cell?: string
  shard?: string
}

export interface Part {
  /** What to call it, also in file names. */
  name: string
  /** Ids of the cells that were asked for. */
  chosen: Set<string>
  /** Those and all that they need. */
  wanted: Set<string>
}

type Environment = Record<string, string | undefined>

/** What the flags choose; null for all of it. Throws UsageError. */
export function partOf(stages: readonly Stage[], { cell, shard }: Asked, env: Environment = process.env): Part | null {
  if (cell !== undefined) {
    const number = cell === '' ? taskNumber('--cell', env) : whole('--cell', cell)
    if (number > stages.length) {
      throw new UsageError(`--cell ${number}: the study has ${stages.length} cells; --list shows them`)
    }
    return part(`cell-${number}`, stages, [stages[number - 1]])
  }
  if (shard !== undefined) {
    const { index, count } = shardOf(shard, env)
    const chosen = stages.filter((_, i) => i % count === index - 1)
    return part(`shard-${index}-of-${count}`, stages, chosen)
  }
  return null
}

function part(name: string, stages: readonly Stage[], chosen: readonly Stage[]): Part {
  return { name, chosen: new Set(chosen.map(({ id }) => id)), wanted: withNeeds(stages, chosen) }
}

/** Ids of some stages and of all that they need, directly or not. */
function withNeeds(stages: readonly Stage[], some: readonly Stage[]): Set<string> {
  const wanted = new Set(some.map(({ id }) => id))
  // A stage comes after those it needs.
  for (const stage of [...stages].reverse()) if (wanted.has(stage.id)) for (const need of needs(stage)) wanted.add(need)
  return wanted
}

/** `i/n`, `n` with i from the scheduler, or both from it. */
export function shardOf(text: string, env: Environment): { index: number; count: number } {
  const [first, second, ...more] = text.split('/')
  if (more.length > 0) throw new UsageError(`--shard ${text}: i/n`)
  const fits = (index: number, count: number) => {
    if (!Number.isInteger(index) || index < 1 || index > count)
      throw new UsageError(`--shard ${index}/${count}: numbers go from 1 to ${count}`)
    return { index, count }
  }
  if (second !== undefined) return fits(whole('--shard', first), whole('--shard', second))
  if (text !== '') return fits(taskNumber('--shard', env), whole('--shard', text))
  const { SLURM_ARRAY_TASK_COUNT: count, SLURM_ARRAY_TASK_MIN: min, SLURM_ARRAY_TASK_STEP: step = '1' } = env
  if (env.SLURM_ARRAY_TASK_ID === undefined || count === undefined || min === undefined) {
    throw new UsageError('--shard needs i/n, or n inside an array job: SLURM_ARRAY_TASK_COUNT is not set')
  }
  const told = (name: string, value: string) => whole(`--shard from SLURM_ARRAY_TASK_${name}`, value, 0)
  const index = (told('ID', env.SLURM_ARRAY_TASK_ID) - told('MIN', min)) / told('STEP', step) + 1
  return fits(index, told('COUNT', count))
}

/** From 1: Slurm's array index as it is, Kubernetes' completion index, which begins at 0, and one. */
function taskNumber(flag: string, { SLURM_ARRAY_TASK_ID: task, JOB_COMPLETION_INDEX: index }: Environment): number {
  if (task !== undefined) return whole(`${flag} from SLURM_ARRAY_TASK_ID`, task)
  if (index !== undefined) return whole(`${flag} from JOB_COMPLETION_INDEX`, index, 0) + 1
  throw new UsageError(`${flag} needs a number: neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set`)
}

function whole(flag: string, text: string, least = 1): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < least) throw new UsageError(`${flag} ${text}: a whole number from ${least}`)
  return value
}

/** How deep a stage's sources go: 0 for one that needs none. */
export function depths(stages: readonly Stage[]): Map<string, number> {
  const depth = new Map<string, number>()
  for (const stage of stages) depth.set(stage.id, Math.max(0, ...needs(stage).map((need) => depth.get(need)! + 1)))
  return depth
}

/** 1, 2, 3, 5 → '1-3,5'. */
export function ranges(numbers: readonly number[]): string {
  const runs: [number, number][] = []
  for (const n of numbers) {
    const last = runs.at(-1)
    if (last?.[1] === n - 1) last[1] = n
    else runs.push([n, n])
  }
  return runs.map(([from, to]) => (from === to ? from : `${from}-${to}`)).join(',')
}

/** How many stages can surely be trained at the same time: the most that lie equally deep. */
export function widest(stages: readonly Stage[]): number {
  const counts = new Map<number, number>()
  for (const depth of depths(stages).values()) counts.set(depth, (counts.get(depth) ?? 0) + 1)
  return Math.max(0, ...counts.values())
}
