import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../src/autograd.ts'
import { DeviceLostError, OutOfMemoryError, ShaderError } from '../src/errors.ts'
import { requestDevice } from '../src/gpu/device.ts'
import { Faults } from '../src/gpu/faults.ts'
import { kernels } from '../src/gpu/kernel.ts'
import { parseShader } from '../src/gpu/shader.ts'
import { init } from '../src/node.ts'
import { conv2d } from '../src/ops/conv2d.ts'
import { add, mul, scale } from '../src/ops/pointwise.ts'
import { relu } from '../src/ops/relu.ts'
import { assign, empty, type Tensor } from '../src/tensor.ts'
import { allclose, uniform } from './check.ts'
import { engine } from './device.ts'

const test = suite('gpu')

const SOURCE = `// demo: y = a·x, on a tile of T.
enable subgroups;
struct Params { scale: f32, list: array<vec4u, 2>, n: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
override WG: u32 = 32u;
@compute @workgroup_size(WG, 2)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < p.n) { y[id.x] = p.scale * x[id.x] + f32(p.list[1].y); }
}
`
/** A kernel of its own per test, on an engine of its own: a fault ends an engine. */
const fresh = () => init({ adapter: process.env.WEBGPU_DISTILL_ADAPTER })
const plain = (body: string) => `// plain: a test kernel.
struct Params { n: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < p.n) { ${body} }
}
`
const failure = async (run: () => Promise<unknown>): Promise<Error> => {
  try {
    await run()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

test('reads bindings, parameters, overrides and entry points from the file', () => {
  const shader = parseShader(SOURCE)
  assert.is(shader.stem, 'demo')
  assert.equal(
    [...shader.bindings.values()].map((b) => [b.name, b.index, b.access]),
    [
      ['p', 0, 'uniform'],
      ['x', 1, 'read'],
      ['y', 2, 'write'],
    ],
  )
  assert.equal(
    [...shader.fields.values()].map((f) => [f.name, f.type, f.offset, f.length]),
    [
      ['scale', 'f32', 0, 1],
      ['list', 'u32', 16, 8],
      ['n', 'u32', 48, 1],
    ],
  )
  assert.equal(shader.entries.get('main'), ['WG', '2'])
})

test('a name the shader does not have is an error that lists those it has', () => {
  const { main } = kernels<'main'>(plain('y[i] = x[i];'))
  const [x, y] = [engine.full([4], 1), empty(engine.gpu, [4])]
  assert.throws(() => main({ x, z: y }, { n: 4 }, { threads: [4] }), /plain.main has no binding 'z': p,x,y/)
  assert.throws(() => main({ x, y }, { m: 4 }, { threads: [4] }), /plain.main: parameter 'n' is missing/)
  assert.throws(() => main({ x, y }, { n: 4, m: 4 }, { threads: [4] }), /plain.main has no parameter 'm': n/)
})

test('a header declares types, numbers and vectors before the file', async () => {
  const { main } = kernels<'main'>(plain('y[i] = Element(FIRST[i] + TILE) * x[i];'))
  const y = empty(engine.gpu, [4])
  const header = { Element: 'f32', TILE: 3, FIRST: [10, 20, 30, 40] } as const
  main({ x: engine.full([4], 0.5), y }, { n: 4 }, { threads: [4] }, { header })
  assert.equal([...(await y.read())], [6.5, 11.5, 16.5, 21.5])
})

test('a grid beyond 65,535 workgroups is folded', async () => {
  const { main } = kernels<'main'>(plain('y[i] = f32(i % 1024u) + x[0];'))
  const n = 65_535 * 64 + 100
  const y = engine.step(() => {
    const out = empty(engine.gpu, [n])
    main({ x: engine.full([1], 0.5), y: out }, { n }, { threads: [n] })
    return out
  })
  const got = await y.read()
  for (const i of [0, 65_535 * 64 - 1, 65_535 * 64, n - 1]) assert.is(got[i], (i % 1024) + 0.5)
})

test('a grid of two numbers is not folded, even where the second is 1', () => {
  const { main } = kernels<'main'>(plain('y[i] = x[i];'))
  const [x, y] = [engine.full([4], 1), empty(engine.gpu, [4])]
  assert.throws(
    () => main({ x, y }, { n: 4 }, { groups: [70_000, 1] }),
    /plain.main: 70000,1,1 workgroups, at most 65535 each/,
  )
})

test('WGSL that does not compile says file, line, column and why', async () => {
  const own = await fresh()
  const { main } = kernels<'main'>(plain('y[i] = nonsense(x[i]);'))
  const y = empty(own.gpu, [4])
  const error = await failure(async () => {
    main({ x: own.full([4], 1), y }, { n: 4 }, { threads: [4] }, { header: { TILE: 4 } })
    await y.read()
  })
  own.destroy()
  assert.instance(error, ShaderError)
  assert.match(error.message, /^plain.wgsl:10:25: unresolved call target 'nonsense' \(plain.main TILE=4\)$/)
})

test('a tensor of a step that has ended says so', async () => {
  let inner = engine.full([1], 0)
  const kept = engine.step(() => {
    inner = relu(engine.full([4], 1))
    return add(inner, inner)
  })
  assert.equal([...(await kept.read())], [2, 2, 2, 2])
  assert.match((await failure(() => inner.read())).message, /was made inside a step that has ended; return it/)
})

test('a step takes a synchronous function', () => {
  assert.throws(() => engine.step(async () => relu(engine.full([1], 1))), /takes a synchronous function, got a promise/)
})

test('a captured step replays with new inputs and new scalars, to the bits of the eager code', async () => {
  const x = engine.tensor([1, 2, 3], [3], { requiresGrad: true })
  const factor = engine.scalar('factor', 1)
  const run = () => {
    x.gradEmpty = true
    const y = scale(mul(relu(x), x), factor)
    backward(y, engine.full([3], 1))
    return y
  }
  const step = engine.capture('square', run)
  await step.compile()
  for (const [by, ...values] of [
    [0.3, 1, -2, 0.1],
    [7, -0.5, 7, 1e-3],
  ]) {
    assign(x, values)
    factor.value = by
    step.run()
    const [y, dx] = [await step.outputs.read(), await x.grad!.read()]
    const eager = engine.step(run)
    assert.equal(y, await eager.read())
    assert.equal(dx, await x.grad!.read())
    allclose(
      dx,
      values.map((v) => 2 * by * Math.max(v, 0)),
    )
  }
})

test('two engines live side by side and do not mix', async () => {
  const other = await fresh()
  const [a, b] = [engine.full([2], 1), other.full([2], 2)]
  assert.throws(() => add(a, b), /belongs to another engine/)
  assert.throws(() => engine.capture('mixed', () => relu(b)), /mixed: relu belongs to another engine/)
  assert.equal([...(await add(b, b).read())], [4, 4])
  other.destroy()
  assert.throws(() => relu(b), /the engine was destroyed/)
  assert.equal([...(await add(a, a).read())], [2, 2])
})

test('a device that was handed in outlives the engine', async () => {
  const owner = await fresh()
  const { device } = owner.gpu
  const guest = await init({ device })
  assert.is(guest.info.software, owner.info.software)
  assert.equal([...(await relu(guest.tensor([-1, 1])).read())], [0, 1])
  guest.destroy()
  assert.equal([...(await relu(owner.tensor([-1, 2])).read())], [0, 2])
  owner.destroy()
})

test('an engine that is destroyed while it reads does no harm to another on its device', async () => {
  const owner = await fresh()
  const guest = await init({ device: owner.gpu.device })
  const y = relu(guest.tensor([1]))
  const reads = [y.read(), y.read(), guest.settled()]
  const last = relu(y)
  guest.destroy()
  for (const outcome of await Promise.allSettled([...reads, last.read()])) {
    assert.match(String((outcome as PromiseRejectedResult).reason), /the engine was destroyed/)
  }
  assert.equal([...(await relu(owner.tensor([-1, 2])).read())], [0, 2])
  owner.destroy()
})

test('an engine that is destroyed no longer listens to the errors of a device that was handed in', async () => {
  const owner = await fresh()
  const { device } = owner.gpu
  const guest = await init({ device })
  guest.destroy()
  const heard: boolean[] = []
  device.addEventListener('uncapturederror', (event) => {
    heard.push(event.defaultPrevented)
    event.preventDefault()
  })
  owner.gpu.faults.close()
  device.createBuffer({ size: 4, usage: 0 })
  await device.queue.onSubmittedWorkDone()
  assert.equal(heard, [false])
  owner.destroy()
})

test('a lost device is a typed error that says what was running', async () => {
  const own = await fresh()
  const y = relu(own.full([4], 1))
  await y.read()
  own.gpu.device.destroy()
  await new Promise((resolve) => setTimeout(resolve, 20))
  const error = await failure(() => relu(own.full([4], 1)).read())
  assert.instance(error, DeviceLostError)
  assert.match(error.message, /device lost while running eager.*Make a new engine with init\(\)/)
})

test('a device that is lost during a read is told as lost, where mapping fails before that is known, too', async () => {
  const own = await fresh()
  const { device } = own.gpu
  const createBuffer = device.createBuffer.bind(device)
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor)
    buffer.mapAsync = async () => {
      setTimeout(() => device.destroy(), 10)
      throw new Error('aborted')
    }
    return buffer
  }
  const error = await failure(() => relu(own.full([4], 1)).read())
  assert.instance(error, DeviceLostError)
  own.destroy()
})

