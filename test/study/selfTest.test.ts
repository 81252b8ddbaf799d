import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { init } from '../../src/node.ts'
import { selfTest } from '../../src/study/selfTest.ts'
import { engine } from '../device.ts'

const test = suite('self-test')

test('all kernels agree with plain loops on this adapter', async () => {
  const tests = await selfTest(engine)
  assert.is(tests.length, 7)
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

test.run()
