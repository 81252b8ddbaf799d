// jax-js: NCHW, every case one jitted function. An array is consumed by its use; `.ref` keeps it for another.
import { readFileSync } from 'node:fs'
import { prepareWebgpu } from '../webgpu.js'
import { arrayOf, distillation, inference, step, targetsOf, trainedNorm } from './jax-network.js'

export async function open({ engine, adapter }) {
  const { errors, onAdapter } = await prepareWebgpu({ engine, adapter })
  const jax = await import('@jax-js/jax')
  const devices = await jax.init('webgpu')
  if (!devices.includes('webgpu')) throw new Error('it finds no WebGPU')
  jax.defaultDevice('webgpu')
  const device = jax.getWebGPUDevice()
  const manifest = new URL('node_modules/@jax-js/jax/package.json', new URL('../', import.meta.url))
  return {
    about: `jax-js ${JSON.parse(readFileSync(manifest, 'utf8')).version}`,
    adapter: onAdapter.name,
    errors,
    settle: () => device.queue.onSubmittedWorkDone(),
    families: Object.fromEntries(Object.entries(families).map(([name, make]) => [name, make(jax)])),
  }
}

/** `work` takes the arrays of `given` and returns the results in the order of `names`. */
function jitted(jax, names, given, work) {
  const compiled = jax.jit(work)
  const call = () => [compiled(...given.map((each) => each.ref))].flat()
  return {
    async outputs() {
      const made = call()
      const values = {}
      for (const [i, name] of names.entries()) values[name] = await made[i].data()
      return values
    },
    async run(calls) {
      // Nothing is dispatched before somebody waits, and what is disposed before that is never computed. Everything of
      // a call is dispatched with its first result.
      const made = Array.from({ length: calls }, call)
      await jax.blockUntilReady(made.map(([first]) => first))
      jax.tree.dispose(made)
    },
    end() {
      compiled.dispose()
      jax.tree.dispose(given)
    },
  }
}

const conv =
  (jax) =>
  ({ pass, inputs }) => {
    const [x, w, dy] = ['x', 'w', 'dy'].map((name) => arrayOf(jax, inputs[name]))
    const forward = (input, weight) =>
      jax.lax.conv(
        input,
        weight,
        [1, 1],
        [
          [1, 1],
          [1, 1],
        ],
      )
    if (pass === 'forward') return jitted(jax, ['y'], [x, w], forward)
    const toX = pass === 'dX'
    // The forward pass is traced, and dropped because nobody uses its result.
    const work = (input, weight, upstream) => {
      const of = toX ? (leaf) => forward(leaf, weight) : (leaf) => forward(input, leaf)
      const [y, gradient] = jax.vjp(of, [toX ? input : weight])
      y.dispose()
      return gradient(upstream)
    }
    return jitted(jax, [toX ? 'dx' : 'dw'], [x, w, dy], work)
  }

const loss =
  (jax) =>
  ({ temperature, inputs }) => {
    const [student, teacher] = [arrayOf(jax, inputs.student), arrayOf(jax, inputs.teacher)]
    const targets = targetsOf(jax, inputs.labels, inputs.student.shape[1])
    const work = (logits, soft, hot) => {
      const of = (leaf) => distillation(jax, leaf, hot, { teacher: soft, temperature })
      const [value, gradient] = jax.valueAndGrad(of)(logits)
      return [value, gradient]
    }
    return jitted(jax, ['loss', 'gradient'], [student, teacher, targets], work)
  }

const calibration =
  (jax) =>
  ({ bins, inputs }) => {
    const { numpy: np, nn } = jax
    const [n] = inputs.logits.shape
    const labels = np.array(Int32Array.from(inputs.labels.data))
    const work = (logits, truth) => {
      const confidence = np.max(nn.softmax(logits.ref), 1)
      const correct = np.equal(np.argmax(logits, 1), truth).astype(np.float32)
      const bin = np.clip(np.ceil(confidence.ref.mul(bins)).sub(1), 0, bins - 1)
      const hot = nn.oneHot(bin.astype(np.int32), bins)
      const gaps = np.sum(hot.mul(confidence.sub(correct).reshape([n, 1])), 0)
      return [np.sum(np.abs(gaps)).mul(1 / n)]
    }
    return jitted(jax, ['ece'], [arrayOf(jax, inputs.logits), labels], work)
  }

const norm =
  (jax) =>
  ({ inputs }) => {
    const names = ['x', 'gamma', 'beta', 'mean', 'variance', 'dy']
    const work = (x, gamma, beta, mean, variance, dy) => {
      const of = (...leaves) => {
        const [y, ...moved] = trainedNorm(jax, ...leaves, { mean, variance })
        return [jax.nn.relu(y), moved]
      }
      const [y, gradient, moved] = jax.vjp(of, [x, gamma, beta], { hasAux: true })
      return [y, ...gradient(dy), ...moved]
    }
    const results = ['y', 'dx', 'dgamma', 'dbeta', 'mean', 'variance']
    return jitted(
      jax,
      results,
      names.map((name) => arrayOf(jax, inputs[name])),
      work,
    )
  }

const families = { conv, loss, ece: calibration, norm, step, inference }