test('a device is asked for bindings and buffers as large as the adapter has them', async () => {
  const limits = { maxStorageBufferBindingSize: 2 ** 31, maxBufferSize: 2 ** 32 }
  const asked: (GPUDeviceDescriptor | undefined)[] = []
  const adapter = {
    features: new Set(['subgroups', 'float32-filterable']),
    limits: { ...limits, maxBindGroups: 8, maxStorageBuffersPerShaderStage: 44 },
    requestDevice: async (descriptor?: GPUDeviceDescriptor) => asked.push(descriptor),
  }
  await requestDevice(adapter as unknown as GPUAdapter)
  assert.equal(asked[0]?.requiredLimits, { ...limits, maxStorageBuffersPerShaderStage: 10 })
  assert.equal(asked[0]?.requiredFeatures, ['subgroups'])
  await requestDevice(adapter as unknown as GPUAdapter, false)
  assert.equal(asked[1]?.requiredFeatures, [])
})

test('an engine can do without subgroups, on a device that has none or on one that is handed in', async () => {
  const own = await init({ adapter: process.env.WEBGPU_DISTILL_ADAPTER, subgroups: false })
  const guest = await init({ device: engine.gpu.device, subgroups: false })
  assert.equal([own.info.subgroupSize, guest.info.subgroupSize], [0, 0])
  assert.not.ok(own.info.features.includes('subgroups'))
  const [x, w] = [uniform(16 * 4 * 8 * 8, 1), uniform(8 * 4 * 3 * 3, 2)]
  const [want, ...got] = await Promise.all(
    [engine, own, guest].map((on) => {
      const input = on.tensor(x, [16, 4, 8, 8], { layout: 'chwn' })
      return conv2d(input, on.tensor(w, [8, 4, 3, 3]), null, { padding: 1 }).read()
    }),
  )
  for (const y of got) allclose(y, want)
  own.destroy()
  guest.destroy()
})

