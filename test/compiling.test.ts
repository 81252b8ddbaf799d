// What is told of pipelines that are new to a device, until the first run of what needs them has ended.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { counted } from '../src/bench/counted.ts'
import type { Engine } from '../src/engine.ts'
import type { Compiling } from '../src/gpu/compiling.ts'
import { init } from '../src/node.ts'
import { add, mul } from '../src/ops/pointwise.ts'
import { relu } from '../src/ops/relu.ts'

const test = suite('compiling')

/** On an engine of its own, to which everything is new. */
async function on(run: (engine: Engine, told: Compiling[]) => Promise<void>): Promise<void> {
  const engine = await init({ adapter: process.env.WEBGPU_DISTILL_ADAPTER })
  const told: Compiling[] = []
  engine.onCompiling = (compiling) => told.push(compiling)
  try {
    await run(engine, told)
  } finally {
    engine.destroy()
  }
}

const counts = (told: Compiling[]) =>
  told.splice(0).map(({ step, phase, done, total }) => `${step}: ${phase} ${done}/${total}`)

/** Three pipelines, one of them twice. */
const three = (engine: Engine) => {
  const x = engine.tensor([-1, 2])
  return () => mul(relu(add(x, relu(x))), x)
}

test('a step tells how far its pipelines are, made and run; what is known it does not mention', async () => {
  await on(async (engine, told) => {
    const step = engine.capture('step', three(engine))
    assert.equal(counts(told), [])
    const compiling = step.compile()
    assert.equal(counts(told), ['step: compiling 0/3'])
    await compiling
    assert.equal(
      counts(told),
      [1, 2, 3].map((n) => `step: compiling ${n}/3`),
    )
    assert.is(counted(engine, step.run).submits, 3)
    assert.equal(counts(told), ['step: first run 0/3'])
    await engine.settled()
    assert.equal(
      counts(told),
      [1, 2, 3].map((n) => `step: first run ${n}/3`),
    )
    assert.equal([...(await step.outputs.read())], [-0, 8])

    await step.compile()
    assert.is(counted(engine, step.run).submits, 1)
    const other = engine.capture('other', () => relu(engine.tensor([1, -1])))
    assert.is(counted(engine, other.run).submits, 1)
    await engine.settled()
    assert.equal(counts(told), [])
  })
})

test('without a listener, and for eager code with one', async () => {
  await on(async (engine, told) => {
    const quiet = engine.capture('step', () => relu(engine.tensor([1, -1])))
    engine.onCompiling = null
    await quiet.compile()
    assert.is(counted(engine, quiet.run).submits, 1)
    engine.onCompiling = (compiling) => told.push(compiling)
    const y = three(engine)()
    assert.equal([...(await y.read())], [-0, 8])
    assert.equal(counts(told).slice(0, 1), ['eager: first run 0/2'])
  })
})

test('the bits are those of a run in one submit', async () => {
  const bits: unknown[] = []
  for (const listens of [true, false]) {
    await on(async (engine) => {
      if (!listens) engine.onCompiling = null
      const x = engine.tensor(Array.from({ length: 300 }, (_, i) => Math.sin(i)))
      const step = engine.capture('step', () => {
        let y = x
        for (let i = 0; i < 4; i++) y = add(mul(y, relu(y)), x)
        return y
      })
      assert.is(counted(engine, step.run).submits, listens ? 4 : 1)
      bits.push(await step.outputs.read())
    })
  }
  assert.equal(bits[0], bits[1])
})

test('a pipeline that is asked for again while it is on its way is made once; entry points share a module', async () => {
  await on(async (engine) => {
    const steps = [0, 1].map(() => engine.capture('step', three(engine)))
    let compiled: Promise<unknown> = Promise.resolve()
    const { objects } = counted(engine, () => {
      compiled = Promise.all(steps.map((step) => step.compile()))
    })
    assert.is(objects.createComputePipelineAsync, 3)
    // relu has one; add and mul are entry points of the other.
    assert.is(objects.createShaderModule, 2)
    await compiled
    const again = counted(engine, () => void steps[0].compile())
    assert.equal(again, { submits: 0, writes: 0, objects: {} })
  })
})

test.run()
