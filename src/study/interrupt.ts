// Ctrl-C and what a scheduler sends: the first asks the run to stop behind a checkpoint, a second Ctrl-C ends the
// process at once. A scheduler may send its signal to every process of a job, and again; that changes nothing.
import { AbortedError } from '../train/fit.ts'

const CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGUSR1: 138 } as const
type Name = keyof typeof CODES

/** Milliseconds that a step may take to end: within what Slurm and Kubernetes wait until they kill, 30 s by default. */
const PATIENCE: Record<Name, number> = { SIGINT: 3000, SIGHUP: 3000, SIGTERM: 20_000, SIGUSR1: 50_000 }

export interface Interrupts {
  signal: AbortSignal
  /** 128 + the signal that came (Linux's numbers), 0 if none did. */
  readonly code: number
  readonly patience: number
  stop(): void
}

export function watchInterrupts(tell: () => void): Interrupts {
  const abort = new AbortController()
  // Node undoes what `nohup` does. Under it no stream is a terminal; then no hang-up concerns us.
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  let code = 0
  let patience = 0
  const handler = (name: NodeJS.Signals) => {
    if (name === 'SIGHUP' && !terminal) return
    if (code && name === 'SIGINT') process.exit(CODES[name])
    if (code) return
    code = CODES[name as Name]
    patience = PATIENCE[name as Name]
    tell()
    abort.abort()
  }
  const names = Object.keys(CODES) as Name[]
  for (const name of names) process.on(name, handler)
  return {
    signal: abort.signal,
    get code() {
      return code
    },
    get patience() {
      return patience
    },
    stop() {
      for (const name of names) process.off(name, handler)
    },
  }
}

/** Calls `then` at an abort: at once where it has come before, since no event follows. Returns what takes it back. */
export function onAbort(signal: AbortSignal, then: () => void): () => void {
  if (signal.aborted) then()
  else signal.addEventListener('abort', then)
  return () => signal.removeEventListener('abort', then)
}

/** Resolves after so long, or at an abort. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      forget()
      resolve()
    }, ms)
    const forget = onAbort(signal, () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/** `late` throws some time after an abort: a step that is too long to wait for is given up. */
export function tooLate(signal: AbortSignal, patience: () => number): { late: Promise<never>; forget: () => void } {
  let forget = () => {}
  const late = new Promise<never>((_, reject) => {
    forget = onAbort(signal, () => setTimeout(() => reject(new AbortedError(0, 0)), patience()).unref())
  })
  return { late, forget }
}
