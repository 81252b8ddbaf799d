// ONNX models, https://onnx.ai: a graph of named operations with its constants, for other runtimes. Field numbers are
// those of onnx.proto3, IR version 8, and operations those of opset 17.
import { InputError } from '../errors.ts'
import { bytes, float, integer, join, text } from './protobuf.ts'

/** One operation; its attributes are whole numbers, lists of them, or `{ float }`. */
export interface OnnxNode {
  op: string
  inputs: readonly string[]
  output: string
  attributes: Record<string, number | readonly number[] | { float: number }>
}

export interface OnnxConstant {
  shape: readonly number[]
  /** Row-major; 64-bit integers where an operation asks for places or sizes. */
  data: Float32Array | BigInt64Array
}

/** What goes in or comes out, float32; a dimension with a name is of any size. */
export interface OnnxValue {
  name: string
  shape: readonly (number | string)[]
  about: string
}

export interface OnnxGraph {
  name: string
  about: string
  version: string
  nodes: readonly OnnxNode[]
  constants: ReadonlyMap<string, OnnxConstant>
  inputs: readonly OnnxValue[]
  outputs: readonly OnnxValue[]
  metadata: Record<string, string>
}

/** That of protobuf messages. */
const MOST_BYTES = 2 ** 31 - 1
const FLOAT = 1
const INT64 = 7

/** The bytes of a model. Throws InputError for more weights than a file of the format holds, 2 GiB. */
export function writeOnnx({
  name,
  about,
  version,
  nodes,
  constants,
  inputs,
  outputs,
  metadata,
}: OnnxGraph): Uint8Array {
  const weights = [...constants.values()].reduce((sum, { data }) => sum + data.byteLength, 0)
  if (weights > MOST_BYTES) throw new InputError(`onnx: ${weights} bytes of weights, a model holds ${MOST_BYTES}`)
  const graph = [
    ...nodes.map((node) => bytes(1, nodeOf(node))),
    text(2, name),
    ...Array.from(constants, ([key, constant]) => bytes(5, tensorOf(key, constant))),
    text(10, about),
    ...inputs.map((value) => bytes(11, describe(value))),
    ...outputs.map((value) => bytes(12, describe(value))),
  ]
  return join(
    ...[integer(1, 8), text(2, 'webgpu-distill'), text(3, version), bytes(7, join(...graph))],
    bytes(8, join(text(1, ''), integer(2, 17))),
    ...Object.entries(metadata).map(([key, value]) => bytes(14, join(text(1, key), text(2, value)))),
  )
}

function nodeOf({ op, inputs, output, attributes }: OnnxNode): Uint8Array {
  const given = Object.entries(attributes).map(([name, value]) => bytes(5, attributeOf(name, value)))
  return join(...inputs.map((name) => text(1, name)), text(2, output), text(3, output), text(4, op), ...given)
}

function attributeOf(name: string, value: OnnxNode['attributes'][string]): Uint8Array {
  if (typeof value === 'number') return join(text(1, name), integer(3, value), integer(20, 2))
  if ('float' in value) return join(text(1, name), float(2, value.float), integer(20, 1))
  return join(text(1, name), ...value.map((each) => integer(8, each)), integer(20, 7))
}

function tensorOf(name: string, { shape, data }: OnnxConstant): Uint8Array {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const type = data instanceof Float32Array ? FLOAT : INT64
  return join(...shape.map((size) => integer(1, size)), integer(2, type), text(8, name), bytes(9, raw))
}

function describe({ name, shape, about }: OnnxValue): Uint8Array {
  const sizes = shape.map((size) => bytes(1, typeof size === 'number' ? integer(1, size) : text(2, size)))
  const tensor = join(integer(1, FLOAT), bytes(2, join(...sizes)))
  return join(text(1, name), bytes(2, bytes(1, tensor)), text(3, about))
}
