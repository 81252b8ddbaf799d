// How long a measurement is made to last, and how large the work of the peaks is, on devices that are told what to
// take.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { invocationsFor, type PeakWork, peaks } from '../../src/bench/peak.ts'
import type { Engine } from '../../src/engine.ts'
import { Clock } from '../../src/tune/clock.ts'
import { engine } from '../device.ts'

const test = suite('bench clock')

/** A device that takes `latency` ms a submit and `each` ms a call, on a clock rounded to `tick` ms. */
async function callsOn({ latency, each, tick }: { latency: number; each: number; tick: number }): Promise<number> {
  let [time, pending] = [0, 0]
  const trace = (_: string, fn: () => void) => {
    let calls = 0
    counting = () => calls++
    fn()
    const replay = () => {
      pending += latency + each * calls
    }
    return { tape: { commands: Array(calls), compile: async () => {}, release: () => {}, replay } }
  }
  let counting = () => 0
  const settled = async () => {
    time += pending
    pending = 0
  }
  const device = { gpu: { trace, device: { features: new Set() } }, settled } as unknown as Engine
  const real = performance.now
  performance.now = () => Math.floor(time / tick) * tick
  try {
    const { calls } = await new Clock(device).prepare('work', () => counting(), 0.02)
    return calls
  } finally {
    performance.now = real
  }
}

test('a measurement lasts as long as it should where submitting takes longer than the work', async () => {
  assert.is(await callsOn({ latency: 0, each: 2, tick: 0.001 }), 10)
  assert.is(await callsOn({ latency: 0, each: 70, tick: 0.001 }), 1)
  const calls = await callsOn({ latency: 2, each: 0.05, tick: 0.1 })
  assert.ok(2 + 0.05 * calls >= 10 && 0.05 * calls <= 40, `${calls} calls`)
  const coarse = await callsOn({ latency: 0.2, each: 0.05, tick: 1 })
  assert.ok(0.05 * coarse >= 8 && 0.05 * coarse <= 40, `${coarse} calls by a clock of 1 ms`)
  assert.is(await callsOn({ latency: 0.2, each: 1e-6, tick: 1 }), 2000)
})

test("multiply-adds are as large as a GPU can take: a phone's end soon, a large GPU is filled", async () => {
  const on = (rate: number) => invocationsFor(engine, async ({ amount }: PeakWork) => amount / rate)
  const { software } = engine.info
  try {
    engine.info.software = false
    assert.is(await on(50e9), 2 ** 14)
    assert.is(await on(500e9), 2 ** 18)
    assert.is(await on(60e12), 2 ** 20)
    const longest = Math.max(...peaks(engine, await on(50e9)).map(({ kind, amount }) => (kind === 'fma' ? amount : 0)))
    assert.ok(longest / 50e9 < 0.03, 'the largest takes 30 ms on that phone')
    const names = peaks(engine, 2 ** 14).map(({ name }) => name)
    assert.equal(names.slice(-3), ['copy 0.25 MiB', 'copy 2 MiB', 'copy 16 MiB'])
    engine.info.software = true
    assert.is(await on(1e9), 2 ** 12)
  } finally {
    engine.info.software = software
  }
})

test.run()
