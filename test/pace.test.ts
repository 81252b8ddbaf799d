// How long a wait sleeps before it asks the device, on a device and a clock that do as they are told; and what a wait in
// Node leaves to the rest of the program.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Pace } from '../src/gpu/pace.ts'
import { engineFrom } from '../src/init.ts'
import { calm } from '../src/node/calm.ts'
import { init } from '../src/node.ts'
import { relu } from '../src/ops/relu.ts'
import { engine } from './device.ts'

const test = suite('pace')

/** A device that needs `seconds` for what was submitted. `wait` does as Gpu.settled does, and returns how it went. */
function device() {
  let [time, done] = [100, 100]
  let slept = 0
  const clock = {
    now: () => time,
    sleep: async (seconds: number) => {
      slept += seconds
      time += seconds
    },
  }
  const pace = new Pace(clock)
  return {
    submit(tape: { seconds: number }, seconds: number) {
      pace.submitted(tape)
      done = Math.max(time, done) + seconds
    },
    pass(seconds: number) {
      time += seconds
    },
    async wait() {
      slept = 0
      await pace.sleep()
      const idle = time - done
      time = Math.max(time, done) + 1e-4
      pace.idle()
      return { slept, idle: Math.max(0, idle) }
    },
  }
}

const near = (got: number, want: number, within: number) => assert.ok(Math.abs(got - want) <= within, `${got}, ${want}`)

test('a first run, which compiles, says nothing; the second is measured; then half of it is slept', async () => {
  const { submit, wait } = device()
  const tape = { seconds: 0 }
  submit(tape, 20)
  assert.equal(await wait(), { slept: 0, idle: 0 })
  assert.is(tape.seconds, 0)
  submit(tape, 0.1)
  assert.is((await wait()).slept, 0)
  near(tape.seconds, 0.1, 1e-3)
  submit(tape, 0.1)
  near((await wait()).slept, 0.05, 1e-3)
})

test('the device never idles while its work takes what it took, however many runs are in a row', async () => {
  const { submit, wait } = device()
  const tape = { seconds: 0 }
  for (let i = 0; i < 3; i++) {
    submit(tape, 0.02)
    await wait()
  }
  for (const runs of [1, 5, 40]) {
    for (let i = 0; i < runs; i++) submit(tape, 0.02)
    const { slept, idle } = await wait()
    assert.is(idle, 0)
    near(slept, 0.01 * runs, 0.002 * runs)
  }
  near(tape.seconds, 0.02, 1e-3)
})

test('a slow run raises what is expected by a quarter at most, a fast one lowers it at once', async () => {
  const { submit, wait } = device()
  const tape = { seconds: 0 }
  for (const seconds of [0.1, 0.1, 2]) {
    submit(tape, seconds)
    await wait()
  }
  near(tape.seconds, 0.125, 1e-3)
  submit(tape, 0.07)
  await wait()
  near(tape.seconds, 0.07, 1e-3)
})

test('whoever overslept guesses less the next time', async () => {
  const { submit, wait } = device()
  const tape = { seconds: 0.4 }
  submit(tape, 0.4)
  await wait()
  submit(tape, 0.01)
  assert.ok((await wait()).idle > 0.1)
  near(tape.seconds, 0.2, 1e-3)
  for (let i = 0; i < 4; i++) {
    submit(tape, 0.01)
    await wait()
  }
  assert.ok(tape.seconds < 0.03, `${tape.seconds}`)
})

test('what the host did meanwhile is not slept again, and next to nothing is not slept at all', async () => {
  const { submit, wait, pass } = device()
  const [tape, short] = [{ seconds: 0.1 }, { seconds: 0.003 }]
  submit(tape, 0.1)
  pass(0.03)
  near((await wait()).slept, 0.02, 1e-9)
  submit(tape, 0.1)
  pass(0.06)
  assert.is((await wait()).slept, 0)
  submit(short, 0.003)
  assert.is((await wait()).slept, 0)
})

test('time is shared among tapes as they were expected to take it', async () => {
  const { submit, wait } = device()
  const [long, brief] = [{ seconds: 0.09 }, { seconds: 0.03 }]
  for (const [tape, seconds] of [
    [long, 0.09],
    [brief, 0.03],
  ] as const) {
    submit(tape, seconds)
    await wait()
  }
  submit(long, 0.06)
  submit(brief, 0.02)
  await wait()
  near(long.seconds, 0.06, 1e-3)
  near(brief.seconds, 0.02, 1e-3)
})

test('no timer is set before a wait where nothing polls: a hidden page would get it a minute late', async () => {
  const { device } = engine.gpu
  const engines = [await init({ device }), await engineFrom(device)]
  const real = globalThis.setTimeout
  const slept: number[][] = []
  for (const own of engines) {
    const timers: number[] = []
    const { tape, result } = own.gpu.trace(
      'slow',
      () => relu(own.full([4], 1)),
      (y) => [y.storage],
    )
    tape.seconds = 60
    tape.replay()
    globalThis.setTimeout = ((run: () => void, ms = 0) => {
      timers.push(ms)
      return real(run, 0)
    }) as typeof setTimeout
    try {
      await result.read()
      await own.settled()
    } finally {
      globalThis.setTimeout = real
    }
    slept.push(timers.filter((ms) => ms > 20_000))
    tape.release()
    own.destroy()
  }
  assert.equal(
    slept.map(({ length }) => length),
    [1, 0],
    'Node, a browser',
  )
})

test('a calm wait gives the value or the reason, and the rest of the program runs meanwhile', async () => {
  let ticks = 0
  const timer = setInterval(() => ticks++, 5)
  const later = <T>(value: T) => new Promise<T>((resolve) => setTimeout(() => resolve(value), 120))
  assert.is(await calm(later(7)), 7)
  clearInterval(timer)
  assert.ok(ticks >= 3, `${ticks} ticks`)
  const failed = await calm(Promise.reject(new Error('lost'))).catch((error: Error) => error.message)
  assert.is(failed, 'lost')
})

test('it naps between two rounds of the event loop, longer the longer it waits, and ends with the wait', async () => {
  const naps: number[] = []
  const [real, clock] = [Atomics.wait, performance.now]
  let time = 1000
  performance.now = () => time
  Atomics.wait = ((_array: Int32Array, _index: number, _value: number, timeout: number) => {
    naps.push(timeout)
    time += timeout
    return 'timed-out'
  }) as typeof Atomics.wait
  try {
    let end = () => {}
    const waiting = calm(new Promise<void>((resolve) => (end = resolve)))
    while (time < 1100) await new Promise((resolve) => setImmediate(resolve))
    end()
    await waiting
    const taken = naps.length
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
    assert.is(naps.length, taken)
  } finally {
    Atomics.wait = real
    performance.now = clock
  }
  assert.is(naps[0], 0.1)
  assert.is(naps.at(-1), 1)
  assert.ok(naps.every((nap, i) => i === 0 || nap >= naps[i - 1]))
  // At most a small part of the wait so far, so that it ends little later than what is waited for.
  let waited = 0
  for (const nap of naps) {
    assert.ok(nap <= Math.max(0.1, 0.03 * waited + 1e-9), `${nap} after ${waited}`)
    waited += nap
  }
})

test.run()
