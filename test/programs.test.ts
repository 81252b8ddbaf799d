// Random programs: eager code, `engine.step` and captured steps give the same bits, values and gradients, whatever lies in
// the buffers that they share, and nothing that was handed out is written again.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../src/autograd.ts'
import { Parameters } from '../src/nn/parameters.ts'
import { sigmoid } from '../src/ops/activation.ts'
import { concat, permute, reshape, slice, transpose } from '../src/ops/copy.ts'
import { matmul } from '../src/ops/matmul.ts'
import { add, addRelu, mul, sub } from '../src/ops/pointwise.ts'
import { mean } from '../src/ops/reduce.ts'
import { relu } from '../src/ops/relu.ts'
import { stream } from '../src/random.ts'
import { assign, type Tensor } from '../src/tensor.ts'
import { uniform } from './check.ts'
import { engine } from './device.ts'

const test = suite('programs')
const SHAPE = [4, 6]
const factor = engine.scalar('factor', 1)
const rows = (x: Tensor, from: number, to: number) => slice(x, { starts: [from], ends: [to] })
/** Of two tensors of one shape, which may be the same, another of that shape. */
const OPS: ((x: Tensor, y: Tensor) => Tensor)[] = [
  relu,
  sigmoid,
  add,
  sub,
  addRelu,
  (x) => addRelu(x, x),
  (x) => mul(x, factor),
  (x, y) => mul(x, sigmoid(y)),
  (x, y) => add(x, mean(y, { axes: 1, keepDims: true })),
  (x) => permute(reshape(x, [6, 4])),
  (x) => reshape(reshape(x, [2, 12]), SHAPE),
  (x, y) => concat([rows(x, 1, 3), rows(y, 0, 1), rows(x, 3, 4)]),
  (x, y) => sigmoid(matmul(matmul(x, transpose(y)), y)),
]

/** NaN into everything that no tensor holds. */
function poison(): void {
  for (const pool of [engine.gpu.scratch, engine.gpu.buffers] as unknown as { free: Map<number, GPUBuffer[]> }[])
    for (const buffer of [...pool.free.values()].flat())
      engine.gpu.device.queue.writeBuffer(buffer, 0, new Float32Array(buffer.size / 4).fill(Number.NaN))
}

const bits = async (tensors: readonly Tensor[]) => {
  const values = await Promise.all(tensors.map((t) => t.read()))
  return values.map((of) => [...new Uint32Array(of.buffer)])
}

for (let seed = 0; seed < 5; seed++) {
  test(`program ${seed}`, async () => {
    const random = stream(seed, 'program')
    const below = (n: number) => Math.floor(random.uniform() * n)
    const length = 8 + below(12)
    const lines = Array.from({ length }, (_, i) => {
      const recent = () => Math.max(0, i + 2 - below(4))
      return { op: OPS[below(OPS.length)], x: recent(), y: below(2) ? recent() : below(i + 3) }
    })
    const kept = [below(length + 3), below(length + 3), length + 2]
    const early = length + 2 - below(4)
    const specs = ['a', 'b'].map((name, i) => {
      return { name, shape: SHAPE, kind: 'weight' as const, values: uniform(24, 100 * seed + i) }
    })
    const parameters = new Parameters(engine.gpu, specs)
    const x = engine.zeros(SHAPE, { requiresGrad: seed % 2 === 0 })
    const leaves = [x, parameters.get('a'), parameters.get('b')]
    const upstream = engine.tensor(uniform(24, seed), SHAPE)
    const program = () => {
      const made = [...leaves]
      for (const line of lines) made.push(line.op(made[line.x], made[line.y]))
      for (const leaf of leaves) leaf.gradEmpty = true
      if (made[early].node) backward(made[early], upstream, { retain: true })
      backward(made[length + 2], upstream)
      return kept.map((k) => made[k])
    }
    const gradients = () => leaves.flatMap(({ grad, gradEmpty }) => (grad && !gradEmpty ? [grad] : []))
    poison()
    const steps = ['first', 'second'].map((label) => engine.capture(label, program))
    const held: { tensor: Tensor; value: number[] }[] = []
    for (let round = 0; round < 2; round++) {
      assign(x, uniform(24, 1000 * seed + round))
      factor.value = 0.5 + round
      const eager = program()
      const want = [...(await bits(eager)), ...(await bits(gradients()))]
      poison()
      const stepped = engine.step(program)
      assert.equal([...(await bits(stepped)), ...(await bits(gradients()))], want, 'engine.step')
      for (const gradient of gradients()) assign(gradient, new Float32Array(24).fill(99))
      poison()
      steps[round % 2].run()
      const { outputs } = steps[round % 2]
      assert.equal([...(await bits(outputs)), ...(await bits(gradients()))], want, 'captured')
      for (const tensors of [eager, stepped]) held.push(...tensors.map((tensor, i) => ({ tensor, value: want[i] })))
      steps[(round + 1) % 2].run()
    }
    for (const step of seed % 3 ? steps : steps.reverse()) step.release()
    const own = held.filter(({ tensor }) => !leaves.some(({ storage }) => storage === tensor.storage))
    assert.equal(
      await bits(own.map(({ tensor }) => tensor)),
      own.map(({ value }) => value),
      'still there',
    )
  })
}

test.run()
