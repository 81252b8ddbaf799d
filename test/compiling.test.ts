// What is told of pipelines that are new to a device, until the first run of what needs them has ended.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { counted } from '../src/bench/counted.ts'
import type { Engine } from '../src/engine.ts'
import type { Compiling } from '../src/gpu/compiling.ts'
import { kernels } from '../src/gpu/kernel.ts'
import { init } from '../src/node.ts'
import { add, exp, mul } from '../src/ops/pointwise.ts'
import { relu } from '../src/ops/relu.ts'
import { empty } from '../src/tensor.ts'
import { allclose } from './check.ts'

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

test('compiling tells how far pipelines are, made and run; what is known it does not mention', async () => {
  await on(async (engine, told) => {
    const step = engine.capture('step', three(engine))
    assert.equal(counts(told), [])
    const compiling = step.compile()
    assert.equal(counts(told), ['step: compiling 0/3'])
    await compiling
    const numbers = [0, 1, 2, 3]
    assert.equal(counts(told), [
      ...numbers.slice(1).map((n) => `step: compiling ${n}/3`),
      ...numbers.map((n) => `step: first run ${n}/3`),
    ])
    assert.is(counted(engine, step.run).submits, 1)
    assert.equal([...(await step.outputs.read())], [-0, 8])

    await step.compile()
    assert.is(counted(engine, step.run).submits, 1)
    const other = engine.capture('other', () => relu(engine.tensor([1, -1])))
    assert.is(counted(engine, other.run).submits, 1)
    await engine.settled()
    assert.equal(counts(told), [])
  })
})

test('without a listener; and for a step that was not compiled, and eager code, with one', async () => {
  await on(async (engine, told) => {
    const quiet = engine.capture('step', () => relu(engine.tensor([1, -1])))
    engine.onCompiling = null
    await quiet.compile()
    assert.is(counted(engine, quiet.run).submits, 1)
    engine.onCompiling = (compiling) => told.push(compiling)
    const step = engine.capture('step', three(engine))
    assert.is(counted(engine, step.run).submits, 2)
    assert.equal(counts(told), ['step: first run 0/2'])
    await engine.settled()
    assert.equal(counts(told), ['step: first run 1/2', 'step: first run 2/2'])
    const y = exp(three(engine)())
    allclose(await y.read(), [1, Math.exp(8)], { rtol: 1e-5 })
    assert.equal(counts(told), ['eager: first run 0/1', 'eager: first run 1/1'])
  })
})

const LINES = 600

/** Some hundred milliseconds of compilation, in no driver's cache, and next to nothing to run. */
const long = (engine: Engine) => {
  const lines = Array.from({ length: LINES }, () => `v = fma(v, v, ${Math.random()}) * v;`)
  const { main } = kernels<'main'>(`// long: a test kernel.
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  var v = x[id.x];
  ${lines.join('\n  ')}
  y[id.x] = v;
}
`)
  const x = engine.full([8], 0.5)
  return () => {
    const y = empty(engine.gpu, [8])
    main({ x, y }, {}, { threads: [8] })
    return y
  }
}

test('once compiled, a first run takes as long as any', async () => {
  await on(async (engine) => {
    engine.onCompiling = null
    const seconds = async (run: () => unknown) => {
      const start = performance.now()
      await run()
      await engine.settled()
      return performance.now() - start
    }
    const step = engine.capture('step', long(engine))
    const compiling = await seconds(() => step.compile())
    const first = await seconds(() => step.run())
    assert.ok(first < compiling / 3, `compiled in ${compiling} ms, run in ${first}`)
    assert.equal((await step.outputs.read()).length, 8)
  })
})

test('an engine that is destroyed while it compiles leaves a device that was handed in alone', async () => {
  await on(async ({ gpu: { device } }) => {
    const faults: unknown[] = []
    device.addEventListener('uncapturederror', (event) => faults.push(event))
    const own = await init({ device })
    const step = own.capture('step', three(own))
    own.onCompiling = ({ phase, done }) => {
      if (phase === 'first run' && done === 1) own.destroy()
    }
    await step.compile()
    await device.queue.onSubmittedWorkDone()
    assert.equal(faults, [])
    assert.throws(() => step.run(), /the engine was destroyed/)
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
