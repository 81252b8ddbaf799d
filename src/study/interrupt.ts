// Ctrl-C and kill: the first asks the run to stop behind a checkpoint, the second ends the process at once.
const CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
type Name = keyof typeof CODES

export interface Interrupts {
  signal: AbortSignal
  /** 128 + the signal that came, 0 if none did. */
  readonly code: number
  stop(): void
}

export function watchInterrupts(tell: () => void): Interrupts {
  const abort = new AbortController()
  // Node undoes what `nohup` does. Under it no stream is a terminal; then no hang-up concerns us.
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  let code = 0
  const handler = (name: NodeJS.Signals) => {
    if (name === 'SIGHUP' && !terminal) return
    if (code) process.exit(CODES[name as Name])
    code = CODES[name as Name]
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
    stop() {
      for (const name of names) process.off(name, handler)
    },
  }
}
