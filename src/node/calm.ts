// Dawn in Node polls the device in a setImmediate loop while one of its promises is pending, and takes most of a core
// from a software adapter that needs it. Between two rounds of that loop the thread is put to sleep for a moment, a
// small part of the time waited so far: the wait ends at most that much later, and the processor is free for the work
// that is waited for.

const PART = 0.03
const SHORTEST = 0.1
const LONGEST = 1

/** How many milliseconds to sleep after so many of waiting. The rest of the program runs between two sleeps. */
const nap = (waited: number): number => Math.min(LONGEST, Math.max(SHORTEST, PART * waited))

const nobodyWakes = new Int32Array(new SharedArrayBuffer(4))
let pending = 0
let start = 0
/** Whether a nap is due: one at a time, however many promises are waited for. */
let due = false

function rest(): void {
  due = pending > 0
  if (!due) return
  Atomics.wait(nobodyWakes, 0, 0, nap(performance.now() - start))
  setImmediate(rest)
}

/** Waits for a promise of Dawn's, calmly. */
export async function calm<T>(promise: Promise<T>): Promise<T> {
  if (pending++ === 0) start = performance.now()
  if (!due) setImmediate(rest)
  due = true
  try {
    return await promise
  } finally {
    pending--
  }
}
