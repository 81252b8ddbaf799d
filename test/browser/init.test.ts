// What a page is told where the browser gives it no adapter, and which adapters are software by what browsers say of them.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { init } from '../../src/browser.ts'
import { AdapterError } from '../../src/errors.ts'
import { isSoftware } from '../../src/gpu/software.ts'

const test = suite('the entry of browsers')

/** What `init` throws where these are the globals. */
async function refusal(globals: Record<string, unknown>): Promise<string> {
  const before = Object.keys(globals).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const)
  for (const [name, value] of Object.entries(globals))
    Object.defineProperty(globalThis, name, { value, configurable: true })
  try {
    await init()
  } catch (error) {
    assert.instance(error, AdapterError)
    return (error as Error).message
  } finally {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor)
      else Reflect.deleteProperty(globalThis, name)
    }
  }
  return 'nothing'
}

test('without WebGPU it says why, as far as a page can know', async () => {
  const old = await refusal({ navigator: {}, isSecureContext: true })
  assert.match(old, /^this browser has no WebGPU .*: use a current Chrome, Edge, Safari or Firefox$/)
  assert.match(await refusal({ navigator: {}, isSecureContext: false }), /plain http .*needs https or localhost$/)
  assert.match(await refusal({ navigator: undefined }), /^this browser has no WebGPU/)
  const gpu = { requestAdapter: async () => null }
  assert.match(await refusal({ navigator: { gpu } }), /offers no WebGPU adapter; is hardware acceleration switched off/)
})

test('software is told by any of the names, as far as a browser gives them', () => {
  const info = (of: Partial<GPUAdapterInfo>) => of as GPUAdapterInfo
  assert.is(isSoftware(info({ vendor: 'google', architecture: 'swiftshader', device: '', description: '' })), true)
  assert.is(isSoftware(info({ device: 'microsoft-basic-render-driver' })), true)
  assert.is(isSoftware(info({ description: 'Microsoft Basic Render Driver' })), true)
  assert.is(isSoftware(info({ vendor: '', isFallbackAdapter: true })), true)
  assert.is(isSoftware(info({ vendor: 'nvidia', architecture: 'ampere', isFallbackAdapter: false })), false)
  assert.is(isSoftware(info({})), false)
  assert.is(isSoftware(undefined), false)
})

test.run()
