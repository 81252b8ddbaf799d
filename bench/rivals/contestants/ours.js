// This engine, as a user has it: the built package, recorded steps.
import { waitCalmly } from '../calm.js'
import { weightsOf } from '../resnet.js'
import { prepareWebgpu } from '../webgpu.js'

export async function open({ engine: entry, adapter, version, subgroups, ownWaiting }) {
  const { ours, globals, errors } = await prepareWebgpu({ engine: entry, adapter })
  const engine = await ours.init({ adapter, fetchLavapipe: true, subgroups })
  if (!ownWaiting) {
    // Waiting is calm.js's business here, for every contestant: the engine does not sleep on a timer beforehand.
    waitCalmly(globals, engine.gpu.calm)
    engine.gpu.calm = null
  }
  const { device } = engine.gpu
  return {
    about: `webgpu-distill ${version}${subgroups ? '' : ', without subgroups'}${ownWaiting ? ', its own waiting' : ''}`,
    adapter: engine.info.adapter,
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

const loss =
  ({ distillLoss }, engine) =>
  ({ temperature, inputs }) => {
    const student = engine.tensor(inputs.student.data, inputs.student.shape)
    const teacher = engine.tensor(inputs.teacher.data, inputs.teacher.shape)
    const labels = engine.tensor(inputs.labels.data, inputs.labels.shape, { dtype: 'u32' })
    const edges = [{ logits: teacher, temperature, weight: 0.5 }]
    // The loss computes its gradient in the same sweep and hands it out; backward would copy it into a leaf's `grad`.
    const record = () => {
      const { loss, gradient } = distillLoss(student, { labels, ceWeight: 0.5, edges, gradient: true })
      return { loss, gradient }
    }
    return captured(engine, record, readAll)
  }

const calibration =
  ({ ece }, engine) =>
  ({ bins, inputs }) => {
    const logits = engine.tensor(inputs.logits.data, inputs.logits.shape)
    const labels = engine.tensor(inputs.labels.data, inputs.labels.shape, { dtype: 'u32' })
    const read = async ({ errors }) => ({ ece: (await errors.read()).subarray(0, 1) })
    return captured(engine, () => ece({ logits, labels }, { bins }), read)
  }

const norm =
  ({ backward, batchNorm }, engine) =>
  ({ inputs }) => {
    const leaf = ({ data, shape }, layout = 'row') => engine.tensor(data, shape, { layout, requiresGrad: true })
    const [x, gamma, beta] = [leaf(inputs.x, 'chwn'), leaf(inputs.gamma), leaf(inputs.beta)]
    const fixed = ({ data, shape }, layout) => engine.tensor(data, shape, { layout })
    const [runningMean, runningVar, dy] = [fixed(inputs.mean), fixed(inputs.variance), fixed(inputs.dy, 'chwn')]
    const record = () => {
      for (const each of [x, gamma, beta]) each.gradEmpty = true
      const y = batchNorm(x, { gamma, beta, runningMean, runningVar }, { train: true, relu: true })
      backward(y, dy)
      return { y, dx: x.grad, dgamma: gamma.grad, dbeta: beta.grad, mean: runningMean, variance: runningVar }
    }
    return captured(engine, record, readAll)
  }

/** A network of the engine's own with the weights that everybody has. */
function networkOf({ assign, resnet, stream }, engine, config, weights) {
  const network = resnet(engine.gpu, config, stream(0, 'unused'))
  for (const [name, { data }] of Object.entries(weights)) assign(network.parameters.get(name), data)
  return network
}

const step = (ours, engine) => (spec) => {
  const { inputs, temperature, learningRate, momentum } = spec
  const picture = ({ data, shape }) => engine.tensor(data, shape, { layout: 'chwn' })
  const student = networkOf(ours, engine, spec.student, weightsOf(inputs, 'student'))
  const teacher = spec.teacher && networkOf(ours, engine, spec.teacher, weightsOf(inputs, 'teacher'))
  const [x, xTeacher] = [picture(inputs.x), teacher && picture(inputs.xTeacher)]
  const labels = engine.tensor(inputs.labels.data, inputs.labels.shape, { dtype: 'u32' })
  const optimizer = ours.sgd(student.parameters.flat, { lr: learningRate, momentum })
  const folded = teacher?.fold()
  const trained = engine.capture('step', () => {
    const options = { labels }
    if (teacher) {
      const logits = engine.noGrad(() => teacher.forward(xTeacher, { train: false, folded }))
      Object.assign(options, { ceWeight: 0.5, edges: [{ logits, temperature, weight: 0.5 }] })
    }
    const { loss } = ours.distillLoss(student.forward(x, { train: true }), options)
    student.parameters.zeroGrad()
    ours.backward(loss)
    optimizer.step()
    return loss
  })
  let done = 0
  const next = () => {
    optimizer.advance(++done)
    trained.run()
  }
  return {
    async outputs() {
      await trained.compile()
      const losses = []
      while (losses.length < spec.compared) {
        next()
        losses.push(await trained.outputs.item())
      }
      return { losses }
    },
    async run(calls) {
      for (let i = 0; i < calls; i++) next()
      await engine.settled()
    },
    end: () => trained.release(),
  }
}

const inference =
  (ours, engine) =>
  ({ network: config, inputs }) => {
    const network = networkOf(ours, engine, config, weightsOf(inputs, 'network'))
    const { data, shape } = inputs.x
    const x = engine.tensor(data, shape, { layout: 'chwn' })
    const folded = network.fold()
    const step = engine.capture('picture', () => engine.noGrad(() => network.forward(x, { train: false, folded })))
    const one = () => {
      ours.assign(x, data)
      step.run()
      return step.outputs.read()
    }
    return {
      async outputs() {
        await step.compile()
        return { logits: await one() }
      },
      async run(calls) {
        for (let i = 0; i < calls; i++) await one()
      },
      end: () => step.release(),
    }
  }

const families = { conv, loss, ece: calibration, norm, step, inference }
