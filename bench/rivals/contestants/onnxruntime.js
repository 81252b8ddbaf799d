// ONNX Runtime on the processor: what can be had as a graph without training.
import { readFileSync } from 'node:fs'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { weightsOf } from '../resnet.js'
import { model, node } from './onnx.js'

export async function open({ threads, engine }) {
  const manifest = new URL('../node_modules/onnxruntime-node/package.json', import.meta.url)
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'))
  const settings = { intraOpNumThreads: threads, interOpNumThreads: 1, logSeverityLevel: 3 }
  const { onnxModel } = await import(engine)
  const tools = { onnxModel, session: (bytes) => InferenceSession.create(bytes, settings) }
  return {
    about: `onnxruntime-node ${version}, CPU, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    lacks: ({ pass }) => (pass === 'dW' ? 'it has no weight gradient' : undefined),
    families: Object.fromEntries(Object.entries(families).map(([name, make]) => [name, make(tools)])),
  }
}

const tensorOf = ({ data, shape }) =>
  data instanceof Float32Array
    ? new Tensor('float32', data, shape)
    : new Tensor('int64', BigInt64Array.from(data, BigInt), shape)

async function graph({ session }, { inputs, ...rest }, outputs) {
  const typed = Object.entries(inputs).map(([name, { shape, data }]) => [
    name,
    { shape, type: data instanceof Float32Array ? 'f32' : 'i64' },
  ])
  return work(
    await session(model({ ...rest, inputs: Object.fromEntries(typed), outputs })),
    inputs,
    Object.keys(outputs),
  )
}

function work(session, inputs, wanted) {
  const given = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, tensorOf(value)]))
  return {
    async outputs() {
      const results = await session.run(given, wanted)
      return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data]))
    },
    async run(calls) {
      for (let i = 0; i < calls; i++) await session.run(given, wanted)
    },
    end: () => session.release(),
  }
}

const conv =
  (tools) =>
  ({ pass, inputs }) => {
    const { x, w, dy } = inputs
    const pads = [1, 1, 1, 1]
    if (pass === 'forward') {
      const nodes = [node('Conv', ['x', 'w'], 'y', { pads })]
      return graph(tools, { nodes, inputs: { x }, constants: { w } }, { y: { shape: dy.shape } })
    }
    const nodes = [node('ConvTranspose', ['dy', 'w'], 'dx', { pads })]
    return graph(tools, { nodes, inputs: { dy }, constants: { w } }, { dx: { shape: x.shape } })
  }

const scalar = (value) => ({ shape: [], data: Float32Array.of(value) })

const calibration =
  (tools) =>
  ({ bins, inputs }) => {
    const [n] = inputs.logits.shape
    const constants = {
      bins: scalar(bins),
      one: scalar(1),
      zero: scalar(0),
      last: scalar(bins - 1),
      n: scalar(n),
      depth: { shape: [], data: BigInt64Array.of(BigInt(bins)) },
      values: { shape: [2], data: Float32Array.of(0, 1) },
      row: { shape: [2], data: BigInt64Array.of(1n, BigInt(n)) },
    }
    const nodes = [
      node('Softmax', ['logits'], 'p', { axis: 1 }),
      node('ReduceMax', ['p'], 'confidence', { axes: [1], keepdims: 0 }),
      node('ArgMax', ['logits'], 'best', { axis: 1, keepdims: 0 }),
      node('Equal', ['best', 'labels'], 'hit'),
      node('Cast', ['hit'], 'correct', { to: 1 }),
      node('Mul', ['confidence', 'bins'], 'scaled'),
      node('Ceil', ['scaled'], 'above'),
      node('Sub', ['above', 'one'], 'place'),
      node('Clip', ['place', 'zero', 'last'], 'within'),
      node('Cast', ['within'], 'bin', { to: 7 }),
      node('OneHot', ['bin', 'depth', 'values'], 'hot', { axis: 1 }),
      node('Sub', ['confidence', 'correct'], 'off'),
      node('Reshape', ['off', 'row'], 'gap'),
      node('MatMul', ['gap', 'hot'], 'gaps'),
      node('Abs', ['gaps'], 'sizes'),
      node('ReduceSum', ['sizes'], 'sum', { keepdims: 0 }),
      node('Div', ['sum', 'n'], 'ece'),
    ]
    return graph(tools, { nodes, inputs, constants }, { ece: { shape: [] } })
  }

/** The model that a user of ours exports; ONNX Runtime folds its norms when it loads it. */
const inference =
  ({ session, onnxModel }) =>
  async ({ network, inputs }) => {
    const weights = new Map(Object.entries(weightsOf(inputs, 'network')))
    return work(await session(onnxModel(network, weights)), { pictures: inputs.x }, ['logits'])
  }

const families = { conv, ece: calibration, inference }
