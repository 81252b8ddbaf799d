import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { init } from '../../src/node.ts'
import { deviation, selfTest } from '../../src/study/selfTest.ts'
import { engine } from '../device.ts'

const test = suite('self-test')

test('all kernels agree with plain loops on this adapter', async () => {
  const tests = await selfTest(engine)
  assert.ok(tests.length >= 7)
  for (const { name, ok, error, seconds, fault } of tests) {
    assert.is(fault, '', name)
    assert.ok(ok && error > 0 && error < 1e-5 && seconds > 0, `${name}: ${error}`)
  }
})

test('what cannot run is told, not thrown', async () => {
  const gone = await init({ adapter: process.env.WEBGPU_DISTILL_ADAPTER })
  gone.destroy()
  for (const { name, ok, fault } of await selfTest(gone)) {
    assert.not(ok, name)
    assert.match(fault, 'destroyed', name)
  }
})

test('a wrong value, a value that is none and a missing one count', () => {
  assert.is(deviation([1, 2], [1, 2]), 0)
  assert.is(deviation([1, 2.5], [1, 2]), 0.25)
  assert.is(deviation([0, 2], [1, 2]), 0.5)
  assert.is(deviation([1, Number.NaN], [1, 2]), Number.POSITIVE_INFINITY)
  assert.is(deviation([1], [1, 2]), Number.POSITIVE_INFINITY)
  assert.ok(deviation([1e-3], [0]) > 1)
})

test.run()
