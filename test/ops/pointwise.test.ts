import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { InputError, ShapeError } from '../../src/errors.ts'
import { reshape } from '../../src/ops/copy.ts'
import type { Operand } from '../../src/ops/operands.ts'
import { abs, add, addRelu, div, exp, log, mul, neg, scale, sqrt, sub } from '../../src/ops/pointwise.ts'
import { sum } from '../../src/ops/reduce.ts'
import { type Layout, type Shape, sizeOf, type Tensor } from '../../src/tensor.ts'
import { broadcast, checkOp, uniform } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('pointwise')

const BINARY = { add, sub, mul, div } as const
const EXACT = {
  add: (a: number, b: number) => a + b,
  sub: (a: number, b: number) => a - b,
  mul: (a: number, b: number) => a * b,
  div: (a: number, b: number) => a / b,
}
const names = ['add', 'sub', 'mul', 'div'] as const

/** Values between 0.5 and 1.5, of both signs where `signed`: nothing to divide by is near 0. */
const away = (shape: Shape, seed: number, signed = true) =>
  uniform(sizeOf(shape), seed).map((v) => (Math.abs(v) + 0.5) * (signed && v < 0 ? -1 : 1))

async function checkBinary(
  shapes: [Shape, Shape],
  to: Shape,
  layouts: [Layout, Layout] = ['row', 'row'],
): Promise<void> {
  for (const name of names) {
    await checkOp({
      name: `${name} [${shapes[0]}] ${layouts[0]}, [${shapes[1]}] ${layouts[1]}`,
      inputs: shapes.map((shape, i) => ({ shape, layout: layouts[i], data: away(shape, 3 + i) })),
      op: (a, b) => BINARY[name](a, b),
      reference: broadcast(EXACT[name], shapes, to),
    })
  }
}

// Where innermost lines come in fours, kernels read four values a load: shapes that do, and shapes that don't.
const FOURS = [8, 5, 2, 2]
const ODD = [3, 5, 2, 7]

for (const shape of [[1], [63], [64], [65], [3, 257], FOURS]) {
  test(`computes [${shape}] element by element`, () => checkBinary([shape, shape], shape))
}

test('repeats either operand along any axis', async () => {
  await checkBinary([[3, 5], [5]], [3, 5])
  await checkBinary([[5], [3, 5]], [3, 5])
  await checkBinary(
    [
      [3, 1],
      [1, 5],
    ],
    [3, 5],
  )
  await checkBinary([[], [2, 3]], [2, 3])
  await checkBinary([[1], []], [1])
  await checkBinary(
    [
      [2, 1, 3, 1, 2, 1],
      [4, 1, 5, 1, 3],
    ],
    [2, 4, 3, 5, 2, 3],
  )
  await checkBinary(
    [
      [70, 1],
      [70, 65],
    ],
    [70, 65],
  )
})

test('repeats lines that come in fours, but for those that are repeated along the line', async () => {
  await checkBinary([[3, 8], [8]], [3, 8])
  await checkBinary([[8], [3, 8]], [3, 8])
  const outer = [2, 3, 8]
  await checkBinary([outer, [2, 1, 8]], outer)
  await checkBinary([outer, [2, 3, 1]], outer)
  await checkBinary(
    [
      [2, 3, 1],
      [2, 1, 8],
    ],
    outer,
  )
  for (const shape of [
    [8, 1, 2, 2],
    [1, 5, 1, 1],
    [8, 1, 1, 1],
  ]) {
    await checkBinary([FOURS, shape], FOURS, ['chwn', 'chwn'])
    await checkBinary([shape, FOURS], FOURS, ['row', 'chwn'])
  }
})

test('takes operands of different layouts', async () => {
  await checkBinary([FOURS, FOURS], FOURS, ['chwn', 'chwn'])
  await checkBinary([FOURS, FOURS], FOURS, ['chwn', 'row'])
  const whole = ODD
  for (const shape of [whole, [1, 5, 1, 1], [5, 1, 1], [3, 1, 2, 1], []]) {
    await checkBinary([whole, shape], whole, ['chwn', 'row'])
    await checkBinary([shape, whole], whole, ['row', 'chwn'])
  }
  await checkBinary([whole, whole], whole, ['chwn', 'chwn'])
  await checkBinary([whole, [1, 5, 1, 7]], whole, ['row', 'chwn'])
  await checkBinary(
    [
      [3, 1, 2, 7],
      [1, 5, 1, 7],
    ],
    whole,
    ['row', 'chwn'],
  )
  const [x, r] = [engine.zeros(whole, { layout: 'chwn' }), engine.zeros([5, 1, 1])]
  assert.is(mul(r, x).layout, 'chwn')
  assert.is(add(engine.zeros(whole), engine.zeros([1, 1, 1, 7], { layout: 'chwn' })).layout, 'row')
})

