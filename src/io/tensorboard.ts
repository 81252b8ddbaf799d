// TensorBoard's event files: records of little-endian length u64, masked CRC32C of the length, data, masked CRC32C of
// the data; each the protobuf of an Event:
//   Event    1 wall_time double   2 step int64   3 file_version string   5 summary Summary
//   Summary  1 value Value, repeated
//   Value    1 tag string   2 simple_value float
import { bytes, double, float, integer, join, text } from './protobuf.ts'

export interface ScalarEvent {
  /** Seconds since 1970. */
  time: number
  step: number
  /** By tag. */
  values: Record<string, number>
}

/** A whole file; `time` is that of its first record. Values that are not finite are left out. */
export function eventFile(time: number, events: readonly ScalarEvent[]): Uint8Array {
  const version = join(double(1, time), text(3, 'brain.Event:2'))
  return join(record(version), ...events.map((event) => record(eventOf(event))))
}

function eventOf({ time, step, values }: ScalarEvent): Uint8Array {
  const finite = Object.entries(values).filter(([, value]) => Number.isFinite(value))
  const summary = join(...finite.map(([tag, value]) => bytes(1, join(text(1, tag), float(2, value)))))
  return join(double(1, time), integer(2, step), bytes(5, summary))
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0x82f63b78 : n >>> 1
  return n
})

/** Castagnoli's CRC: of the ASCII text '123456789' it is 0xe3069283. */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of data) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 255]
  return ~crc >>> 0
}

/** Rotated, and moved by a constant: a CRC of what holds its own CRC tells little. */
function masked(data: Uint8Array): number {
  const crc = crc32c(data)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

function record(data: Uint8Array): Uint8Array {
  const whole = new Uint8Array(16 + data.length)
  const view = new DataView(whole.buffer)
  view.setBigUint64(0, BigInt(data.length), true)
  view.setUint32(8, masked(whole.subarray(0, 8)), true)
  whole.set(data, 12)
  view.setUint32(12 + data.length, masked(data), true)
  return whole
}
