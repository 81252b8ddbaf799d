// Helpers of the report's tests: PyTorch cases, closeness, errors.
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import * as assert from 'uvu/assert'
import { InputError } from '../../src/errors.ts'

interface Tensor {
  name: string
  shape: number[]
  values: number[]
  tolerance?: { atol: number; rtol: number }
}

export interface Case {
  name: string
  attributes: Record<string, unknown>
  inputs: Tensor[]
  outputs: Tensor[]
}

interface Stored {
  name: string
  shape: number[]
  dtype: 'float32' | 'float64' | 'int64'
  data?: (number | string)[]
  ref?: { offset: number; count: number }
}

/** The cases of one operator, from the copy in this repository or the suite beside it; tests run at the top folder. */
export function torchCases(op: string): Case[] {
  const folders = ['test/conformance/torch', '../shared/conformance/torch'].map((folder) => resolve(folder))
  const folder = folders.find((candidate) => existsSync(join(candidate, `${op}.json`)))
  if (!folder) throw new Error(`the torch cases of ${op} are in none of ${folders.join(', ')}`)
  const file = JSON.parse(readFileSync(join(folder, `${op}.json`), 'utf8'))
  const blob = file.bin ? readFileSync(join(folder, file.bin)) : Buffer.alloc(0)
  const read = {
    float32: (at: number, i: number) => blob.readFloatLE(at + 4 * i),
    float64: (at: number, i: number) => blob.readDoubleLE(at + 8 * i),
    int64: (at: number, i: number) => Number(blob.readBigInt64LE(at + 8 * i)),
  }
  const load = <T extends Stored>({ data, ref, ...rest }: T) => ({
    ...rest,
    values: ref
      ? Array.from({ length: ref.count }, (_, i) => read[rest.dtype](ref.offset, i))
      : data!.map((x) => (rest.dtype === 'float32' ? Math.fround(Number(x)) : Number(x))),
  })
  return file.cases.map((c: { inputs: Stored[]; outputs: Stored[] }) => {
    return { ...c, inputs: c.inputs.map(load), outputs: c.outputs.map(load) }
  })
}

/** Every expected output of the case against what we got, within the case's own tolerance. */
export function expectCase(c: Case, got: Record<string, ArrayLike<number>>): void {
  for (const { name, values, tolerance } of c.outputs) {
    const { atol, rtol } = tolerance!
    assert.ok(got[name], `${c.name}: no ${name}`)
    assert.is(got[name].length, values.length, `${c.name}: length of ${name}`)
    for (let i = 0; i < values.length; i++) {
      const same = got[name][i] === values[i] || Math.abs(got[name][i] - values[i]) <= atol + rtol * Math.abs(values[i])
      assert.ok(same, `${c.name}: ${name}[${i}] is ${got[name][i]}, expected ${values[i]}`)
    }
  }
}

export function close(got: number | null, want: number, tolerance = 1e-12): void {
  assert.ok(got !== null && Math.abs(got - want) <= tolerance, `${got} is not within ${tolerance} of ${want}`)
}

/** The call throws an InputError whose message matches. */
export function fails(call: () => unknown, message: RegExp): void {
  assert.throws(call, (error: unknown) => {
    assert.ok(error instanceof InputError, `${error} is not an InputError`)
    assert.match(error.message, message)
    return true
  })
}
