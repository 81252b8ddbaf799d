import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { linear } from '../../src/ops/linear.ts'
import { matmul } from '../../src/ops/matmul.ts'
import { type Shape, sizeOf, type Tensor } from '../../src/tensor.ts'
import { allclose, checkOp, uniform } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('matmul')

const offset = (shape: Shape, index: number[]) => {
  const own = index.slice(index.length - shape.length)
  return shape.reduce((at, d, i) => at * d + (d === 1 ? 0 : own[i]), 0)
}

/** The definition, of row-major arrays whose shapes have rank 2 or more. */
function reference(a: Float64Array, sa: Shape, b: Float64Array, sb: Shape, transposeA = false, transposeB = false) {
  const batchA = sa.slice(0, -2)
  const batchB = sb.slice(0, -2)
  const rank = Math.max(batchA.length, batchB.length)
  const at = (s: Shape, i: number) => s[s.length - rank + i] ?? 1
  const batch = Array.from({ length: rank }, (_, i) => (at(batchA, i) === 1 ? at(batchB, i) : at(batchA, i)))
  const [ma, ka] = transposeA ? [sa.at(-1)!, sa.at(-2)!] : [sa.at(-2)!, sa.at(-1)!]
  const n = transposeB ? sb.at(-2)! : sb.at(-1)!
  const out = new Float64Array(sizeOf(batch) * ma * n)
  for (let o = 0; o < out.length; o++) {
    const [i, j] = [Math.floor(o / n) % ma, o % n]
    let rest = Math.floor(o / n / ma)
    const index = batch.map(() => 0)
    for (let axis = rank - 1; axis >= 0; axis--) {
      index[axis] = rest % batch[axis]
      rest = Math.floor(rest / batch[axis])
    }
    const [baseA, baseB] = [offset(batchA, index) * ma * ka, offset(batchB, index) * ka * n]
    for (let k = 0; k < ka; k++)
      out[o] += a[baseA + (transposeA ? k * ma + i : i * ka + k)] * b[baseB + (transposeB ? j * ka + k : k * n + j)]
  }
  return out
}

const cases: [Shape, Shape][] = [
  [
    [1, 1],
    [1, 1],
  ],
  [
    [2, 3],
    [3, 5],
  ],
  [
    [16, 16],
    [16, 16],
  ],
  [
    [17, 33],
    [33, 9],
  ],
  [
    [64, 16],
    [16, 64],
  ],
  [
    [65, 70],
    [70, 67],
  ],
  [
    [128, 5],
    [5, 130],
  ],
  [
    [3, 4, 5],
    [3, 5, 2],
  ],
  [
    [4, 5],
    [3, 5, 2],
  ],
  [
    [2, 1, 4, 5],
    [3, 5, 2],
  ],
  [
    [2, 3, 7, 4],
    [1, 1, 4, 19],
  ],
  [
    [2, 1, 3, 1, 4, 5],
    [3, 1, 5, 2],
  ],
  [
    [3, 1, 4, 5],
    [2, 1, 1, 5, 2],
  ],
]
for (const [sa, sb] of cases)
  test(`multiplies [${sa}] by [${sb}]`, () =>
    checkOp({
      name: 'matmul',
      inputs: [{ shape: sa }, { shape: sb }],
      op: (a, b) => matmul(a, b),
      reference: (a, b) => reference(a, sa, b, sb),
    }))

const swap = (s: Shape) => [...s.slice(0, -2), s.at(-1)!, s.at(-2)!]
for (const [sa, sb] of [cases[3], cases[5], cases[9]])
  for (const [transposeA, transposeB] of [
    [true, false],
    [false, true],
    [true, true],
  ]) {
    const [ta, tb] = [transposeA ? swap(sa) : sa, transposeB ? swap(sb) : sb]
    test(`multiplies [${ta}]${transposeA ? 'ᵀ' : ''} by [${tb}]${transposeB ? 'ᵀ' : ''}`, () =>
      checkOp({
        name: 'matmul',
        inputs: [{ shape: ta }, { shape: tb }],
        op: (a, b) => matmul(a, b, { transposeA, transposeB }),
        reference: (a, b) => reference(a, ta, b, tb, transposeA, transposeB),
      }))
  }

test('takes vectors on either side', async () => {
  const vector = engine.tensor([1, 2, 3])
  const matrix = engine.tensor([1, 2, 3, 4, 5, 6, 7, 8, 9], [3, 3])
  const left = matmul(vector, matrix)
  const right = matmul(matrix, vector)
  const dot = matmul(vector, vector)
  assert.equal([left.shape, right.shape, dot.shape], [[3], [3], []])
  assert.equal([...(await left.read())], [30, 36, 42])
  assert.equal([...(await right.read())], [14, 32, 50])
  assert.is(await dot.item(), 14)
})

test('takes channel-major operands', () =>
  checkOp({
    name: 'matmul',
    inputs: [{ shape: [2, 3, 4, 5], layout: 'chwn' }, { shape: [3, 5, 6] }],
    op: (a, b) => matmul(a, b),
    reference: (a, b) => reference(a, [2, 3, 4, 5], b, [3, 5, 6]),
  }))

