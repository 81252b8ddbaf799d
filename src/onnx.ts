// A residual network as an ONNX model, to run where other runtimes are. Constants keep the names of the parameters.
import { checkOptions, InputError, ShapeError } from './errors.ts'
import { type OnnxConstant, type OnnxNode, type OnnxValue, writeOnnx } from './io/onnx.ts'
import { type Architecture, architecture, type ResNetConfig, weightsOf } from './nn/architecture.ts'
import { featuresOf, type Operations } from './nn/forward.ts'
import { COSINE_SCALE } from './nn/resnet.ts'
import { BATCH_NORM_EPS } from './ops/batchNorm.ts'
import { type Shape, sameShape, showShape } from './tensor.ts'

export interface OnnxOptions {
  /** [height, width] of the pictures. Default: any. */
  size?: readonly [number, number]
  /** Then the model takes pixels from 0 to 1 and normalises them itself. Default: pictures as the network was given. */
  normalisation?: { mean: readonly number[]; std: readonly number[] } | null
  /** Of temperature scaling: probabilities are softmax(logits / temperature). Default 1. */
  temperature?: number
  /** What the model says of itself, besides. */
  metadata?: Record<string, string>
}

type State = ReadonlyMap<string, { shape: Shape; data: Float32Array }>

/**
 * The bytes of an ONNX model (opset 17, float32) of a network's configuration and weights, as `network.config` and
 * `await network.parameters.state()` have them. Input `pictures` [N, channels, H, W], outputs `logits` and
 * `probabilities` [N, classes], and `embedding` [N, d] of a network with such a head. Batch norm is left to itself:
 * runtimes fold it. Throws InputError for a missing weight, a temperature or deviation not above 0, a size that is none
 * and weights of 2 GiB and more, ShapeError for weights of another network.
 */
export function onnxModel(config: ResNetConfig, state: State, options: OnnxOptions = {}): Uint8Array {
  const { size, normalisation, temperature = 1, metadata = {} } = options
  const built = architecture(config)
  const { channels, classes, embedding } = built.config
  checkOptions('onnxModel', options, ['size', 'normalisation', 'temperature', 'metadata'])
  checkValues(options, channels)
  const graph = graphOf(state, built)
  const { node, numbers, weight } = graph

  let x = 'pictures'
  if (normalisation) {
    x = node('Sub', [x, numbers('mean', [channels, 1, 1], normalisation.mean)])
    x = node('Div', [x, numbers('std', [channels, 1, 1], normalisation.std)])
  }
  x = featuresOf(built, x, operationsIn(graph))
  if (embedding) {
    const along = node('MatMul', [x, node('Transpose', [weight('embedding.weight')], { perm: [1, 0] })])
    const unit = unitRows(graph, along, 'embedding')
    const centres = unitRows(graph, weight('fc.weight'))
    const cosines = node('MatMul', [unit, node('Transpose', [centres], { perm: [1, 0] })])
    node('Mul', [cosines, numbers('cosine_scale', [], [COSINE_SCALE])], {}, 'logits')
  } else {
    node('Gemm', [x, weight('fc.weight'), weight('fc.bias')], { transB: 1 }, 'logits')
  }
  const scaled = temperature === 1 ? 'logits' : node('Div', ['logits', numbers('temperature', [], [temperature])])
  node('Softmax', [scaled], { axis: 1 }, 'probabilities')

  const rows = (name: string, columns: number, about: string): OnnxValue => ({ name, shape: ['N', columns], about })
  const pixels = normalisation ? 'pixels from 0 to 1' : 'pixels normalised as for the training'
  return writeOnnx({
    name: 'network',
    about: `Residual network, depth ${config.depth}, ${classes} classes`,
    version: __VERSION__,
    nodes: graph.nodes,
    constants: graph.constants,
    inputs: [{ name: 'pictures', shape: ['N', channels, ...(size ?? ['height', 'width'])], about: pixels }],
    outputs: [
      rows('logits', classes, 'of the classes'),
      rows('probabilities', classes, `softmax of the logits${temperature === 1 ? '' : ` / ${temperature}`}`),
      ...(embedding ? [rows('embedding', embedding, 'of length 1')] : []),
    ],
    metadata,
  })
}

