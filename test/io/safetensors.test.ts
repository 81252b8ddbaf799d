import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { InputError } from '../../src/errors.ts'
import { readSafetensors, type SafeTensor, writeSafetensors } from '../../src/io/safetensors.ts'

const test = suite('safetensors')

const sample: [string, SafeTensor][] = [
  ['layer1.0.weight', { dtype: 'F32', shape: [2, 3], data: Float32Array.of(1, -0, 3.5, Number.NaN, 1e-40, Infinity) }],
  ['step', { dtype: 'U32', shape: [], data: Uint32Array.of(4_000_000_000) }],
  ['bytes', { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 255) }],
  ['tracked', { dtype: 'I64', shape: [1], data: BigInt64Array.of(-5n) }],
  ['index', { dtype: 'I32', shape: [2, 1], data: Int32Array.of(-7, 7) }],
  ['nothing', { dtype: 'F32', shape: [0, 4], data: new Float32Array() }],
  ['__proto__', { dtype: 'U8', shape: [1], data: Uint8Array.of(9) }],
]

/** A file with any header and `size` bytes of data. */
function forged(header: string, size: number): Uint8Array {
  const json = new TextEncoder().encode(header)
  const bytes = new Uint8Array(8 + json.length + size)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true)
  bytes.set(json, 8)
  return bytes
}

const refused = (bytes: Uint8Array, pattern: RegExp) =>
  assert.throws(
    () => readSafetensors(bytes, 'ckpt.safetensors'),
    (error: Error) => {
      assert.instance(error, InputError)
      assert.match(error.message, /^ckpt\.safetensors: /)
      assert.match(error.message, pattern)
      return true
    },
  )

test('what was written is read again, bit for bit', () => {
  const { tensors, metadata } = readSafetensors(writeSafetensors(sample, { model: 'resnet8', ü: '"\n' }))
  assert.equal(metadata, { model: 'resnet8', ü: '"\n' })
  assert.is(tensors.size, sample.length)
  for (const [name, { dtype, shape, data }] of sample) {
    const found = tensors.get(name)!
    assert.is(found.dtype, dtype)
    assert.equal(found.shape, shape)
    assert.equal(new Uint8Array(found.data.buffer), new Uint8Array(data.buffer), name)
  }
})

test('the order of the tensors does not change the bytes', () => {
  assert.equal(writeSafetensors([...sample].reverse()), writeSafetensors(sample))
})

test('a view into a larger buffer is written and read as what it shows', () => {
  const data = new Float32Array([9, 1, 2, 9]).subarray(1, 3)
  const bytes = writeSafetensors([['x', { dtype: 'F32', shape: [2], data }]])
  const shifted = new Uint8Array(bytes.length + 3)
  shifted.set(bytes, 3)
  assert.equal([...readSafetensors(shifted.subarray(3)).tensors.get('x')!.data], [1, 2])
  // As readFile gives it: a part of a pool, whose own slice copies nothing.
  assert.equal([...readSafetensors(Buffer.from(bytes)).tensors.get('x')!.data], [1, 2])
})

test('a file of the reference writer is read: header padded with blanks, metadata after the tensors', () => {
  const bytes = forged('{"a":{"dtype":"U8","shape":[1,2],"data_offsets":[0,2]},"__metadata__":{"format":"pt"}}   ', 2)
  assert.equal(readSafetensors(bytes).metadata, { format: 'pt' })
})

test('a cut at any byte is called truncated or corrupt, never read', () => {
  const bytes = writeSafetensors(sample)
  for (let length = 0; length < bytes.length; length++) refused(bytes.slice(0, length), /truncated|corrupt/)
})

