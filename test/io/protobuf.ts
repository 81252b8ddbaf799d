// Reads protobuf messages, apart from the code that writes them.

export type Field = [number: number, value: bigint | Uint8Array]

/** A message's fields in order. Throws for one that ends too early. */
export function* fields(data: Uint8Array): Generator<Field> {
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = data[at++]
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  const take = (n: number) => {
    if (at + n > data.length) throw new Error('a field ends after its message')
    at += n
    return data.slice(at - n, at)
  }
  while (at < data.length) {
    const tag = Number(varint())
    const wire = tag & 7
    if (wire === 0) yield [tag >> 3, varint()]
    else if (wire === 1) yield [tag >> 3, take(8)]
    else if (wire === 2) yield [tag >> 3, take(Number(varint()))]
    else if (wire === 5) yield [tag >> 3, take(4)]
    else throw new Error(`wire type ${wire}`)
  }
}

export const text = (value: Field[1]) => new TextDecoder('utf-8', { fatal: true }).decode(value as Uint8Array)
export const viewOf = (value: Field[1]) => new DataView((value as Uint8Array).buffer)