test('takes numbers and scalars on either side', async () => {
  const c = engine.scalar('c', 1.75)
  const all = names.flatMap((name) =>
    [1.75, c].flatMap((value) => [ODD, FOURS].map((shape) => ({ name, value, shape }))),
  )
  for (const { name, value, shape } of all) {
    const check = (op: (x: Tensor) => Tensor, f: (v: number) => number) =>
      checkOp({
        name: `${name} with a number`,
        inputs: [{ shape, layout: 'chwn', data: away(shape, 5) }],
        op,
        reference: (x) => x.map(f),
      })
    await check(
      (x) => BINARY[name](x, value),
      (v) => EXACT[name](v, 1.75),
    )
    await check(
      (x) => BINARY[name](value, x),
      (v) => EXACT[name](1.75, v),
    )
  }
})

test('follows a scalar that changes between the runs of a captured step', async () => {
  const [c, x] = [engine.scalar('c', 2), engine.tensor([1, 2, 3])]
  const step = engine.capture('scaled', () => sub(c, scale(x, c)))
  step.run()
  assert.equal([...(await step.outputs.read())], [0, -2, -4])
  c.value = 10
  step.run()
  assert.equal([...(await step.outputs.read())], [0, -10, -20])
  step.release()
})

test('the gradient is that of the value a scalar had at the call, eager and in a step', async () => {
  for (const run of [(fn: () => void) => fn(), (fn: () => void) => engine.step(fn)]) {
    const [c, d] = [engine.scalar('c', 2), engine.scalar('d', 4)]
    const x = engine.tensor([1, 3], [2], { requiresGrad: true })
    run(() => {
      const y = sum(div(mul(x, c), d))
      c.value = 100
      d.value = 1
      backward(y)
    })
    assert.equal([...(await x.grad!.read())], [0.5, 0.5])
  }
})

test('agrees with float64 on functions of one tensor', async () => {
  for (const shape of [[1], [65], ODD, FOURS]) {
    const layout = shape.length === 4 ? ('chwn' as const) : ('row' as const)
    const inputs = [{ shape, layout, data: away(shape, 9, false) }]
    await checkOp({ name: 'exp', inputs, op: exp, reference: (x) => x.map(Math.exp) })
    await checkOp({ name: 'log', inputs, op: log, reference: (x) => x.map(Math.log) })
    await checkOp({ name: 'sqrt', inputs, op: sqrt, reference: (x) => x.map(Math.sqrt) })
    const signed = [{ shape, layout, data: away(shape, 9) }]
    await checkOp({ name: 'abs', inputs: signed, op: abs, reference: (x) => x.map(Math.abs) })
    await checkOp({ name: 'neg', inputs, op: neg, reference: (x) => x.map((v) => -v) })
    await checkOp({ name: 'scale', inputs, op: (x) => scale(x, -2.5), reference: (x) => x.map((v) => -2.5 * v) })
  }
})

test('the logarithm at 0, below, at infinity and of NaN', async () => {
  const infinite = Number.POSITIVE_INFINITY
  const x = [0, -0, -2, -infinite, infinite, Number.NaN, 1]
  const want = [-infinite, -infinite, Number.NaN, Number.NaN, infinite, Number.NaN, 0]
  assert.equal([...(await log(engine.tensor(x)).read())], want)
  assert.equal([...(await log(engine.tensor([...x, 1])).read())], [...want, 0])
})

test('adds a residual and clips in one, whatever the layouts', async () => {
  const reference = (x: Float64Array, r: Float64Array) => x.map((v, i) => Math.max(v + r[i], 0))
  for (const [a, b, shape] of [
    ['row', 'row', ODD],
    ['chwn', 'chwn', ODD],
    ['chwn', 'chwn', FOURS],
    ['chwn', 'row', ODD],
    ['row', 'chwn', ODD],
  ] as const) {
    const inputs = [
      { shape, layout: a },
      { shape, layout: b },
    ]
    await checkOp({ name: `addRelu ${a} ${b}`, inputs, op: addRelu, reference })
    for (const unwanted of [0, 1]) {
      const one = inputs.map((x, i) => ({ ...x, grad: i !== unwanted }))
      await checkOp({ name: `addRelu without gradient ${unwanted}`, inputs: one, op: addRelu, reference })
    }
  }
})

test('addRelu has gradient 0 where the sum is 0', async () => {
  const x = engine.tensor([1, -1, 0.5, -2], [4], { requiresGrad: true })
  const r = engine.tensor([-1, 1, 0.5, 1], [4], { requiresGrad: true })
  backward(addRelu(x, r), engine.tensor([1, 2, 3, 4]))
  assert.equal([...(await x.grad!.read())], [0, 0, 3, 0])
  assert.equal([...(await r.grad!.read())], [0, 0, 3, 0])
})