function checkValues({ size, normalisation, temperature = 1 }: OnnxOptions, channels: number): void {
  // As the float32 that it becomes.
  const isAbove0 = (x: number) => Math.fround(x) > 0 && Math.fround(x) < Number.POSITIVE_INFINITY
  if (!isAbove0(temperature)) throw new InputError(`onnxModel: temperature ${temperature}, needs a number above 0`)
  if (size && !(size.length === 2 && size.every((n) => Number.isInteger(n) && n > 0))) {
    throw new InputError(`onnxModel: size ${size}, needs height and width in pixels`)
  }
  for (const name of normalisation ? (['mean', 'std'] as const) : []) {
    const values = normalisation![name]
    if (values?.length !== channels) {
      throw new InputError(`onnxModel: ${name} of ${values?.length ?? 'no'} channels for a network of ${channels}`)
    }
    if (!values.every((x) => (name === 'std' ? isAbove0(x) : Number.isFinite(x)))) {
      throw new InputError(`onnxModel: ${name} ${values}`)
    }
  }
}

const NORM = ['weight', 'bias', 'running_mean', 'running_var']

/** A graph that grows: every method names what comes of it. */
function graphOf(state: State, built: Architecture) {
  const shapes = new Map(weightsOf(built).map(({ name, shape }) => [name, shape]))
  const nodes: OnnxNode[] = []
  const constants = new Map<string, OnnxConstant>()
  const constant = (name: string, value: OnnxConstant) => {
    constants.set(name, value)
    return name
  }
  return {
    nodes,
    constants,
    node(op: string, inputs: readonly string[], attributes: OnnxNode['attributes'] = {}, output?: string): string {
      const name = output ?? `${op}_${nodes.length}`
      nodes.push({ op, inputs, output: name, attributes })
      return name
    },
    numbers: (name: string, shape: Shape, values: ArrayLike<number>) =>
      constant(name, { shape, data: Float32Array.from(values) }),
    places: (name: string, values: readonly (number | bigint)[]) =>
      constant(name, { shape: [values.length], data: BigInt64Array.from(values, BigInt) }),
    weight(name: string): string {
      const found = state.get(name)
      if (!found) throw new InputError(`onnxModel: there is no weight '${name}'`)
      const shape = shapes.get(name)!
      if (!sameShape(found.shape, shape) || !(found.data instanceof Float32Array)) {
        const what = found.data instanceof Float32Array ? showShape(found.shape) : 'not float32'
        throw new ShapeError(`onnxModel: '${name}' is ${what}, the network has ${showShape(shape)}`)
      }
      return constant(name, found)
    },
  }
}
type Growing = ReturnType<typeof graphOf>

/** To ONNX: until the end of an axis. */
const LAST = 2n ** 63n - 1n

function operationsIn({ node, places, weight, nodes }: Growing): Operations<string> {
  const operations: Operations<string> = {
    convolve(name, x, kernel, stride) {
      const pad = (kernel - 1) / 2
      const sizes = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] }
      return node('Conv', [x, weight(`${name}.weight`)], sizes)
    },
    normalise(name, x, { relu, residual }) {
      const parts = NORM.map((part) => weight(`${name}.${part}`))
      const y = node('BatchNormalization', [x, ...parts], { epsilon: { float: BATCH_NORM_EPS } })
      if (residual !== undefined) return node('Relu', [node('Add', [y, residual])])
      return relu ? node('Relu', [y]) : y
    },
    layer: ({ conv, norm, kernel, stride }, x, after) =>
      operations.normalise(norm, operations.convolve(conv, x, kernel, stride), after),
    reshape(x, stride, missing) {
      const own = `shortcut_${nodes.length}`
      const [before, after] = [Math.floor(missing / 2), Math.ceil(missing / 2)]
      const pads = places(`${own}.pads`, [0, before, 0, 0, 0, after, 0, 0])
      if (stride === 1) return node('Pad', [x, pads])
      const bounds = { starts: [0, 0], ends: [LAST, LAST], axes: [2, 3], steps: [stride, stride] }
      const slice = Object.entries(bounds).map(([what, values]) => places(`${own}.${what}`, values))
      return node('Pad', [node('Slice', [x, ...slice]), pads])
    },
    maxPool: (x) => node('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
    pool: (x) => node('Flatten', [node('GlobalAveragePool', [x])]),
    add: (a, b) => node('Add', [a, b]),
  }
  return operations
}

/** x / ‖x‖ of every row; a row of zeros stays one. */
function unitRows({ node, numbers, places }: Growing, x: string, name?: string): string {
  const squares = node('ReduceSum', [node('Mul', [x, x]), places('columns', [1])], { keepdims: 1 })
  const length = node('Sqrt', [node('Add', [squares, numbers('tiny', [], [1e-24])])])
  return node('Div', [x, length], {}, name)
}
