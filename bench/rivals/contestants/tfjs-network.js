// Networks in TensorFlow.js: training as tf.layers does it (moments, batchNorm, a momentum optimizer), frozen networks as
// a careful user runs them, batch norm folded into fused convolutions.
import { EPS, folded, forward, MOMENTUM, weightsOf } from '../resnet.js'
import { toHwio, toNhwc } from './layouts.js'

export const pictureOf = (tf, { data, shape: [n, c, h, w] }) => tf.tensor4d(toNhwc(data, [n, c, h, w]), [n, h, w, c])
export const filterOf = (tf, { data, shape: [k, c, h, w] }) => tf.tensor4d(toHwio(data, [k, c, h, w]), [h, w, c, k])

/** The labels as rows of 0 and 1. */
export const targetsOf = (tf, { data }, classes) =>
  tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(Int32Array.from(data), 'int32'), classes), 'float32'))

/** Half the cross-entropy and half T² KL of the teacher; without a teacher the cross-entropy alone. */
export function distillation(tf, logits, targets, { teacher, temperature }) {
  const n = logits.shape[0]
  const ce = tf.neg(tf.sum(tf.mul(targets, tf.logSoftmax(logits))))
  if (!teacher) return tf.div(ce, n)
  const soft = tf.div(teacher, temperature)
  const ratios = tf.sub(tf.logSoftmax(soft), tf.logSoftmax(tf.div(logits, temperature)))
  const kl = tf.sum(tf.mul(tf.softmax(soft), ratios))
  return tf.mul(tf.add(ce, tf.mul(kl, temperature ** 2)), 0.5 / n)
}

/** Batch norm in training; the running statistics move as PyTorch's do. */
export function trainedNorm(tf, x, gamma, beta, running) {
  const { mean, variance } = tf.moments(x, [0, 1, 2])
  const count = x.size / x.shape[3]
  const move = (variable, value) => variable.assign(tf.add(tf.mul(variable, 1 - MOMENTUM), tf.mul(value, MOMENTUM)))
  move(running.mean, mean)
  move(running.variance, tf.mul(variance, count / (count - 1)))
  return tf.batchNorm(x, mean, variance, beta, gamma, EPS)
}

const padding = ({ kernel }) => (kernel === 3 ? 1 : 0)

function trainable(tf, weights) {
  const variables = {}
  for (const [name, { data, shape }] of Object.entries(weights)) {
    const value = shape.length === 4 ? filterOf(tf, { data, shape }) : tf.tensor(data, shape)
    variables[name] = tf.variable(value, !name.includes('running'))
  }
  return variables
}

const headOf = (tf, weights) => (x) =>
  tf.add(tf.matMul(tf.mean(x, [1, 2]), weights['fc.weight'], false, true), weights['fc.bias'])

const trainedUnit =
  (tf, variables) =>
  (x, layer, { relu, residual }) => {
    const of = (part) => variables[`${layer.norm}.${part}`]
    const y = tf.conv2d(x, variables[`${layer.conv}.weight`], layer.stride, padding(layer))
    const running = { mean: of('running_mean'), variance: of('running_var') }
    const z = trainedNorm(tf, y, of('weight'), of('bias'), running)
    if (residual) return tf.relu(tf.add(z, residual))
    return relu ? tf.relu(z) : z
  }

/** A frozen network as a function of pictures. */
function frozen(tf, config, weights) {
  const ready = {}
  for (const [name, { data, shape }] of Object.entries(folded(config, weights)))
    ready[name] = shape.length === 4 ? filterOf(tf, { data, shape }) : tf.tensor(data, shape)
  const unit = (x, layer, { relu, residual }) => {
    const [filter, bias] = [ready[`${layer.conv}.weight`], ready[`${layer.conv}.bias`]]
    const activation = relu ? 'relu' : 'linear'
    const y = tf.fused.conv2d({ x, filter, strides: layer.stride, pad: padding(layer), bias, activation })
    return residual ? tf.relu(tf.add(y, residual)) : y
  }
  return (x) => forward(config, x, { unit, head: headOf(tf, ready) })
}

export const step = (finished) => (tf, device) => (spec) => {
  const { inputs, temperature, student } = spec
  const variables = trainable(tf, weightsOf(inputs, 'student'))
  const teacher = spec.teacher && frozen(tf, spec.teacher, weightsOf(inputs, 'teacher'))
  const [x, xTeacher] = [pictureOf(tf, inputs.x), teacher && pictureOf(tf, inputs.xTeacher)]
  const targets = targetsOf(tf, inputs.labels, student.classes)
  const optimizer = tf.train.momentum(spec.learningRate, spec.momentum)
  const trained = Object.values(variables).filter((variable) => variable.trainable)
  const next = () =>
    tf.tidy(() => {
      const soft = teacher?.(xTeacher)
      const lossOf = () => {
        const logits = forward(student, x, { unit: trainedUnit(tf, variables), head: headOf(tf, variables) })
        return distillation(tf, logits, targets, { teacher: soft, temperature })
      }
      return optimizer.minimize(lossOf, true, trained)
    })
  return {
    async outputs() {
      const losses = []
      while (losses.length < spec.compared) {
        const loss = next()
        losses.push((await loss.data())[0])
        loss.dispose()
      }
      return { losses }
    },
    async run(calls) {
      for (let i = 0; i < calls; i++) next().dispose()
      await finished(tf, device)
    },
    end() {
      optimizer.dispose()
      tf.disposeVariables()
    },
  }
}

export const inference =
  (tf) =>
  ({ network, inputs }) => {
    const run = frozen(tf, network, weightsOf(inputs, 'network'))
    const one = async () => {
      const logits = tf.tidy(() => run(pictureOf(tf, inputs.x)))
      const values = await logits.data()
      logits.dispose()
      return values
    }
    return {
      outputs: async () => ({ logits: await one() }),
      async run(calls) {
        for (let i = 0; i < calls; i++) await one()
      },
    }
  }
