// Dawn in Node polls the device in a setImmediate loop while one of its promises is pending, and takes most of a core from
// a software adapter that needs it. Between two rounds of that loop the thread is put to sleep for a moment: the wait
// ends at most that much later, and the processor is free for the work that is waited for.

const MILLISECONDS = 0.3
const nobodyWakes = new Int32Array(new SharedArrayBuffer(4))

/** Waits for a promise of Dawn's, calmly. */
export async function calm<T>(promise: Promise<T>): Promise<T> {
  let waiting = true
  const rest = () => {
    if (!waiting) return
    Atomics.wait(nobodyWakes, 0, 0, MILLISECONDS)
    setImmediate(rest)
  }
  setImmediate(rest)
  try {
    return await promise
  } finally {
    waiting = false
  }
}
