// WebGPU for every contestant: the engine's choice of adapter, `navigator.gpu` as pages have it, calm waiting, and a list
// of all that goes wrong on a device.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { waitCalmly } from './calm.js'

/**
 * Prepares this process. `engine`: the engine's built entry, `adapter`: which one, as `init` takes it. Gives the engine's
 * module, the classes of WebGPU, a list that errors are added to, and `onAdapter`, what is known of the adapters opened
 * since. Whoever takes one from `navigator.gpu` waits calmly from then on.
 */
export async function prepareWebgpu({ engine, adapter }) {
  const ours = await import(pathToFileURL(engine).href)
  // The very Dawn that the engine loads: two of them in one process would be two sets of drivers.
  const { globals } = await import(pathToFileURL(createRequire(engine).resolve('webgpu')).href)
  Object.assign(globalThis, globals)
  const errors = []
  collectErrors(globals, errors)
  const onAdapter = { name: '' }
  let calmed = false
  const gpu = {
    async requestAdapter() {
      const opened = await ours.openAdapter({ adapter, fetchLavapipe: true })
      onAdapter.name = opened.name
      if (!calmed) waitCalmly(globals, opened.calm)
      calmed = true
      return opened.adapter
    },
    getPreferredCanvasFormat: () => 'bgra8unorm',
    wgslLanguageFeatures: new Set(),
  }
  const known = globalThis.navigator ?? { userAgent: 'Node.js', hardwareConcurrency: 1 }
  Object.defineProperty(globalThis, 'navigator', { value: Object.assign(Object.create(known), { gpu }) })
  return { ours, globals, errors, onAdapter }
}

/** Errors nobody catches, those that somebody catches and keeps to himself, and a lost device. */
function collectErrors({ GPUAdapter, GPUDevice }, errors) {
  const { requestDevice } = GPUAdapter.prototype
  GPUAdapter.prototype.requestDevice = async function (descriptor) {
    const device = await requestDevice.call(this, descriptor)
    device.addEventListener('uncapturederror', (event) => errors.push(event.error.message))
    device.lost.then(({ reason, message }) => reason !== 'destroyed' && errors.push(`device lost: ${message}`))
    return device
  }
  const { popErrorScope } = GPUDevice.prototype
  GPUDevice.prototype.popErrorScope = async function () {
    const error = await popErrorScope.call(this)
    if (error) errors.push(error.message)
    return error
  }
}
