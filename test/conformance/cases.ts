// Reads the conformance suites: index.json names one JSON file per operator, its tensors hold their values themselves
// or point into a binary file beside it. The torch suite is our own data and lives here; onnx and wpt are read from a
// folder outside the repository.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Suite = 'torch' | 'onnx' | 'wpt'
export type Values = Float32Array | Float64Array | Int32Array | Uint8Array

export interface CaseTensor {
  name: string
  shape: number[]
  dtype: 'float32' | 'float64' | 'int32' | 'int64' | 'uint8' | 'bool'
  values: Values
}

export interface Expected extends CaseTensor {
  tolerance: { atol: number; rtol: number }
}

export interface Case {
  suite: Suite
  name: string
  op: string
  tier: 'core' | 'extra'
  tags: string[]
  attributes: Record<string, unknown>
  inputs: CaseTensor[]
  outputs: Expected[]
}

/** How many cases a suite has: what a run without its folder skips, and what a run with it must find. */
export const COUNTS: Record<Suite, number> = { torch: 463, onnx: 347, wpt: 459 }

const environment = process.env
const shared =
  environment.WEBGPU_DISTILL_CONFORMANCE ?? join(environment.WEBGPU_DISTILL_SHARED ?? '../shared', 'conformance')

/** Where a suite lies, or null where it is absent. */
export function suiteFolder(suite: Suite): string | null {
  const folder = suite === 'torch' ? 'test/conformance/torch' : join(shared, suite)
  return existsSync(join(folder, 'index.json')) ? folder : null
}

const READERS: Record<CaseTensor['dtype'], (bytes: ArrayBuffer) => Values> = {
  float32: (bytes) => new Float32Array(bytes),
  float64: (bytes) => new Float64Array(bytes),
  int32: (bytes) => new Int32Array(bytes),
  int64: (bytes) => Int32Array.from(new BigInt64Array(bytes), Number),
  uint8: (bytes) => new Uint8Array(bytes),
  bool: (bytes) => new Uint8Array(bytes),
}
const WIDTHS = { float32: 4, float64: 8, int32: 4, int64: 8, uint8: 1, bool: 1 }
const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: Int32Array,
  uint8: Uint8Array,
  bool: Uint8Array,
}
const SPECIAL: Record<string, number> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
}

interface StoredTensor extends Omit<CaseTensor, 'values'> {
  data?: (number | string)[]
  ref?: { offset: number; count: number }
  tolerance?: Expected['tolerance']
}

interface StoredFile {
  bin?: string
  cases: (Omit<Case, 'inputs' | 'outputs'> & { inputs: StoredTensor[]; outputs: StoredTensor[] })[]
}

/** JSON has no NaN and no infinities: they are strings, in attributes too. */
function special(value: unknown): unknown {
  if (typeof value === 'string') return SPECIAL[value] ?? value
  if (Array.isArray(value)) return value.map(special)
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, special(inner)]))
  }
  return value
}

function filled(tensor: StoredTensor, bin: Buffer | null): Expected {
  const { data, ref, tolerance = { atol: 0, rtol: 0 }, ...rest } = tensor
  if (!ref) return { ...rest, tolerance, values: ARRAYS[rest.dtype].from(data!.map((v) => special(v) as number)) }
  const start = bin!.byteOffset + ref.offset
  const bytes = bin!.buffer.slice(start, start + ref.count * WIDTHS[rest.dtype]) as ArrayBuffer
  return { ...rest, tolerance, values: READERS[rest.dtype](bytes) }
}

export function loadSuite(folder: string): Case[] {
  const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as { files: { file: string }[] }
  return index.files.flatMap(({ file }) => {
    const stored = JSON.parse(readFileSync(join(folder, file), 'utf8')) as StoredFile
    const bin = stored.bin && existsSync(join(folder, stored.bin)) ? readFileSync(join(folder, stored.bin)) : null
    return stored.cases.map((c) => ({
      ...c,
      attributes: special(c.attributes) as Case['attributes'],
      inputs: c.inputs.map((t) => filled(t, bin)),
      outputs: c.outputs.map((t) => filled(t, bin)),
    }))
  })
}

/**
 * The largest |got - want| / (atol + rtol |want|) over all elements: at most 1 passes. Equal values, infinities too,
 * and NaN against NaN agree; a NaN, or any difference where the tolerance is 0, is infinitely far away.
 */
export function distance(got: ArrayLike<number>, { values: want, tolerance: { atol, rtol } }: Expected): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY
  let worst = 0
  for (let i = 0; i < want.length; i++) {
    if (got[i] === want[i] || (Number.isNaN(got[i]) && Number.isNaN(want[i]))) continue
    const ratio = Math.abs(got[i] - want[i]) / (atol + rtol * Math.abs(want[i]))
    worst = Math.max(worst, Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio)
  }
  return worst
}
