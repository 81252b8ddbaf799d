import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { InputError, ShapeError } from '../../src/errors.ts'
import { concat, flatten, pad, permute, reshape, slice, stack, toLayout, transpose } from '../../src/ops/copy.ts'
import { mul } from '../../src/ops/pointwise.ts'
import { expand, sum } from '../../src/ops/reduce.ts'
import { type Shape, sizeOf, stridesOf, type Tensor } from '../../src/tensor.ts'
import { checkOp } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('copy')
const iota = (shape: Shape) => Float32Array.from({ length: sizeOf(shape) }, (_, i) => i)

/** out[c] = x[from(c)] for every coordinate c of `shape`; from returns null where the result is `value`. */
function gathered(x: Float64Array, of: Shape, shape: Shape, from: (c: number[]) => number[] | null, value = 0) {
  const [strides, inner] = [stridesOf(of, 'row'), stridesOf(shape, 'row')]
  return Float64Array.from({ length: sizeOf(shape) }, (_, i) => {
    const source = from(shape.map((size, d) => Math.floor(i / inner[d]) % size))
    return source ? x[source.reduce((at, c, d) => at + c * strides[d], 0)] : value
  })
}

for (const layout of ['row', 'chwn'] as const) {
  const shape = [3, 5, 4, 7]
  const inputs = [{ shape, layout }]

  test(`permutes ${layout} axes`, async () => {
    for (const order of [
      [3, 2, 1, 0],
      [1, 0, 2, 3],
      [0, 2, 3, 1],
      [0, 1, 2, 3],
      [-1, 0, -2, 1],
    ]) {
      const from0 = order.map((a) => (a + 4) % 4)
      const to = from0.map((a) => shape[a])
      const back = (c: number[]) => c.map((_, d) => c[from0.indexOf(d)])
      await checkOp({
        name: `permute ${order}`,
        inputs,
        op: (x) => permute(x, order),
        reference: (x) => gathered(x, shape, to, back),
      })
    }
  })

  test(`slices ${layout} tensors, forwards and backwards`, async () => {
    const cases = [
      {
        starts: [1, 0],
        ends: [3, 4],
        axes: [0, 1],
        steps: [1, 2],
        to: [2, 2, 4, 7],
        from: (c: number[]) => [c[0] + 1, 2 * c[1], c[2], c[3]],
      },
      {
        starts: [-1],
        ends: [Number.NEGATIVE_INFINITY],
        axes: [3],
        steps: [-3],
        to: [3, 5, 4, 3],
        from: (c: number[]) => [c[0], c[1], c[2], 6 - 3 * c[3]],
      },
      { starts: [0, 0, 2], ends: [99, -1, 3], to: [3, 4, 1, 7], from: (c: number[]) => [c[0], c[1], 2, c[3]] },
    ]
    for (const { to, from, ...options } of cases) {
      await checkOp({
        name: `slice ${JSON.stringify(options)}`,
        inputs,
        op: (x) => slice(x, options),
        reference: (x) => gathered(x, shape, to, from),
      })
    }
  })

  test(`pads ${layout} tensors, and cuts them with negative pads`, async () => {
    for (const [pads, value] of [
      [[0, 1, 2, 0, 0, 3, 0, 1], 0],
      [[1, 0, -1, 2, 0, -2, 0, -3], 1.5],
    ] as const) {
      const to = shape.map((d, i) => d + pads[i] + pads[i + 4])
      const inside = (c: number[]) => c.every((v, d) => v >= 0 && v < shape[d])
      const from = (c: number[]) => c.map((v, d) => v - pads[d])
      await checkOp({
        name: `pad ${pads}`,
        inputs,
        op: (x) => pad(x, pads, { value }),
        reference: (x) => gathered(x, shape, to, (c) => (inside(from(c)) ? from(c) : null), value),
      })
    }
  })

  test(`continues ${layout} tensors by mirrored and by repeated elements`, async () => {
    const pads = [0, 4, 3, 1, 2, 0, 1, 6]
    const to = shape.map((d, i) => d + pads[i] + pads[i + 4])
    const inner = {
      reflect: (v: number, size: number) => (v < 0 ? -v : v >= size ? 2 * size - 2 - v : v),
      replicate: (v: number, size: number) => Math.min(Math.max(v, 0), size - 1),
    }
    for (const mode of ['reflect', 'replicate'] as const) {
      const from = (c: number[]) => c.map((v, d) => inner[mode](v - pads[d], shape[d]))
      await checkOp({
        name: `pad ${mode}`,
        inputs,
        op: (x) => pad(x, pads, { mode }),
        reference: (x) => gathered(x, shape, to, from),
      })
    }
  })

  test(`reshapes and flattens ${layout} tensors in logical order`, async () => {
    await checkOp({ name: 'reshape', inputs, op: (x) => reshape(x, [7, -1, 2]), reference: (x) => x })
    await checkOp({ name: 'flatten', inputs, op: (x) => flatten(x), reference: (x) => x })
    assert.equal(flatten(engine.zeros(shape, { layout })).shape, [3, 140])
    assert.equal(flatten(engine.zeros(shape, { layout }), 0, 1).shape, [15, 4, 7])
  })

  test(`expands ${layout} tensors`, async () => {
    const narrow = [{ shape: [3, 1, 4, 1], layout }]
    const reference = (x: Float64Array) => gathered(x, [3, 1, 4, 1], [3, 70, 4, 65], (c) => [c[0], 0, c[2], 0])
    await checkOp({ name: 'expand', inputs: narrow, op: (x) => expand(x, [-1, 70, 1, 65]), reference })
    await checkOp({
      name: 'expand to more axes',
      inputs: narrow,
      op: (x) => expand(x, [2, 3, 2, 4, 1]),
      reference: (x) => gathered(x, [3, 1, 4, 1], [2, 3, 2, 4, 1], (c) => [c[1], 0, c[3], 0]),
    })
  })
}

