// jax-js: NCHW, every case one jitted function. An array is consumed by its use; `.ref` keeps it for another.
import { readFileSync } from 'node:fs'
import { prepareWebgpu } from '../webgpu.js'

export async function open({ engine, adapter }) {
  const { errors } = await prepareWebgpu({ engine, adapter })
  const jax = await import('@jax-js/jax')
  const devices = await jax.init('webgpu')
  if (!devices.includes('webgpu')) throw new Error('it finds no WebGPU')
  jax.defaultDevice('webgpu')
  const device = jax.getWebGPUDevice()
  const manifest = new URL('node_modules/@jax-js/jax/package.json', new URL('../', import.meta.url))
  return {
    about: `jax-js ${JSON.parse(readFileSync(manifest, 'utf8')).version}`,
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

const arrayOf = (jax, { data, shape }) => jax.numpy.array(data, { shape })

const conv =
  (jax) =>
  ({ pass, inputs }) => {
    const [x, w, dy] = ['x', 'w', 'dy'].map((name) => arrayOf(jax, inputs[name]))
    const forward = (input, weight) =>
      jax.lax.conv(input, weight, [1, 1], [
        [1, 1],
        [1, 1],
      ])
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

const families = { conv }
