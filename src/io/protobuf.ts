// What a protobuf message is made of: fields by number and wire type, 0 varint, 1 eight bytes, 2 length and bytes, 5
// four bytes. A message within a message is `bytes` of a `join`.

export const integer = (field: number, value: number) => join(varint(8 * field), varint(value))
export const bytes = (field: number, data: Uint8Array) => join(varint(8 * field + 2), varint(data.length), data)
export const text = (field: number, value: string) => bytes(field, new TextEncoder().encode(value))
export const double = (field: number, value: number) => {
  return join(varint(8 * field + 1), new Uint8Array(new Float64Array([value]).buffer))
}
export const float = (field: number, value: number) => {
  return join(varint(8 * field + 5), new Uint8Array(new Float32Array([value]).buffer))
}

/** Of a whole number from 0: seven bits a byte, the lowest first; a set top bit says that more follow. */
function varint(value: number): Uint8Array {
  const groups: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) groups.push((rest % 128) | 128)
  return Uint8Array.from([...groups, rest])
}

export function join(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