test('every fault is named', () => {
  const entry = (dtype: string, shape: string, offsets: string) =>
    `{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}`
  const one = entry('"U8"', '[4]', '[0,4]')
  refused(Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255), /header of 18446744073709551615 bytes/)
  refused(forged('[]', 0), /does not begin with \{/)
  refused(forged('{"a":', 0), /corrupt header/)
  refused(forged('{"a":3}', 0), /"a" is no object/)
  refused(forged('{"__metadata__":{"a":1}}', 0), /__metadata__ "a" is no string/)
  refused(forged(`{"a":${one},"\\u0061":${one}}`, 4), /"a" occurs twice/)
  refused(forged(`{"a":{"dtype":"U8","dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4), /"dtype" occurs twice/)
  refused(forged(`{"a":${entry('"F99"', '[4]', '[0,4]')}}`, 4), /"a" has the dtype "F99", only F32/)
  refused(forged(`{"a":${entry('"toString"', '[4]', '[0,4]')}}`, 4), /dtype "toString"/)
  refused(forged(`{"a":${entry('"U8"', '[-4]', '[0,4]')}}`, 4), /shape \[-4\]/)
  refused(forged(`{"a":${entry('"U8"', '[1.5]', '[0,4]')}}`, 4), /shape/)
  refused(forged(`{"a":${entry('"U8"', '[4]', '[0]')}}`, 4), /data_offsets/)
  refused(forged(`{"a":${entry('"F32"', '[4]', '[0,4]')}}`, 4), /of F32 \[4\] needs 16 bytes and has 4/)
  refused(forged(`{"a":${entry('"F32"', '[9007199254740991,9007199254740991]', '[0,4]')}}`, 4), /needs/)
  refused(forged(`{"a":${entry('"U8"', '[4]', '[4,0]')}}`, 4), /has -4/)
  refused(forged(`{"a":${one},"b":${one}}`, 4), /"b" begins at 0, overlapping/)
  refused(forged(`{"a":${one},"b":${entry('"U8"', '[1]', '[5,6]')}}`, 6), /after a gap/)
  refused(forged(`{"a":${one}}`, 5), /1 bytes after the last tensor/)
  refused(forged(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"x":1}}`, 4), /unknown field "x"/)
  refused(forged('{"a\xff":1}'.slice(0, 3), 0), /corrupt header/)
  const deep = '['.repeat(100_000) + ']'.repeat(100_000)
  refused(forged(`{"a":${entry(deep, '[4]', '[0,4]')}}`, 4), /"a" has the dtype a list of too many levels/)
  refused(forged(`{"a":${entry('"U8"', deep, '[0,4]')}}`, 4), /"a" has the shape a list of too many levels/)
  refused(forged(`{"a":${entry('"U8"', '[1e400]', '[0,4]')}}`, 4), /"a" has the shape \["Infinity"\]/)
})

test('data that does not fit its dtype or shape is not written', () => {
  const data = new Float32Array(3)
  assert.throws(
    () => writeSafetensors([['x', { dtype: 'F32', shape: [4], data }]]),
    /"x": 3 elements do not fit F32 \[4\]/,
  )
  assert.throws(() => writeSafetensors([['x', { dtype: 'U8', shape: [3], data }]]), /do not fit U8/)
  const ok: SafeTensor = { dtype: 'F32', shape: [3], data }
  assert.throws(
    () =>
      writeSafetensors([
        ['x', ok],
        ['x', ok],
      ]),
    /taken already/,
  )
})

test('20,000 seeded mutations throw InputError or are read, nothing else', () => {
  let state = 12345
  const random = (n: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
  const original = writeSafetensors(sample, { seed: '1' })
  const headerEnd = 8 + Number(new DataView(original.buffer).getBigUint64(0, true))
  const spice = '{}[]",:\\0123456789-.eE u\u00ff'
  let accepted = 0
  for (let round = 0; round < 20_000; round++) {
    let bytes = original.slice()
    for (let edits = 1 + random(4); edits > 0; edits--) {
      const at = random(random(4) === 0 ? bytes.length : headerEnd)
      const kind = random(4)
      if (kind === 0) bytes[at] = random(256)
      else if (kind === 1) bytes[at] = spice.charCodeAt(random(spice.length))
      else if (kind === 2) bytes.copyWithin(at, random(headerEnd), random(headerEnd))
      else bytes = bytes.slice(0, at + random(bytes.length - at))
      if (bytes.length === 0) break
    }
    try {
      readSafetensors(bytes)
      accepted++
    } catch (error) {
      if (!(error instanceof InputError)) throw new Error(`round ${round}: ${error}`, { cause: error })
    }
  }
  assert.ok(accepted < 10_000, `${accepted} accepted`)
})

test.run()
