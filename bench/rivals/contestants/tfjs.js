// TensorFlow.js on its WebGPU backend: NHWC, eager, kernels called directly where a gradient is wanted alone.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { prepareWebgpu } from '../webgpu.js'
import { fromHwio, fromNhwc } from './layouts.js'
import { distillation, filterOf, inference, pictureOf, step, targetsOf, trainedNorm } from './tfjs-network.js'

export async function open({ engine, adapter }) {
  const { errors, onAdapter } = await prepareWebgpu({ engine, adapter })
  const { tf, WebGPUBackend } = await load()
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
    adapter: onAdapter.name,
    errors,
    settle: () => device.queue.onSubmittedWorkDone(),
    families: Object.fromEntries(Object.entries(families).map(([name, make]) => [name, make(tf, device)])),
  }
}

/** What Node can import of it lacks the gradients; they are in its modules for bundlers. */
async function load() {
  const folder = fileURLToPath(new URL('../', import.meta.url))
  const outfile = `${folder}node_modules/.cache/tfjs.mjs`
  const contents = `export * as tf from '@tensorflow/tfjs-core'
    import '@tensorflow/tfjs-core/dist/register_all_gradients'
    export { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu/dist/index.js'`
  const stdin = { contents, resolveDir: folder }
  const shape = { bundle: true, format: 'esm', platform: 'node', mainFields: ['module', 'main'] }
  const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" }
  if (!existsSync(outfile)) await build({ stdin, outfile, ...shape, banner, logLevel: 'error' })
  return import(outfile)
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

const asIs = (values) => values

const conv =
  (tf, device) =>
  ({ pass, inputs }) => {
    const { x, w, dy } = inputs
    const [input, filter, upstream] = [pictureOf(tf, x), filterOf(tf, w), pictureOf(tf, dy)]
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

const loss =
  (tf, device) =>
  ({ temperature, inputs }) => {
    const student = tf.tensor2d(inputs.student.data, inputs.student.shape)
    const teacher = tf.tensor2d(inputs.teacher.data, inputs.teacher.shape)
    const targets = targetsOf(tf, inputs.labels, student.shape[1])
    const of = tf.valueAndGrad((logits) => distillation(tf, logits, targets, { teacher, temperature }))
    const call = () => {
      const { value, grad } = of(student)
      return { loss: value, gradient: grad }
    }
    return eager(tf, device, call, { loss: asIs, gradient: asIs })
  }

const calibration =
  (tf, device) =>
  ({ bins, inputs }) => {
    const logits = tf.tensor2d(inputs.logits.data, inputs.logits.shape)
    const labels = tf.tensor1d(Int32Array.from(inputs.labels.data), 'int32')
    const [n] = logits.shape
    const call = () => {
      const confidence = tf.max(tf.softmax(logits), 1)
      const correct = tf.cast(tf.equal(tf.argMax(logits, 1), labels), 'float32')
      const bin = tf.clipByValue(tf.sub(tf.ceil(tf.mul(confidence, bins)), 1), 0, bins - 1)
      const hot = tf.cast(tf.oneHot(tf.cast(bin, 'int32'), bins), 'float32')
      const gaps = tf.matMul(tf.reshape(tf.sub(confidence, correct), [1, n]), hot)
      return { ece: tf.div(tf.sum(tf.abs(gaps)), n) }
    }
    return eager(tf, device, call, { ece: asIs })
  }

const norm =
  (tf, device) =>
  ({ inputs }) => {
    const [x, dy] = [pictureOf(tf, inputs.x), pictureOf(tf, inputs.dy)]
    const [gamma, beta, mean, variance] = ['gamma', 'beta', 'mean', 'variance'].map((n) => tf.tensor1d(inputs[n].data))
    const running = { mean: tf.variable(mean), variance: tf.variable(variance) }
    const of = tf.valueAndGrads((...given) => tf.relu(trainedNorm(tf, ...given, running)))
    const call = () => {
      const { value, grads } = of([x, gamma, beta], dy)
      const [dx, dgamma, dbeta] = grads
      return { y: value, dx, dgamma, dbeta, mean: tf.clone(running.mean), variance: tf.clone(running.variance) }
    }
    const read = { y: fromNhwc, dx: fromNhwc, dgamma: asIs, dbeta: asIs, mean: asIs, variance: asIs }
    return eager(tf, device, call, read)
  }

const families = { conv, loss, ece: calibration, norm, step: step(finished), inference }
