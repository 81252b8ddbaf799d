// This engine, as a user has it: the built package, recorded steps.
import { prepareWebgpu } from '../webgpu.js'

export async function open({ engine: entry, adapter, version }) {
  const { ours, errors } = await prepareWebgpu({ engine: entry, adapter })
  const engine = await ours.init({ adapter, fetchLavapipe: true })
  // Waiting is calm.js's business here, for every contestant.
  engine.gpu.calm = (promise) => promise
  const { device } = engine.gpu
  return {
    about: `webgpu-distill ${version} on ${engine.info.adapter}`,
    errors,
    settle: () => settle(device),
    families: Object.fromEntries(Object.entries(families).map(([name, make]) => [name, make(ours, engine)])),
  }
}

/** Gives errors that are on their way the time to arrive. */
async function settle(device) {
  device.pushErrorScope('validation')
  await device.popErrorScope()
}

/** What the driver asks of a case, for work that can be recorded. `read` gives the results of the last call. */
function captured(engine, record, read) {
  const step = engine.capture('case', record)
  return {
    async outputs() {
      await step.compile()
      step.run()
      return read(step.outputs)
    },
    async run(calls) {
      for (let i = 0; i < calls; i++) step.run()
      await engine.settled()
    },
    end: () => step.release(),
  }
}

const readAll = async (tensors) => {
  const values = {}
  for (const [name, tensor] of Object.entries(tensors)) values[name] = await tensor.read()
  return values
}

const conv =
  ({ conv2d, backward }, engine) =>
  ({ pass, inputs }) => {
    const { x, w, dy } = inputs
    const picture = ({ data, shape }, requiresGrad) => engine.tensor(data, shape, { layout: 'chwn', requiresGrad })
    if (pass === 'forward') {
      const [input, weight] = [picture(x, false), engine.tensor(w.data, w.shape)]
      return captured(engine, () => ({ y: conv2d(input, weight, null, { padding: 1 }) }), readAll)
    }
    // The forward pass runs once, here; what is timed is the backward pass towards one of the two.
    const toX = pass === 'dX'
    const input = picture(x, toX)
    const weight = engine.tensor(w.data, w.shape, { requiresGrad: !toX })
    const y = conv2d(input, weight, null, { padding: 1 })
    const upstream = picture(dy, false)
    const leaf = toX ? input : weight
    const record = () => {
      leaf.gradEmpty = true
      backward(y, upstream, { retain: true })
      return { [toX ? 'dx' : 'dw']: leaf.grad }
    }
    return captured(engine, record, readAll)
  }

const families = { conv }
