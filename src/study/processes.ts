// `--processes N`: more of this program on this machine, which share the study's cells with it as any processes in one
// folder do. A software adapter gains little from a second thread at the sizes of small networks, so each gets its part
// of the processors instead.
import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { OF_A_PAPER } from './facts.ts'
import type { RunOptions } from './flag.ts'

/** llvmpipe's own variable, before we touch it: whoever has set it knows better. */
const THREADS = process.env.LP_NUM_THREADS

type Asked = Pick<RunOptions, 'processes' | 'cell' | 'shard' | 'fresh' | 'list' | 'dryRun'>

/**
 * How many processes do a study of so many cells: what was asked for, else two where there are two processors. That
 * pays with lavapipe only; `isWorth` tells when the adapter is known.
 */
export function processesFor({ processes, cell, shard, fresh, list, dryRun }: Asked, cells: number): number {
  if (processes !== undefined) return processes
  const alone = cell !== undefined || shard !== undefined || fresh || list || dryRun || cells < 2
  return alone || THREADS !== undefined || availableParallelism() < 2 ? 1 : 2
}

/** Whether several processes, unasked, are faster than one on this adapter. */
export const isWorth = (adapter: string): boolean => /llvmpipe/i.test(adapter)

/**
 * Gives this process, and those it starts, a part of the processors. Before an adapter is opened, which reads it then.
 */
export function shareProcessors(processes: number): void {
  if (processes > 1) process.env.LP_NUM_THREADS ??= String(Math.max(1, Math.floor(availableParallelism() / processes)))
}

export interface Others {
  /** Resolves when all of them have ended. */
  ended: Promise<unknown>
  /** They write a checkpoint and leave. */
  stop: () => void
}

/** What one process does for all: other formats of what is there. */
const ONCE = ['--json', '--keep', '--tensorboard']

/** What the first process tells the others, so that they know it for what it is. */
const SHARED = 'webgpu-distill: these cells are ours'

/** One of several processes stops behind a checkpoint when the first one is gone, killed with no time to tell. */
export function stopWithFirst(): void {
  if (!process.channel) return
  process.once('message', (message) => {
    if (message === SHARED) process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  })
  // Waiting for it keeps nobody from ending.
  process.channel.unref()
}

/**
 * Starts N - 1 more of this process for a study and its flags. What stopped one of them stops this process, too, or is
 * made up for by it. Adapter and data are in their place by now, so that none of them fetches any.
 */
export function startOthers(processes: number, study: string, argv: readonly string[]): Others {
  const script = process.argv[1]
  const flags = withoutFlag(argv, '--processes').filter((word) => !ONCE.includes(word))
  const command = OF_A_PAPER.test(script) ? [script, '--paper', study] : [script, study]
  const words = [...process.execArgv, ...command, ...flags, '--quiet', '--processes', '1']
  const others = Array.from({ length: processes - 1 }, () => {
    const other = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    // One that is gone before it hears us has told why by itself.
    other.send(SHARED, () => {})
    return other
  })
  const stop = () => {
    for (const other of others) other.kill('SIGTERM')
  }
  if (others.length > 0) process.once('exit', stop)
  return { ended: Promise.all(others.map(end)), stop }
}

const end = (other: ChildProcess) => new Promise((resolve) => other.once('exit', resolve).once('error', resolve))

/** Without `--flag value` and `--flag=value`. */
function withoutFlag(words: readonly string[], flag: string): string[] {
  return words.filter((word, i) => word !== flag && words[i - 1] !== flag && !word.startsWith(`${flag}=`))
}