test('changes the layout and back without touching a bit', async () => {
  const x = engine.tensor(iota([3, 5, 2, 7]), [3, 5, 2, 7])
  const there = toLayout(x, 'chwn')
  assert.is(there.layout, 'chwn')
  assert.equal(await there.read(), iota(x.shape))
  assert.equal(await toLayout(there, 'row').read(), iota(x.shape))
  assert.is(toLayout(x, 'row'), x)
  const odd = [Number.NaN, -0, Number.POSITIVE_INFINITY, 2 ** -140]
  const moved = await toLayout(engine.tensor(odd, [1, 2, 2, 1]), 'chwn').read()
  assert.ok(odd.every((v, i) => Object.is(v, moved[i])))
})

test('flows gradients through layouts', () =>
  checkOp({
    name: 'toLayout',
    inputs: [{ shape: [65, 3, 2, 2] }],
    op: (x) => toLayout(x, 'chwn'),
    reference: (x) => x,
  }))

test('concatenates along every axis, layouts mixed', async () => {
  for (const axis of [0, 1, 2, -1]) {
    const at = (axis + 4) % 4
    const shapes = [3, 1, 4].map((n) => [2, 3, 2, 5].map((d, i) => (i === at ? n : d)))
    const to = [2, 3, 2, 5].map((d, i) => (i === at ? 8 : d))
    const part = (x: Float64Array, shape: Shape, start: number) =>
      gathered(x, shape, to, (c) => {
        const v = c[at] - start
        return v >= 0 && v < shape[at] ? c.map((w, i) => (i === at ? v : w)) : null
      })
    await checkOp({
      name: `concat along ${axis}`,
      inputs: shapes.map((shape, i) => ({ shape, layout: i === 1 ? ('row' as const) : ('chwn' as const) })),
      op: (...x) => concat(x, axis),
      reference: (...x) => {
        const parts = [part(x[0], shapes[0], 0), part(x[1], shapes[1], 3), part(x[2], shapes[2], 4)]
        return parts[0].map((v, i) => v + parts[1][i] + parts[2][i])
      },
    })
  }
})

test('stacks along a new axis, layouts mixed', async () => {
  const shape = [2, 3, 1, 5]
  for (const axis of [0, 2, -1]) {
    const at = (axis + 5) % 5
    const to = [...shape.slice(0, at), 2, ...shape.slice(at)]
    const pick = (x: Float64Array, k: number) =>
      gathered(x, shape, to, (c) => (c[at] === k ? c.filter((_, i) => i !== at) : null))
    await checkOp({
      name: `stack along ${axis}`,
      inputs: [{ shape, layout: 'chwn' }, { shape }],
      op: (a, b) => stack([a, b], axis),
      reference: (a, b) => pick(a, 0).map((v, i) => v + pick(b, 1)[i]),
    })
  }
})

test('transposes the last two axes by default', async () => {
  const x = engine.tensor(iota([2, 2, 3]), [2, 2, 3])
  assert.equal([...(await transpose(x).read())], [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11])
  assert.equal([...(await transpose(x, 0, 1).read())], [0, 1, 2, 6, 7, 8, 3, 4, 5, 9, 10, 11])
})

test('moves whole numbers of any type', async () => {
  const x = engine.tensor([-1, 2 ** 31 - 1, -(2 ** 31), 7], [2, 2], { dtype: 'i32' })
  const moved = concat([transpose(x), pad(slice(x, { starts: [1], ends: [2] }), [0, 0, 1, 0], { value: -5 })])
  assert.is(moved.dtype, 'i32')
  assert.equal([...(await moved.read())], [-1, -(2 ** 31), 2 ** 31 - 1, 7, -(2 ** 31), 7, -5, -5])
})