test('a tensor larger than a binding is refused with its size and the limit', () => {
  const n = engine.gpu.device.limits.maxStorageBufferBindingSize / 4 + 1
  assert.throws(
    () => engine.step(() => relu(empty(engine.gpu, [n]))),
    /tensor: \d+ bytes in one tensor, the adapter binds at most \d+/,
  )
  try {
    engine.zeros([n])
  } catch (error) {
    assert.instance(error, OutOfMemoryError)
  }
})

test('a step returns no tensor of one that has ended', async () => {
  const x = engine.full([4], 2)
  const out: { h?: Tensor; y?: Tensor } = {}
  engine.step(() => {
    out.h = relu(x)
    return add(out.h, x)
  })
  assert.throws(() => {
    engine.step(() => {
      out.y = add(x, x)
      return out
    })
  }, /was made inside a step that has ended/)
})

test('a tensor of a step that failed says so', () => {
  const x = engine.full([4], 2)
  let h: Tensor | undefined
  for (const run of [(fn: () => void) => engine.step(fn), (fn: () => void) => engine.capture('c', fn)]) {
    assert.throws(
      () =>
        run(() => {
          h = relu(x)
          throw new Error('mine')
        }),
      'mine',
    )
    assert.throws(() => add(h!, x), /was made inside '.*', which failed/)
  }
})

test('a captured gradient of a tensor outside of Parameters is overwritten by every run', async () => {
  const x = engine.tensor([1, 3], [2], { requiresGrad: true })
  const square = () => backward(mul(x, x), engine.full([2], 1))
  square()
  square()
  assert.equal([...(await x.grad!.read())], [4, 12], 'eager ones add up')
  for (const again of [false, true]) {
    if (again) x.grad = null
    const steps = [engine.capture('one', square), engine.capture('two', square)]
    for (const step of [...steps, ...steps]) {
      step.run()
      assert.equal([...(await x.grad!.read())], [2, 6])
    }
  }
  const twice = engine.capture('twice', () => {
    square()
    square()
  })
  twice.run()
  twice.run()
  assert.equal([...(await x.grad!.read())], [4, 12], 'two of one step add up')
})

test('waiting leaves nothing behind on the host', async () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const device = { lost: new Promise(() => {}), addEventListener() {} } as unknown as GPUDevice
  const faults = new Faults(device)
  const used = async () => {
    for (let i = 0; i < 3; i++) {
      gc()
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    return process.memoryUsage().heapUsed
  }
  const wait = async () => {
    for (let i = 0; i < 20_000; i++) await faults.orLost(Promise.resolve(i))
  }
  await wait()
  const before = await used()
  await wait()
  const bytes = ((await used()) - before) / 20_000
  assert.ok(bytes < 50, `${bytes} bytes a wait`)
})

test('a run that is over keeps no tensors alive, though nobody has waited since', async () => {
  const other = await fresh()
  const x = other.full([64], 1)
  await other.settled()
  const tape = other.gpu.trace(
    'once',
    () => relu(x),
    () => [],
    true,
  ).tape
  assert.is(tape.commands.length, 1)
  tape.replay()
  tape.release()
  assert.is(tape.commands.length, 0)
  await other.settled()
  other.destroy()
})

test.run()
