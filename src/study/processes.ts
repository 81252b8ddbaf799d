// `--processes N`: more of this program on this machine, which share the study's cells with it as any processes in one
// folder do. A software adapter gains little from a second thread at the sizes of small networks, so each gets its part
// of the processors instead.
import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import type { RunOptions } from './flag.ts'
import { launcher } from './launcher.ts'

/** llvmpipe's own variable, before we touch it: whoever has set it knows better. */
const THREADS = process.env.LP_NUM_THREADS

type Asked = Pick<RunOptions, 'processes' | 'cell' | 'shard' | 'fresh' | 'list' | 'dryRun'>

/**
 * How many processes do a study of which so many cells can be trained at once: what was asked for, else two where there
 * are two processors. That pays on lavapipe only; `paysOn` tells when the adapter is known.
 */
export function processesFor({ processes, cell, shard, fresh, list, dryRun }: Asked, atOnce: number): number {
  if (processes !== undefined) return processes
  const alone = cell !== undefined || shard !== undefined || fresh || list || dryRun || atOnce < 2
  return alone || THREADS !== undefined || availableParallelism() < 2 ? 1 : 2
}

/** Whether several processes, unasked, are faster than one on this adapter. */
export const paysOn = (adapter: string): boolean => /llvmpipe/i.test(adapter)

/**
 * Gives this process, and those it starts, a part of the processors. Before an adapter is opened, which reads it then.
 * Of one processor llvmpipe makes best use without threads of its own: what starts a dispatch then computes it, in place
 * of waking another and waiting for it.
 */
export function shareProcessors(processes: number): void {
  if (processes < 2) return
  const threads = Math.floor(availableParallelism() / processes)
  process.env.LP_NUM_THREADS ??= String(threads > 1 ? threads : 0)
}

export interface Others {
  /** Resolves when all of them have ended. */
  ended: Promise<unknown>
  /** They write a checkpoint and leave. */
  stop: () => void
}

/** What one process does for all: other formats of what is there. */
const ONCE = ['--json', '--keep', '--tensorboard']

/** Set in a process that the first one of a study has started. */
const OTHER = 'WEBGPU_DISTILL_OTHER'

/** Whether this is not the first of a study's processes: that one makes the tables. */
export const isOther = (): boolean => process.env[OTHER] !== undefined

/** One of several stops behind a checkpoint when the first is gone, killed with no time to tell. */
export function stopWithFirst(): void {
  if (!isOther()) return
  const stop = () => process.kill(process.pid, 'SIGTERM')
  if (!process.connected) return void stop()
  process.once('disconnect', stop)
  // Waiting for it keeps nobody from ending.
  process.channel?.unref()
}

/**
 * Starts N - 1 more of this process for a study and its flags. What stopped one of them stops this process, too, or is
 * made up for by it. Adapter and data are in their place by now, so that none of them fetches any.
 */
export function startOthers(processes: number, study: string, argv: readonly string[]): Others {
  const flags = withoutFlag(argv, '--processes').filter((word) => !ONCE.includes(word))
  const words = [...process.execArgv, ...launcher(study, process.argv[1]), ...flags, '--quiet', '--processes', '1']
  const env = { ...process.env, [OTHER]: '1' }
  const others = Array.from({ length: processes - 1 }, () =>
    spawn(process.execPath, words, { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }),
  )
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
