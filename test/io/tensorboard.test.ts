// Event files are read back by a decoder of the test's own: CRCs bit by bit, protobuf field by field.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { crc32c, eventFile, type ScalarEvent } from '../../src/io/tensorboard.ts'
import { readEventFile } from './eventReader.ts'

const test = suite('event files')

const ascii = (text: string) => new TextEncoder().encode(text)

test('CRC32C has the values that RFC 3720 lists', () => {
  assert.is(crc32c(ascii('123456789')), 0xe3069283)
  assert.is(crc32c(new Uint8Array(32)), 0x8a9136aa)
  assert.is(crc32c(new Uint8Array(32).fill(255)), 0x62a8ab43)
  assert.is(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e)
  assert.is(crc32c(new Uint8Array()), 0)
})

test("a file begins with the bytes with which TensorFlow's begin", () => {
  const start = eventFile(1.5, [])
  // Length 24 and its masked CRC, then the tags of wall_time and file_version around their values.
  assert.equal([...start.subarray(0, 13)], [0x18, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22, 0x09])
  assert.equal(start.subarray(21, 36), Uint8Array.from([0x1a, 13, ...ascii('brain.Event:2')]))
  assert.is(start.length, 16 + 24)
})

test('what was written is read back: times, steps, tags, values', () => {
  const events: ScalarEvent[] = [
    { time: 1_795_302_000.25, step: 0, values: { 'train/loss': 0.5, 'train/κ from teacher': -1.25 } },
    { time: 1_795_302_001.5, step: 127, values: { 'train/loss': 1e-30 } },
    { time: 1_795_302_002, step: 128, values: { ['x'.repeat(200)]: 3 } },
    { time: 1_795_302_003, step: 2 ** 40 + 5, values: {} },
  ]
  const [version, ...read] = readEventFile(eventFile(1_795_302_000, events))
  assert.equal(version, { time: 1_795_302_000, step: 0, version: 'brain.Event:2', values: {} })
  assert.equal(
    read,
    events.map(({ time, step, values }) => {
      const single = Object.entries(values).map(([tag, value]) => [tag, Math.fround(value)])
      return { time, step, values: Object.fromEntries(single) }
    }),
  )
})

test('what is no number is left out', () => {
  const values = { a: Number.NaN, b: 2, c: Number.POSITIVE_INFINITY, d: null as unknown as number }
  const [, event] = readEventFile(eventFile(0, [{ time: 1, step: 1, values }]))
  assert.equal(event.values, { b: 2 })
})

test('any changed byte is noticed by whoever reads', () => {
  const whole = eventFile(3, [{ time: 4, step: 5, values: { loss: 6 } }])
  for (let i = 0; i < whole.length; i++) {
    const changed = whole.slice()
    changed[i] ^= 16
    assert.throws(() => readEventFile(changed), /CRC|length/, `byte ${i}`)
  }
})

test.run()
