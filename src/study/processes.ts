// `--processes N`: more of this program on this machine, which share the study's cells with it as any processes in one
// folder do. A software adapter gains little from a second thread at the sizes of small networks, so each gets its part
// of the processors instead.
import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'

/**
 * Gives this process, and those it starts, a part of the processors. Before an adapter is opened, which reads it then.
 */
export function shareProcessors(processes: number): void {
  // llvmpipe's own variable; whoever has set it knows better.
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

/**
 * Starts N - 1 more of this process. What stopped one of them stops this process, too, or is made up for by it. Adapter
 * and data are in their place by now, so that none of them fetches any.
 */
export function startOthers(processes: number): Others {
  const args = withoutFlag(process.argv.slice(1), '--processes').filter((word) => !ONCE.includes(word))
  const others = Array.from({ length: processes - 1 }, () =>
    spawn(process.execPath, [...process.execArgv, ...args, '--quiet'], { stdio: ['ignore', 'ignore', 'inherit'] }),
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