test('addRelu keeps a NaN', async () => {
  const [x, r, want] = [
    [Number.NaN, -1, 1, -1],
    [1, 0.5, 1, Number.NaN],
    [Number.NaN, 0, 2, Number.NaN],
  ]
  for (const n of [3, 4]) {
    const y = addRelu(engine.tensor(x.slice(0, n)), engine.tensor(r.slice(0, n)))
    assert.equal([...(await y.read())], want.slice(0, n))
  }
})

test('adds up the gradients of a tensor used on both sides and on several paths', async () => {
  const shape = [4, 3, 2, 2]
  await checkOp({
    name: 'x + x',
    inputs: [{ shape, layout: 'chwn' }],
    op: (x) => add(x, x),
    reference: (x) => x.map((v) => 2 * v),
  })
  await checkOp({
    name: 'a residual net of products',
    inputs: [
      { shape, layout: 'chwn', data: away(shape, 4) },
      { shape: [3, 1, 1], data: away([3], 5) },
    ],
    op: (x, w) => {
      const a = mul(x, w)
      const b = add(a, exp(neg(a)))
      return add(sub(b, div(a, x)), mul(a, b))
    },
    reference: (x, w) =>
      x.map((v, i) => {
        const a = v * w[Math.floor(i / 4) % 3]
        const b = a + Math.exp(-a)
        return b - a / v + a * b
      }),
  })
})

test('adds to gradients of earlier passes', async () => {
  for (const n of [3, 4]) {
    const x = engine.tensor(new Float32Array(n).fill(2), [n], { requiresGrad: true })
    const b = engine.tensor([10], [1], { requiresGrad: true })
    for (let i = 0; i < 3; i++) backward(sum(mul(add(x, b), 2)))
    assert.equal([...(await x.grad!.read())], Array(n).fill(6))
    assert.equal([...(await b.grad!.read())], [6 * n])
  }
})

test('never writes into the upstream gradient, given or implied', async () => {
  const upstream = engine.tensor([1], [1])
  for (let i = 0; i < 3; i++) {
    const x = engine.tensor([3], [1], { requiresGrad: true })
    const a = mul(x, 2)
    backward(add(a, reshape(add(a, 0), [1])), upstream)
    assert.equal([...(await x.grad!.read())], [4])
    const z = engine.tensor([3], [1], { requiresGrad: true })
    const c = mul(z, 2)
    backward(add(c, mul(add(c, 0), 5)))
    assert.equal([...(await z.grad!.read())], [12])
  }
  assert.equal([...(await upstream.read())], [1])
})

test('takes tensors without elements', async () => {
  const x = engine.zeros([0, 3], { requiresGrad: true })
  const b = engine.tensor([1, 2, 3], [3], { requiresGrad: true })
  const y = addRelu(mul(exp(x), b), x)
  assert.equal(y.shape, [0, 3])
  assert.is((await y.read()).length, 0)
  backward(y, engine.zeros([0, 3]))
  assert.equal([...(await b.grad!.read())], [0, 0, 0])
})

test('names the operation and what does not fit', () => {
  const x = engine.zeros([2, 3])
  const whole = engine.zeros([2, 3], { dtype: 'i32' })
  const shape = (message: string) => (e: Error) => e instanceof ShapeError && e.message === message
  const input = (message: string) => (e: Error) => e instanceof InputError && e.message === message
  assert.throws(() => add(x, engine.zeros([2])), shape("add: [2, 3] and [2] don't broadcast"))
  assert.throws(() => div(engine.zeros([4, 2]), x), shape("div: [4, 2] and [2, 3] don't broadcast"))
  assert.throws(() => addRelu(x, engine.zeros([3])), shape('addRelu: [2, 3] and [3] differ'))
  assert.throws(() => mul(x, whole), input("mul: needs f32, got i32 [2, 3]; cast(x, 'f32') makes it so"))
  assert.throws(() => sqrt(whole), input("sqrt: needs f32, got i32 [2, 3]; cast(x, 'f32') makes it so"))
  const needs = 'mul: needs tensors, or a tensor and a number or Scalar, got'
  assert.throws(() => mul(2 as Operand, 3), input(`${needs} 2 and 3`))
  assert.throws(() => mul(x, [5, 7] as unknown as number), /^mul: needs tensors, .* and 5,7$/)
  assert.throws(() => mul(x, undefined as unknown as number), /^mul: needs tensors, .* and undefined$/)
})

test.run()
