// Networks in jax-js: a training step is one jitted function of parameters, velocities and running statistics; frozen
// networks have their batch norm folded into the convolutions. `.ref` wherever an array is used again.
import { EPS, folded, forward, MOMENTUM, weightsOf } from '../resnet.js'

export const arrayOf = (jax, { data, shape }) => jax.numpy.array(data, { shape })

const arraysOf = (jax, weights) =>
  Object.fromEntries(Object.entries(weights).map(([name, value]) => [name, arrayOf(jax, value)]))

/** The labels as rows of 0 and 1. */
export function targetsOf(jax, { data }, classes) {
  const hot = new Float32Array(data.length * classes)
  for (const [row, label] of data.entries()) hot[row * classes + label] = 1
  return jax.numpy.array(hot, { shape: [data.length, classes] })
}

/** Half the cross-entropy and half T² KL of the teacher; without a teacher the cross-entropy alone. */
export function distillation({ numpy: np, nn }, logits, targets, { teacher, temperature }) {
  const n = logits.shape[0]
  const ce = np.sum(targets.mul(nn.logSoftmax(logits.ref))).mul(-1 / n)
  if (!teacher) {
    logits.dispose()
    return ce
  }
  const soft = teacher.mul(1 / temperature)
  const ratios = nn.logSoftmax(soft.ref).sub(nn.logSoftmax(logits.mul(1 / temperature)))
  const kl = np.sum(nn.softmax(soft).mul(ratios)).mul(temperature ** 2 / n)
  return ce.add(kl).mul(0.5)
}

/** Batch norm in training: [y, running mean, running variance], both moved as PyTorch's are. */
export function trainedNorm({ numpy: np, lax }, x, gamma, beta, running) {
  const [n, c, h, w] = x.shape
  const count = n * h * w
  const axes = [0, 2, 3]
  const mean = np.mean(x.ref, axes)
  const centred = x.sub(mean.ref.reshape([1, c, 1, 1]))
  const variance = np.mean(np.square(centred.ref), axes)
  const move = (old, value) => old.mul(1 - MOMENTUM).add(lax.stopGradient(value).mul(MOMENTUM))
  const moved = [move(running.mean, mean), move(running.variance, variance.ref.mul(count / (count - 1)))]
  const scale = gamma.mul(np.reciprocal(np.sqrt(variance.add(EPS))))
  return [centred.mul(scale.reshape([1, c, 1, 1])).add(beta.reshape([1, c, 1, 1])), ...moved]
}

function convolve(jax, x, w, { kernel, stride }) {
  const pad = kernel === 3 ? [1, 1] : [0, 0]
  return jax.lax.conv(x, w, [stride, stride], [pad, pad])
}

const headOf =
  ({ numpy: np }, weights) =>
  (x) =>
    np.matmul(np.mean(x, [2, 3]), np.transpose(weights['fc.weight'].ref)).add(weights['fc.bias'].ref)

const keep = (x) => x.ref

/** The logits of a frozen network with folded weights; the weights are kept. */
function frozen(jax, config, weights, x) {
  const unit = (input, layer, { relu, residual }) => {
    const bias = weights[`${layer.conv}.bias`].ref.reshape([1, layer.to, 1, 1])
    const y = convolve(jax, input, weights[`${layer.conv}.weight`].ref, layer).add(bias)
    if (residual) return jax.nn.relu(y.add(residual))
    return relu ? jax.nn.relu(y) : y
  }
  return forward(config, x, { unit, head: headOf(jax, weights), keep })
}

/** Logits of a network in training, and its moved running statistics. */
function trained(jax, config, weights, running, x) {
  const moved = {}
  const unit = (input, { conv, norm, ...layer }, { relu, residual }) => {
    const [means, variances] = [`${norm}.running_mean`, `${norm}.running_var`]
    const statistics = { mean: running[means], variance: running[variances] }
    const y = convolve(jax, input, weights[`${conv}.weight`].ref, layer)
    const affine = [weights[`${norm}.weight`].ref, weights[`${norm}.bias`].ref]
    const [z, mean, variance] = trainedNorm(jax, y, ...affine, statistics)
    Object.assign(moved, { [means]: mean, [variances]: variance })
    if (residual) return jax.nn.relu(z.add(residual))
    return relu ? jax.nn.relu(z) : z
  }
  return { logits: forward(config, x, { unit, head: headOf(jax, weights), keep }), moved }
}

export const step = (jax) => (spec) => {
  const { inputs, student, temperature, learningRate, momentum } = spec
  const all = weightsOf(inputs, 'student')
  const part = (running) => Object.entries(all).filter(([name]) => name.includes('running_') === running)
  const { tree, numpy: np } = jax
  let weights = arraysOf(jax, Object.fromEntries(part(false)))
  let running = arraysOf(jax, Object.fromEntries(part(true)))
  let velocity = tree.map((each) => np.zeros(each.shape), weights)
  const fixed = { x: arrayOf(jax, inputs.x), targets: targetsOf(jax, inputs.labels, student.classes) }
  if (spec.teacher) {
    fixed.xTeacher = arrayOf(jax, inputs.xTeacher)
    fixed.teacher = arraysOf(jax, folded(spec.teacher, weightsOf(inputs, 'teacher')))
  }
  const update = jax.jit((weights, velocity, running, { x, targets, xTeacher, teacher }) => {
    const soft = teacher && frozen(jax, spec.teacher, teacher, xTeacher)
    const of = (leaves) => {
      const { logits, moved } = trained(jax, student, leaves, running, x)
      tree.dispose(leaves)
      return [distillation(jax, logits, targets, { teacher: soft, temperature }), moved]
    }
    const [[loss, moved], gradients] = jax.valueAndGrad(of, { hasAux: true })(tree.ref(weights))
    const faster = tree.map((v, g) => v.mul(momentum).add(g), velocity, gradients)
    const next = tree.map((w, v) => w.sub(v.mul(learningRate)), weights, tree.ref(faster))
    tree.dispose(teacher)
    return [loss, next, faster, moved]
  })
  const next = async () => {
    const [loss, ...state] = update(weights, velocity, running, tree.ref(fixed))
    ;[weights, velocity, running] = state
    // Dispatches the whole step, and lets the host wait as training loops do that print their loss.
    return (await loss.data())[0]
  }
  return {
    async outputs() {
      const losses = []
      while (losses.length < spec.compared) losses.push(await next())
      return { losses }
    },
    async run(calls) {
      for (let i = 0; i < calls; i++) await next()
    },
    end() {
      update.dispose()
      tree.dispose([weights, velocity, running, fixed])
    },
  }
}

export const inference =
  (jax) =>
  ({ network, inputs }) => {
    const weights = arraysOf(jax, folded(network, weightsOf(inputs, 'network')))
    const run = jax.jit((given, x) => {
      const logits = frozen(jax, network, given, x)
      jax.tree.dispose(given)
      return logits
    })
    const one = () => run(jax.tree.ref(weights), arrayOf(jax, inputs.x)).data()
    return {
      outputs: async () => ({ logits: await one() }),
      async run(calls) {
        for (let i = 0; i < calls; i++) await one()
      },
      end() {
        run.dispose()
        jax.tree.dispose(weights)
      },
    }
  }