test('takes a channel-major operand beside one of more axes', () =>
  checkOp({
    name: 'matmul of chwn and rank 5',
    inputs: [{ shape: [2, 1, 3, 4], layout: 'chwn' }, { shape: [1, 2, 2, 4, 5] }],
    op: (a, b) => matmul(a, b),
    reference: (a, b) =>
      Float64Array.from({ length: 60 }, (_, i) => {
        const [batch, row, column] = [Math.floor(i / 15), Math.floor(i / 5) % 3, i % 5]
        return [0, 1, 2, 3].reduce(
          (sum, k) => sum + a[(batch >> 1) * 12 + row * 4 + k] * b[batch * 20 + k * 5 + column],
          0,
        )
      }),
  }))

test('an empty inner axis gives zeros', async () => {
  const y = matmul(engine.zeros([2, 0]), engine.zeros([0, 3]))
  assert.equal([...(await y.read())], [0, 0, 0, 0, 0, 0])
})

test('folds a grid of more than 65,535 workgroups', async () => {
  const count = 65600
  const a = engine.tensor(uniform(2 * count), [count, 1, 2])
  const b = engine.tensor([3, -1], [2, 1])
  const got = await matmul(a, b).read()
  const values = await a.read()
  allclose(
    got,
    Float64Array.from({ length: count }, (_, i) => 3 * values[2 * i] - values[2 * i + 1]),
    {},
    'folded',
  )
})

test('names both shapes when they do not fit', () => {
  const t = (...shape: number[]) => engine.zeros(shape)
  assert.throws(() => matmul(t(2, 3), t(4, 1)), /matmul: inner sizes differ, \[2, 3\] x \[4, 1\]/)
  assert.throws(() => matmul(t(2, 3), t(4, 3, 1, 2)), /inner sizes differ, \[2, 3\] x \[4, 3, 1, 2\]/)
  assert.throws(() => matmul(t(2, 1, 3), t(3, 3, 1)), /batches do not broadcast, \[2, 1, 3\] x \[3, 3, 1\]/)
  assert.throws(() => matmul(t(), t(3)), /a scalar has no rows, \[\] x \[3\]/)
  assert.throws(() => matmul(t(2, 2, 2, 1, 1), t(1, 1)), /at most two batch axes larger than 1/)
  assert.throws(() => linear(t(2, 3), t(3, 2)), /linear: x is \[n, in\] and w \[out, in\], got \[2, 3\] and \[3, 2\]/)
  assert.throws(() => linear(t(2, 3), t(4, 3), t(3)), /linear: b is \[out\], got \[3\] for w \[4, 3\]/)
})

for (const [n, inner, out] of [
  [1, 1, 1],
  [64, 64, 10],
  [5, 7, 3],
  [130, 65, 100],
]) {
  const affine = (x: Float64Array, w: Float64Array, b: Float64Array) =>
    reference(x, [n, inner], w, [out, inner], false, true).map((v, i) => v + b[i % out])
  test(`linear agrees with float64 at [${n}, ${inner}] to ${out}`, () =>
    checkOp({
      name: 'linear',
      inputs: [{ shape: [n, inner] }, { shape: [out, inner] }, { shape: [out] }],
      op: (x, w, b) => linear(x, w, b),
      reference: affine,
    }))
}

test('linear takes every row of more axes', async () => {
  for (const [rest, layout] of [
    [[2, 3], 'row'],
    [[2, 5, 3], 'chwn'],
  ] as const) {
    const n = sizeOf(rest)
    await checkOp({
      name: `linear of [${rest}, 7]`,
      inputs: [{ shape: [...rest, 7], layout }, { shape: [4, 7] }, { shape: [4] }],
      op: (x, w, b) => linear(x, w, b),
      reference: (x, w, b) => reference(x, [n, 7], w, [4, 7], false, true).map((v, i) => v + b[i % 4]),
    })
  }
  assert.equal(linear(engine.zeros([2, 0, 7]), engine.zeros([4, 7])).shape, [2, 0, 4])
  assert.throws(() => linear(engine.zeros([2, 3, 5]), engine.zeros([4, 7])), /got \[2, 3, 5\] and \[4, 7\]/)
})

test('linear works without a bias', () =>
  checkOp({
    name: 'linear',
    inputs: [{ shape: [5, 7] }, { shape: [3, 7] }],
    op: (x, w) => linear(x, w),
    reference: (x, w) => reference(x, [5, 7], w, [3, 7], false, true),
  }))

test('linear costs one dispatch forward and three backward', () => {
  const leaf = (...shape: number[]) => engine.tensor(uniform(sizeOf(shape)), shape, { requiresGrad: true })
  const [x, w, b] = [leaf(64, 64), leaf(10, 64), leaf(10)]
  let y: Tensor
  assert.is(engine.capture('forward', () => (y = linear(x, w, b))).dispatches, 1)
  const dy = engine.full([64, 10], 1)
  assert.is(engine.capture('backward', () => backward(y, dy)).dispatches, 3)
})

test('linear adds to gradients that are there, and is the same bit for bit', async () => {
  const x = engine.tensor(uniform(64 * 64), [64, 64])
  const once = async (times: number) => {
    const w = engine.tensor(uniform(640, 3), [10, 64], { requiresGrad: true })
    const b = engine.tensor(uniform(10, 5), [10], { requiresGrad: true })
    for (let i = 0; i < times; i++) backward(linear(x, w, b), engine.tensor(uniform(640, 9), [64, 10]))
    return [...(await w.grad!.read()), ...(await b.grad!.read())]
  }
  const [one, again, two] = [await once(1), await once(1), await once(2)]
  assert.equal(one, again)
  allclose(
    two,
    one.map((v) => 2 * v),
    {},
    'twice',
  )
})

test.run()
