// safetensors: 8 bytes of little-endian header length, a JSON header, then the tensors' bytes, row-major, without
// gaps. https://huggingface.co/docs/safetensors. The reader trusts nothing: checkpoints travel between machines.

import { InputError, quote } from '../errors.ts'
import { repeatedKey } from './json.ts'

const dtypes = {
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  U8: Uint8Array,
  I64: BigInt64Array,
}
export type SafeDtype = keyof typeof dtypes
export type SafeData = Float32Array | Int32Array | Uint32Array | Uint8Array | BigInt64Array

export interface SafeTensor {
  dtype: SafeDtype
  shape: number[]
  /** Row-major elements. */
  data: SafeData
}

export interface SafeFile {
  /** In the order in which they lie in the file. */
  tensors: Map<string, SafeTensor>
  metadata: Record<string, string>
}

/** The format's own limit. A header larger than this is an attack or not a header. */
const maxHeaderBytes = 100_000_000

/**
 * @param file name for error messages
 * @throws InputError that names the file, the tensor and the fault
 */
export function readSafetensors(bytes: Uint8Array, file = 'safetensors'): SafeFile {
  const fail = (fault: string): never => {
    throw new InputError(`${file}: ${fault}`)
  }
  if (bytes.length < 8) fail(`truncated, ${bytes.length} bytes cannot hold the header's length`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const headerBytes = view.getBigUint64(0, true)
  if (headerBytes > maxHeaderBytes) fail(`not a safetensors file, header of ${headerBytes} bytes (at most 100 MB)`)
  const start = 8 + Number(headerBytes)
  if (start > bytes.length) fail(`truncated, the header ends at byte ${start} and the file has ${bytes.length}`)
  const header = parseHeader(bytes.subarray(8, start), fail)

  const metadata: [string, string][] = []
  const entries: { name: string; dtype: SafeDtype; shape: number[]; begin: number; end: number }[] = []
  for (const [name, value] of Object.entries(header)) {
    if (!isObject(value)) fail(`${quote(name)} is no object`)
    if (name === '__metadata__') {
      for (const [key, text] of Object.entries(value as object)) {
        if (typeof text !== 'string') fail(`__metadata__ ${quote(key)} is no string`)
        metadata.push([key, text])
      }
    } else
      entries.push({
        name,
        ...parseEntry(value as Record<string, unknown>, (fault) => fail(`${quote(name)} ${fault}`)),
      })
  }

  entries.sort((a, b) => a.begin - b.begin || a.end - b.end)
  const tensors = new Map<string, SafeTensor>()
  let expected = 0
  for (const { name, dtype, shape, begin, end } of entries) {
    if (start + end > bytes.length) {
      fail(`truncated, ${quote(name)} ends at byte ${start + end} and the file has ${bytes.length}`)
    }
    if (begin !== expected)
      fail(`${quote(name)} begins at ${begin}, ${begin < expected ? 'overlapping' : 'after a gap'}`)
    expected = end
    // A copy: the tensors need their own alignment, and the file's bytes can be let go. Not by slice: a Buffer's is a view.
    const copy = new Uint8Array(bytes.subarray(start + begin, start + end))
    tensors.set(name, { dtype, shape, data: new dtypes[dtype](copy.buffer) })
  }
  if (start + expected !== bytes.length) fail(`${bytes.length - start - expected} bytes after the last tensor`)
  return { tensors, metadata: Object.fromEntries(metadata) }
}

function parseHeader(bytes: Uint8Array, fail: (fault: string) => never): Record<string, unknown> {
  if (bytes[0] !== 0x7b) fail('not a safetensors file, the header does not begin with {')
  let text = ''
  let header: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    header = JSON.parse(text)
  } catch (error) {
    fail(`corrupt header: ${(error as Error).message}`)
  }
  const twice = repeatedKey(text)
  if (twice !== undefined) fail(`corrupt header: ${quote(twice)} occurs twice`)
  return header as Record<string, unknown>
}

function parseEntry(entry: Record<string, unknown>, fail: (fault: string) => never) {
  const { dtype, shape, data_offsets: offsets, ...rest } = entry
  const other = Object.keys(rest)[0]
  if (other !== undefined) fail(`has the unknown field ${quote(other)}`)
  if (typeof dtype !== 'string' || !Object.hasOwn(dtypes, dtype)) {
    fail(`has the dtype ${quote(dtype)}, only ${Object.keys(dtypes).join(', ')} can be read`)
  }
  if (!isSizes(shape)) fail(`has the shape ${quote(shape)}`)
  if (!isSizes(offsets) || offsets.length !== 2) fail(`has the data_offsets ${quote(offsets)}`)
  const [begin, end] = offsets as number[]
  const need = (shape as number[]).reduce((a, b) => a * b, dtypes[dtype as SafeDtype].BYTES_PER_ELEMENT)
  if (end - begin !== need) fail(`of ${dtype} ${quote(shape)} needs ${need} bytes and has ${end - begin}`)
  return { dtype: dtype as SafeDtype, shape: shape as number[], begin, end }
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)
const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0 && !Object.is(size, -0))

/**
 * The bytes of a file that other readers of the format take too. Equal input gives equal bytes: wide types come first
 * (which keeps every tensor aligned), then names in order, as in the format's reference writer.
 * @throws InputError where a tensor's data does not fit its dtype or shape, and for metadata that no reader would take
 */
export function writeSafetensors(
  tensors: Iterable<[string, SafeTensor]>,
  metadata: Record<string, string> = {},
): Uint8Array {
  const width = (tensor: SafeTensor) => dtypes[tensor.dtype].BYTES_PER_ELEMENT
  const ordered = [...tensors].sort(([a, s], [b, t]) => width(t) - width(s) || (a < b ? -1 : a > b ? 1 : 0))
  const header: Record<string, unknown> = {}
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata
  let offset = 0
  for (const [name, { dtype, shape, data }] of ordered) {
    const count = shape.reduce((a, b) => a * b, 1)
    if (!(data instanceof dtypes[dtype]) || data.length !== count || !isSizes(shape)) {
      throw new InputError(`${quote(name)}: ${data.length} elements do not fit ${dtype} ${quote(shape)}`)
    }
    if (name === '__metadata__' || Object.hasOwn(header, name)) throw new InputError(`${quote(name)} is taken already`)
    const value = { dtype, shape, data_offsets: [offset, offset + data.byteLength] }
    Object.defineProperty(header, name, { value, enumerable: true }) // a plain assignment would lose '__proto__'
    offset += data.byteLength
  }
  const json = new TextEncoder().encode(JSON.stringify(header))
  if (json.length > maxHeaderBytes) throw new InputError(`a header of ${json.length} bytes; readers take 100 MB`)
  const start = 8 + Math.ceil(json.length / 8) * 8
  const bytes = new Uint8Array(start + offset).fill(0x20, 8, start)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true)
  bytes.set(json, 8)
  offset = start
  for (const [, { data }] of ordered) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset)
    offset += data.byteLength
  }
  return bytes
}
