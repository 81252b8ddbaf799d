// Reads ONNX models, apart from the code that writes them: by the field numbers of onnx.proto3. Throws for other fields.
import { type Field, fields, text, viewOf } from './protobuf.ts'

export interface ReadNode {
  op: string
  name: string
  inputs: string[]
  outputs: string[]
  attributes: Record<string, number | number[]>
}

export interface ReadValue {
  name: string
  type: number
  shape: (number | string)[]
  about: string
}

export interface ReadModel {
  ir: number
  opset: number
  producer: string
  metadata: Record<string, string>
  name: string
  about: string
  nodes: ReadNode[]
  constants: Map<string, { shape: number[]; data: Float32Array | BigInt64Array }>
  inputs: ReadValue[]
  outputs: ReadValue[]
}

/** Every field's values by number, those of `known` alone. */
function read(what: string, data: Field[1], known: readonly number[]): (field: number) => Field[1][] {
  const found = [...fields(data as Uint8Array)]
  const strange = found.find(([number]) => !known.includes(number))
  if (strange) throw new Error(`field ${strange[0]} of a ${what}`)
  return (field) => found.filter(([number]) => number === field).map(([, value]) => value)
}
const one = (values: Field[1][]) => {
  if (values.length !== 1) throw new Error(`${values.length} values of a field that has one`)
  return values[0]
}

export function readOnnx(file: Uint8Array): ReadModel {
  // A Buffer's `slice` would be no copy.
  const model = read('Model', new Uint8Array(file), [1, 2, 3, 7, 8, 14])
  const opset = read('OperatorSet', one(model(8)), [1, 2])
  const graph = read('Graph', one(model(7)), [1, 2, 5, 10, 11, 12])
  const entries = model(14).map((entry) => read('StringStringEntry', entry, [1, 2]))
  return {
    ir: Number(one(model(1))),
    opset: Number(one(opset(2))),
    producer: `${text(one(model(2)))} ${text(one(model(3)))}`,
    metadata: Object.fromEntries(entries.map((entry) => [text(one(entry(1))), text(one(entry(2)))])),
    name: text(one(graph(2))),
    about: text(one(graph(10))),
    nodes: graph(1).map(nodeIn),
    constants: new Map(graph(5).map(constantIn)),
    inputs: graph(11).map(valueIn),
    outputs: graph(12).map(valueIn),
  }
}

function nodeIn(data: Field[1]): ReadNode {
  const node = read('Node', data, [1, 2, 3, 4, 5])
  return {
    op: text(one(node(4))),
    name: text(one(node(3))),
    inputs: node(1).map(text),
    outputs: node(2).map(text),
    attributes: Object.fromEntries(node(5).map(attributeIn)),
  }
}

function attributeIn(data: Field[1]): [string, number | number[]] {
  const attribute = read('Attribute', data, [1, 2, 3, 8, 20])
  const name = text(one(attribute(1)))
  const type = Number(one(attribute(20)))
  if (type === 1) return [name, viewOf(one(attribute(2))).getFloat32(0, true)]
  if (type === 2) return [name, Number(one(attribute(3)))]
  if (type === 7) return [name, attribute(8).map(Number)]
  throw new Error(`type ${type} of attribute ${name}`)
}

function constantIn(data: Field[1]): [string, { shape: number[]; data: Float32Array | BigInt64Array }] {
  const tensor = read('Tensor', data, [1, 2, 8, 9])
  const { buffer } = one(tensor(9)) as Uint8Array<ArrayBuffer>
  const type = Number(one(tensor(2)))
  if (type !== 1 && type !== 7) throw new Error(`type ${type} of a constant`)
  const values = type === 1 ? new Float32Array(buffer) : new BigInt64Array(buffer)
  const shape = tensor(1).map(Number)
  if (shape.reduce((a, b) => a * b, 1) !== values.length) throw new Error(`${values.length} values for [${shape}]`)
  return [text(one(tensor(8))), { shape, data: values }]
}

function valueIn(data: Field[1]): ReadValue {
  const value = read('ValueInfo', data, [1, 2, 3])
  const type = read('Type', one(value(2)), [1])
  const tensor = read('TypeTensor', one(type(1)), [1, 2])
  const sizes = read('TensorShape', one(tensor(2)), [1])(1).map((size) => read('Dimension', size, [1, 2]))
  return {
    name: text(one(value(1))),
    type: Number(one(tensor(1))),
    shape: sizes.map((size) => (size(1).length ? Number(one(size(1))) : text(one(size(2))))),
    about: text(one(value(3))),
  }
}
