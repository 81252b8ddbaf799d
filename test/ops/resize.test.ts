import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { resizeArea, resizeBilinear, resizeBilinearAntialias, resizeNearest } from '../../src/ops/resize.ts'
import type { Layout, Tensor } from '../../src/tensor.ts'
import { allclose, checkOp } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('resize')

/** Weights of n inputs for output k of m, in floating point and by each definition's own words. */
type Weights = (k: number, n: number, m: number) => number[]

const area: Weights = (k, n, m) => {
  const [first, end] = [Math.floor((k * n) / m), Math.ceil(((k + 1) * n) / m)]
  return Array.from({ length: n }, (_, j) => (j >= first && j < end ? 1 / (end - first) : 0))
}

const bilinear: Weights = (k, n, m) => {
  const at = Math.min(Math.max(((k + 0.5) * n) / m - 0.5, 0), n - 1)
  const first = Math.min(Math.floor(at), n - 1)
  return Array.from({ length: n }, (_, j) => (j === first ? 1 - (at - first) : j === first + 1 ? at - first : 0))
}

const antialias: Weights = (k, n, m) => {
  const width = Math.max(1, n / m)
  const raw = Array.from({ length: n }, (_, j) => Math.max(0, 1 - Math.abs(j + 0.5 - ((k + 0.5) * n) / m) / width))
  const total = raw.reduce((a, b) => a + b)
  return raw.map((v) => v / total)
}

const nearest: Weights = (k, n, m) => Array.from({ length: n }, (_, j) => +(j === Math.floor(((k + 0.5) * n) / m)))

function reference(weights: Weights, shape: number[], [oh, ow]: number[]) {
  const [n, c, h, w] = shape
  const rows = Array.from({ length: oh }, (_, k) => weights(k, h, oh))
  const columns = Array.from({ length: ow }, (_, k) => weights(k, w, ow))
  return (x: Float64Array) =>
    new Float64Array(n * c * oh * ow).map((_, o) => {
      const [plane, i, j] = [Math.floor(o / oh / ow), Math.floor(o / ow) % oh, o % ow]
      let sum = 0
      for (let a = 0; a < h; a++)
        for (let b = 0; b < w; b++) sum += rows[i][a] * columns[j][b] * x[(plane * h + a) * w + b]
      return sum
    })
}

const kinds: [string, (x: Tensor, size: number[]) => Tensor, Weights][] = [
  ['resizeArea', resizeArea, area],
  ['resizeNearest', resizeNearest, nearest],
  ['resizeBilinear', resizeBilinear, bilinear],
  ['resizeBilinearAntialias', resizeBilinearAntialias, antialias],
]
const cases = [
  { shape: [1, 1, 4, 4], size: [2, 2] },
  { shape: [2, 1, 5, 5], size: [1, 1] },
  { shape: [2, 2, 7, 11], size: [7, 5] },
  { shape: [5, 2, 28, 28], size: [12, 12] },
  { shape: [2, 2, 5, 7], size: [9, 10] },
  { shape: [3, 1, 1, 6], size: [3, 4] },
]

for (const [name, op, weights] of kinds) {
  for (const { shape, size } of cases)
    for (const layout of ['row', 'chwn'] as Layout[])
      test(`${name} takes [${shape}] to [${size}], ${layout}`, () =>
        checkOp({
          name,
          inputs: [{ shape, layout }],
          op: (x) => op(x, size),
          reference: reference(weights, shape, size),
        }))

  test(`${name} keeps a picture of the same size, and a constant picture exactly`, async () => {
    const x = engine.tensor([1, -2, 3, 4, 5, 6], [1, 1, 2, 3])
    assert.equal([...(await op(x, [2, 3]).read())], [1, -2, 3, 4, 5, 6])
    allclose(
      await op(engine.full([1, 1, 13, 7], 3), [5, 3]).read(),
      new Array(15).fill(3),
      { atol: 0, rtol: 3e-7 },
      name,
    )
  })

  test(`${name} names what does not fit`, () => {
    const x = engine.zeros([1, 1, 4, 4])
    assert.throws(() => op(x, [0, 2]), new RegExp(`${name}: a size is two whole numbers from 1, got \\[0,2\\]`))
    assert.throws(() => op(x, [2]), /two whole numbers/)
    assert.throws(
      () => op(engine.zeros([4, 4]), [2, 2]),
      new RegExp(`${name}: needs \\[N, C, H, W\\] with pixels, got \\[4, 4\\]`),
    )
    assert.throws(() => op(engine.zeros([1, 1, 0, 4]), [2, 2]), /with pixels/)
    const far = /: 30000 pixels to 20000, at most 268435456 as a product$/
    assert.throws(() => op(engine.zeros([1, 1, 1, 30000]), [1, 20000]), far)
  })
}

test.run()
