// Writes ONNX models: just what the cases need of the format.

const TYPES = { f32: 1, i64: 7 }

function varint(value) {
  const bytes = []
  let rest = BigInt.asUintN(64, BigInt(value))
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0))
    rest >>= 7n
  } while (rest > 0n)
  return Buffer.from(bytes)
}

const number = (field, value) => Buffer.concat([varint(field << 3), varint(value)])
const bytes = (field, value) => Buffer.concat([varint((field << 3) | 2), varint(value.length), value])
const text = (field, value) => bytes(field, Buffer.from(value))
const message = (field, parts) => bytes(field, Buffer.concat(parts))

function float(field, value) {
  const four = Buffer.alloc(4)
  four.writeFloatLE(value)
  return Buffer.concat([varint((field << 3) | 5), four])
}

/** A whole number, a list of them, or { float }. */
function attribute(name, value) {
  const given = () => {
    if (Array.isArray(value)) return [...value.map((each) => number(8, each)), number(20, 7)]
    if (typeof value === 'object') return [float(2, value.float), number(20, 1)]
    return [number(3, value), number(20, 2)]
  }
  return message(5, [text(1, name), ...given()])
}

/** One operation: `node('Conv', ['x', 'w'], 'y', { pads: [1, 1, 1, 1] })`. */
export const node = (type, inputs, output, attributes = {}) =>
  message(1, [
    ...inputs.map((name) => text(1, name)),
    text(2, output),
    text(4, type),
    ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  ])

/** A constant: Float32Array, or BigInt64Array for whole numbers. */
function initializer(name, { shape, data }) {
  const type = data instanceof BigInt64Array ? TYPES.i64 : TYPES.f32
  const raw = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return message(5, [...shape.map((size) => number(1, size)), number(2, type), text(8, name), bytes(9, raw)])
}

function value(field, name, { shape, type = 'f32' }) {
  const sizes = shape.map((size) => message(1, [number(1, size)]))
  return message(field, [text(1, name), message(2, [message(1, [number(1, TYPES[type]), message(2, sizes)])])])
}

/** The bytes of a model. inputs and outputs: name → { shape, type }; constants: name → { shape, data }. */
export function model({ nodes, inputs, outputs, constants = {} }) {
  const each = (of, write) => Object.entries(of).map(([name, given]) => write(name, given))
  const graph = [
    ...nodes,
    text(2, 'case'),
    ...each(constants, initializer),
    ...each(inputs, (name, given) => value(11, name, given)),
    ...each(outputs, (name, given) => value(12, name, given)),
  ]
  return Buffer.concat([number(1, 8), message(8, [text(1, ''), number(2, 17)]), message(7, graph)])
}
