// TensorFlow.js on its WebGPU backend: NHWC, eager, kernels called directly where a gradient is wanted alone.
import { createRequire } from 'node:module'
import { prepareWebgpu } from '../webgpu.js'
import { fromHwio, fromNhwc, toHwio, toNhwc } from './layouts.js'

export async function open({ engine, adapter }) {
  const { errors } = await prepareWebgpu({ engine, adapter })
  const require = createRequire(import.meta.url)
  const tf = require('@tensorflow/tfjs-core')
  const { WebGPUBackend } = require('@tensorflow/tfjs-backend-webgpu')
  // As the backend registers itself, which in Node fails over an optional feature that it asks for wrongly.
  const found = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' })
  const limits = [
    'maxComputeWorkgroupStorageSize',
    'maxComputeWorkgroupsPerDimension',
    'maxStorageBufferBindingSize',
    'maxBufferSize',
    'maxComputeWorkgroupSizeX',
    'maxComputeInvocationsPerWorkgroup',
  ]
  const requiredLimits = Object.fromEntries(limits.map((name) => [name, found.limits[name]]))
  const device = await found.requestDevice({ requiredLimits })
  tf.removeBackend('webgpu')
  tf.registerBackend('webgpu', () => new WebGPUBackend(device, found.info))
  await tf.setBackend('webgpu')
  // Small tensors stay on the device: else what has been read once is computed in JavaScript from then on.
  tf.env().set('WEBGPU_CPU_FORWARD', false)
  return {
    about: `tfjs-webgpu ${tf.version_core}`,
    errors,
    settle: () => device.queue.onSubmittedWorkDone(),
    families: Object.fromEntries(Object.entries(families).map(([name, make]) => [name, make(tf, device)])),
  }
}

/** Submits what the backend holds back to fill a batch of dispatches, and waits for it. */
async function finished(tf, device) {
  const backend = tf.backend()
  if (backend.commandEncoder) {
    backend.endComputePassEncoder()
    backend.submitQueue()
  }
  await device.queue.onSubmittedWorkDone()
}

/** `call` gives tensors by name, `read` turns them into values in PyTorch's layouts. */
function eager(tf, device, call, read) {
  return {
    async outputs() {
      const made = tf.tidy(call)
      const values = {}
      for (const [name, tensor] of Object.entries(made)) values[name] = read[name](await tensor.data(), tensor.shape)
      tf.dispose(made)
      return values
    },
    async run(calls) {
      for (let i = 0; i < calls; i++) tf.dispose(tf.tidy(call))
      await finished(tf, device)
    },
    end: () => tf.disposeVariables(),
  }
}

const conv =
  (tf, device) =>
  ({ pass, inputs }) => {
    const picture = ({ data, shape: [n, c, h, w] }) => tf.tensor4d(toNhwc(data, [n, c, h, w]), [n, h, w, c])
    const { x, w, dy } = inputs
    const [k, c] = w.shape
    const [input, upstream] = [picture(x), picture(dy)]
    const filter = tf.tensor4d(toHwio(w.data, w.shape), [3, 3, c, k])
    const same = { strides: 1, pad: 'same', dataFormat: 'NHWC', dimRoundingMode: undefined }
    const kernel = (name, tensors, attributes) => tf.engine().runKernel(name, tensors, { ...same, ...attributes })
    if (pass === 'forward')
      return eager(tf, device, () => ({ y: tf.conv2d(input, filter, 1, 'same') }), { y: fromNhwc })
    if (pass === 'dX') {
      const call = () => ({
        dx: kernel('Conv2DBackpropInput', { dy: upstream, filter }, { inputShape: input.shape }),
      })
      return eager(tf, device, call, { dx: fromNhwc })
    }
    const call = () => ({
      dw: kernel('Conv2DBackpropFilter', { x: input, dy: upstream }, { filterShape: filter.shape }),
    })
    return eager(tf, device, call, { dw: fromHwio })
  }

const families = { conv }
