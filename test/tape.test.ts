// The plan of a recorded step's memory: a buffer is free for others once its last reader has run, and never before.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Gpu } from '../src/gpu/gpu.ts'
import { Pool } from '../src/gpu/memory.ts'
import { add } from '../src/ops/pointwise.ts'
import { relu } from '../src/ops/relu.ts'
import { stream } from '../src/random.ts'
import type { Tensor } from '../src/tensor.ts'
import { allclose } from './check.ts'
import { engine } from './device.ts'

const test = suite('planned memory')

/** Records without keeping anything but what `keep` gives. */
const record = <T>(fn: () => T, keep: (made: T) => Tensor[] = () => []) =>
  engine.gpu.trace('plan', fn, (made) => keep(made).map(({ storage }) => storage))

const bufferOf = ({ storage }: Tensor) => storage.buffer!
/** The same number for the same buffer, in the order of their first use. */
const numbered = (tensors: readonly Tensor[]) => {
  const seen = [...new Set(tensors.map(bufferOf))]
  return tensors.map((tensor) => seen.indexOf(bufferOf(tensor)))
}

test('a buffer as large as the adapter makes them is used again, and is no tensor of more', () => {
  const limits = { maxBufferSize: 1_900_004, maxStorageBufferBindingSize: 1_900_004 }
  const device = { limits, createBuffer: ({ size }: GPUBufferDescriptor) => ({ size }) }
  const faults = { scoped: (_: string, make: () => unknown) => make() }
  const pool = new Pool({ device, faults } as unknown as Gpu, 'scratch', 0)
  const first = pool.take(1_900_004, 'first')
  assert.is(first.size, 1_900_004)
  pool.give(first)
  assert.throws(() => pool.take(1_900_008, 'too large'), /too large: 1900008 bytes in one tensor/)
  assert.is(pool.take(1_900_000, 'second'), first)
})

test('a chain needs two buffers: a result takes that of the last but one', () => {
  const x = engine.full([1000], 1)
  const { tape, result } = record(() => {
    const made = [relu(x)]
    for (let i = 1; i < 7; i++) made.push(relu(made[i - 1]))
    return made
  })
  assert.equal(numbered(result), [0, 1, 0, 1, 0, 1, 0])
  tape.release()
})

test('a buffer waits for its last reader, and is taken right after it', () => {
  const x = engine.full([1000], 1)
  for (const last of [1, 2, 3, 4]) {
    const { tape, result } = record(() => {
      const made = [relu(x)]
      // Result `last` reads the first one once more.
      for (let i = 1; i < 7; i++) made.push(i === last ? add(made[i - 1], made[0]) : relu(made[i - 1]))
      return made
    })
    const first = numbered(result).lastIndexOf(0, last)
    assert.is(first, 0, `read by ${last}, taken by ${first}`)
    assert.is(numbered(result)[last + 1], 0, `read by ${last}, free after it`)
    tape.release()
  }
})

test('what is returned or given keeps its own', () => {
  const x = engine.full([1000], 1)
  const { tape, result } = record(
    () => {
      const made = [relu(x)]
      for (let i = 1; i < 6; i++) made.push(relu(made[i - 1]))
      return made
    },
    (made) => [made[1]],
  )
  const kept = bufferOf(result[1])
  assert.is(result.filter((tensor) => bufferOf(tensor) === kept).length, 1)
  assert.not.ok(result.some((tensor) => bufferOf(tensor) === bufferOf(x)))
  tape.release()
})

test('random steps: no buffer is written while another result in it is still to be read, and none is left idle', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const random = stream(seed, 'plan')
    const n = 24
    const x = engine.tensor(
      Array.from({ length: 300 }, () => random.uniform()),
      [300],
    )
    const reads: number[][] = []
    const { tape, result } = record(
      () => {
        const made: Tensor[] = []
        for (let i = 0; i < n; i++) {
          const one = i === 0 ? -1 : Math.floor(random.uniform() * i)
          const two = Math.max(-1, i - 1)
          reads.push([one, two].filter((k) => k >= 0))
          made.push(add(one < 0 ? x : made[one], two < 0 ? x : made[two]))
        }
        return made
      },
      (made) => [made[n - 1]],
    )
    const lastRead = result.map((_, i) => Math.max(i, ...reads.flatMap((from, k) => (from.includes(i) ? [k] : []))))
    let most = 0
    for (let i = 0; i < n - 1; i++) {
      // Alive at dispatch i: made by then, read then or later.
      const alive = result.slice(0, Math.min(i + 1, n - 1)).filter((_, k) => lastRead[k] >= i)
      assert.is(new Set(alive.map(bufferOf)).size, alive.length, `seed ${seed}, dispatch ${i}: two share a buffer`)
      most = Math.max(most, alive.length)
    }
    assert.is(
      new Set(result.slice(0, n - 1).map(bufferOf)).size,
      most,
      `seed ${seed}: as many buffers as are alive at once`,
    )

    tape.replay()
    const values: Float64Array[] = []
    const given = Float64Array.from(await x.read())
    for (const from of reads) {
      const [one, two] = from.length === 2 ? [values[from[0]], values[from[1]]] : [given, given]
      values.push(one.map((value, k) => value + two[k]))
    }
    allclose(await result[n - 1].read(), values[n - 1], { atol: 0, rtol: 1e-5 }, `seed ${seed}`)
    tape.release()
  }
})

test.run()
