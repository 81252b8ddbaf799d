// Reads TensorBoard's event files, apart from the code that writes them: CRCs bit by bit, every length checked.
import { fields, text, viewOf } from './protobuf.ts'

export interface ReadEvent {
  time: number
  step: number
  values: Record<string, number>
  version?: string
}

/** Throws for a CRC or a length that does not fit. */
export function readEventFile(file: Uint8Array): ReadEvent[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const events: ReadEvent[] = []
  for (let at = 0; at < file.length; ) {
    if (at + 12 > file.length) throw new Error(`length: ${file.length - at} bytes are left at ${at}`)
    expectCrc(file.subarray(at, at + 8), view.getUint32(at + 8, true))
    const length = Number(view.getBigUint64(at, true))
    const data = file.subarray(at + 12, at + 12 + length)
    if (at + 16 + length > file.length) throw new Error(`length ${length} at ${at}: the file ends before`)
    expectCrc(data, view.getUint32(at + 12 + length, true))
    events.push(eventIn(data))
    at += 16 + length
  }
  return events
}

function expectCrc(data: Uint8Array, stored: number): void {
  // Polynomial 0x1edc6f41, lowest bit first.
  let crc = 0xffffffff
  for (const byte of data) {
    for (let bit = 0; bit < 8; bit++) {
      const out = (crc ^ (byte >> bit)) & 1
      crc = (crc >>> 1) ^ (out ? 0x82f63b78 : 0)
    }
  }
  const plain = BigInt.asUintN(32, ~BigInt(crc >>> 0))
  const rotated = BigInt.asUintN(32, (plain >> 15n) | (plain << 17n))
  const masked = Number(BigInt.asUintN(32, rotated + 0xa282ead8n))
  if (masked !== stored) throw new Error(`CRC ${stored.toString(16)}, expected ${masked.toString(16)}`)
}

function eventIn(data: Uint8Array): ReadEvent {
  const event: ReadEvent = { time: Number.NaN, step: 0, values: {} }
  for (const [number, value] of fields(data)) {
    if (number === 1) event.time = viewOf(value).getFloat64(0, true)
    else if (number === 2) event.step = Number(value)
    else if (number === 3) event.version = text(value)
    else if (number === 5) Object.assign(event.values, summaryIn(value as Uint8Array))
    else throw new Error(`field ${number} of an Event`)
  }
  return event
}

function summaryIn(data: Uint8Array): Record<string, number> {
  const values = [...fields(data)].map(([number, value]): [string, number] => {
    if (number !== 1) throw new Error(`field ${number} of a Summary`)
    const found = new Map(fields(value as Uint8Array))
    if ([...found.keys()].join() !== '1,2') throw new Error(`fields ${[...found.keys()]} of a Value`)
    return [text(found.get(1)!), viewOf(found.get(2)!).getFloat32(0, true)]
  })
  return Object.fromEntries(values)
}