test('keeps up to 8 axes apart', async () => {
  const shape = [2, 3, 2, 2, 2, 3]
  await checkOp({
    name: 'permute rank 6',
    inputs: [{ shape }],
    op: (x) => permute(x),
    reference: (x) => gathered(x, shape, [...shape].reverse(), (c) => [...c].reverse()),
  })
  const nine = engine.zeros([2, 2, 2, 2, 2, 2, 2, 2, 2])
  assert.throws(
    () => permute(nine),
    (e: Error) => e instanceof ShapeError && e.message.includes('more than 8 axes'),
  )
})

test('adds up the gradients of a tensor used several times', async () => {
  const reference = (x: Float64Array) =>
    Float64Array.of(x.reduce((s, v, i) => s + v * v + v * (i % 3 === 1 ? 2 : 0), 0))
  await checkOp({
    name: 'sum(x·x) + 2 sum(x[:, 1])',
    inputs: [{ shape: [4, 3] }],
    op: (x: Tensor) => {
      const middle = slice(x, { starts: [1], ends: [2], axes: [1] })
      const parts = [reshape(mul(x, x), [-1]), flatten(middle, 0), reshape(transpose(middle), [4])]
      return reshape(sum(concat(parts)), [1])
    },
    reference,
  })
})

test('overwrites the whole of an old gradient that counts as empty', async () => {
  const x = engine.tensor(iota([5]), [5], { requiresGrad: true })
  const cut = [() => slice(x, { starts: [1], ends: [4] }), () => pad(x, [-1, -1])]
  for (const op of cut) {
    backward(sum(mul(x, 9)))
    x.gradEmpty = true
    backward(op(), engine.tensor([1, 2, 3]))
    assert.equal([...(await x.grad!.read())], [0, 1, 2, 3, 0])
  }
})

test('takes tensors without elements', async () => {
  const x = engine.zeros([2, 0, 3], { requiresGrad: true })
  assert.equal((await permute(x).read()).length, 0)
  assert.equal(slice(engine.zeros([20, 10, 5]), { starts: [1000], ends: [1000], axes: [1] }).shape, [20, 0, 5])
  const y = pad(concat([x, x], 1), [0, 1, 0, 0, 0, 0], { value: 2 })
  assert.equal([...(await y.read())], [2, 2, 2, 2, 2, 2])
  backward(y, engine.zeros([2, 1, 3]))
  assert.equal((await x.grad!.read()).length, 0)
})

test('names the shapes that do not fit', () => {
  const x = engine.zeros([2, 3])
  const shape = (message: string) => (e: Error) => e instanceof ShapeError && e.message.includes(message)
  const input = (message: string) => (e: Error) => e instanceof InputError && e.message.includes(message)
  assert.throws(() => reshape(x, [4, -1]), shape("reshape: [2, 3] can't become [4, -1]"))
  assert.throws(() => reshape(x, [-1, -1]), shape("can't become [-1, -1]"))
  assert.throws(() => permute(x, [0, 0]), shape('permute: [0,0] is no order of the axes of [2, 3]'))
  assert.throws(() => permute(x, [0, 2]), shape('there is no axis 2 in [2, 3]'))
  assert.throws(() => slice(x, { starts: [0], ends: [1, 2] }), shape('slice: starts [0], ends [1,2]'))
  assert.throws(() => slice(x, { starts: [0], ends: [1], steps: [0] }), input('a step is a whole number other than 0'))
  assert.throws(() => slice(x, { starts: [0.5], ends: [2] }), input('whole numbers or infinite, got 0.5'))
  assert.throws(() => slice(x, { starts: [0], ends: [Number.NaN] }), input('whole numbers or infinite, got NaN'))
  assert.throws(() => pad(x, [0.5, 0, 0.5, 0]), shape("pad: pads [0.5,0,0.5,0] don't fit [2, 3]"))
  assert.throws(() => concat([x, engine.zeros([2, 4])]), shape("concat: [2, 4] doesn't continue [2, 3] along axis 0"))
  assert.throws(() => concat([]), input('at least one'))
  assert.throws(() => stack([x, engine.zeros([3, 2])]), shape('stack: [3, 2] and [2, 3] differ'))
  assert.throws(() => pad(x, [1, 1]), shape("pad: pads [1,1] don't fit [2, 3]"))
  assert.throws(() => pad(x, [0, -2, 0, -2]), shape("don't fit [2, 3]"))
  assert.throws(() => pad(x, [2, 0, 0, 0], { mode: 'reflect' }), shape("pad: mode reflect can't continue [2, 3]"))
  assert.throws(() => pad(x, [0, -1, 0, 0], { mode: 'replicate' }), shape("pad: mode replicate can't continue [2, 3]"))
  assert.throws(
    () => pad(x, [1, 0, 0, 0], { mode: 'wrap' as 'reflect' }),
    input('mode is constant, reflect or replicate'),
  )
  assert.throws(() => expand(x, [2, 4]), shape("expand: [2, 3] and [2, 4] don't broadcast"))
  assert.throws(() => toLayout(x, 'chwn'), shape('chwn needs rank 4, got [2, 3]'))
})

test.run()
