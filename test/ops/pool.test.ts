import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { add } from '../../src/ops/pointwise.ts'
import { avgPool2d, globalAvgPool, maxPool2d, maxPool2dWithIndices, type PoolOptions } from '../../src/ops/pool.ts'
import type { Layout } from '../../src/tensor.ts'
import { checkOp } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('pool')
const LAYOUTS: Layout[] = ['row', 'chwn']

interface Window {
  shape: [number, number, number, number]
  kernel: [number, number]
  stride?: [number, number]
  padding?: [number, number, number, number]
  dilation?: [number, number]
  ceilMode?: boolean
  countIncludePad?: boolean
  out: [number, number]
}

/** Values and padded places of every window, by the definition. */
function windowsOf(x: Float64Array, c: Window): { values: number[]; padded: number }[] {
  const [n, ch, h, w] = c.shape
  const [kh, kw] = c.kernel
  const [sh, sw] = c.stride ?? c.kernel
  const [dh, dw] = c.dilation ?? [1, 1]
  const [top, left, bottom, right] = c.padding ?? [0, 0, 0, 0]
  const result = []
  for (let plane = 0; plane < n * ch; plane++)
    for (let i = 0; i < c.out[0]; i++)
      for (let j = 0; j < c.out[1]; j++) {
        const values: number[] = []
        let padded = 0
        for (let a = 0; a < kh; a++)
          for (let b = 0; b < kw; b++) {
            const [y, z] = [i * sh - top + a * dh, j * sw - left + b * dw]
            if (y >= 0 && y < h && z >= 0 && z < w) values.push(x[(plane * h + y) * w + z])
            if (y < h + bottom && z < w + right) padded++
          }
        result.push({ values, padded })
      }
  return result
}

const cases: Window[] = [
  { shape: [1, 1, 4, 4], kernel: [2, 2], out: [2, 2] },
  { shape: [3, 2, 7, 6], kernel: [3, 2], stride: [2, 1], out: [3, 5] },
  { shape: [2, 3, 7, 9], kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1], out: [4, 5] },
  { shape: [2, 2, 5, 5], kernel: [3, 3], stride: [2, 2], padding: [1, 0, 0, 1], ceilMode: true, out: [3, 3] },
  {
    shape: [2, 2, 6, 7],
    kernel: [3, 3],
    stride: [2, 2],
    padding: [1, 1, 1, 1],
    ceilMode: true,
    countIncludePad: false,
    out: [4, 4],
  },
  { shape: [2, 2, 9, 9], kernel: [2, 2], stride: [3, 3], out: [3, 3] },
  { shape: [2, 2, 8, 9], kernel: [2, 3], stride: [1, 2], padding: [1, 2, 0, 1], dilation: [3, 2], out: [6, 4] },
  {
    shape: [2, 2, 8, 9],
    kernel: [2, 3],
    stride: [1, 2],
    dilation: [2, 2],
    countIncludePad: false,
    padding: [1, 2, 2, 1],
    out: [9, 4],
  },
  { shape: [65, 3, 4, 4], kernel: [4, 4], out: [1, 1] },
]

for (const c of cases)
  for (const layout of LAYOUTS) {
    const { shape, out, ...options } = c
    const name = `[${shape}] ${layout} ${JSON.stringify(options)}`
    const inputs = [{ shape, layout }]
    test(`averages ${name}`, () =>
      checkOp({
        name: 'avgPool2d',
        inputs,
        op: (x) => avgPool2d(x, options),
        reference: (x) =>
          Float64Array.from(windowsOf(x, c), ({ values, padded }) => {
            return values.reduce((a, b) => a + b, 0) / (options.countIncludePad === false ? values.length : padded)
          }),
      }))
    test(`takes the maximum of ${name}`, () =>
      checkOp({
        name: 'maxPool2d',
        inputs,
        op: (x) => maxPool2d(x, { ...options, countIncludePad: undefined } as PoolOptions),
        reference: (x) => Float64Array.from(windowsOf(x, c), ({ values }) => Math.max(...values)),
      }))
  }

for (const shape of [
  [1, 1, 1, 1],
  [3, 5, 7, 3],
  [64, 16, 8, 8],
  [33, 2, 4, 5],
])
  for (const layout of LAYOUTS)
    test(`averages whole planes of [${shape}] ${layout}`, () =>
      checkOp({
        name: 'globalAvgPool',
        inputs: [{ shape, layout }],
        op: globalAvgPool,
        reference: (x) => {
          const pixels = shape[2] * shape[3]
          return new Float64Array(x.length / pixels).map(
            (_, i) => x.slice(i * pixels, (i + 1) * pixels).reduce((a, b) => a + b) / pixels,
          )
        },
      }))

test('the gradient of a mean of planes adds to that of other paths', async () => {
  for (const layout of LAYOUTS) {
    const x = engine.zeros([4, 3, 2, 5], { layout, requiresGrad: true })
    const dy = engine.tensor(
      Array.from({ length: 12 }, (_, i) => 10 * i),
      [4, 3],
    )
    for (let i = 0; i < 2; i++) backward(add(globalAvgPool(x), globalAvgPool(x)), dy)
    const want = Array.from({ length: 120 }, (_, i) => 4 * Math.floor(i / 10))
    assert.equal([...(await x.grad!.read())], want)
  }
})

test('the first of equal maxima takes the gradient', async () => {
  const x = engine.tensor([1, 3, 3, 3, 2, 2, -1, -1, 0], [1, 1, 3, 3], { requiresGrad: true })
  const { y, indices } = maxPool2dWithIndices(x, { kernel: 2, stride: 1 })
  backward(y, engine.tensor([1, 10, 100, 1000], [1, 1, 2, 2]))
  assert.equal([...(await indices.read())], [1, 1, 3, 4])
  assert.equal([...(await x.grad!.read())], [0, 11, 0, 100, 1000, 0, 0, 0, 0])
})

test('padding never wins, even over negative values', async () => {
  const y = maxPool2d(engine.full([1, 1, 2, 2], -5), { kernel: 3, stride: 1, padding: 1 })
  assert.equal([...(await y.read())], [-5, -5, -5, -5])
})

test('a NaN is the maximum wherever it lies, and -Infinity that of a window without cells', async () => {
  for (const at of [0, 1, 2, 3]) {
    const x = engine.tensor(
      [1, 2, 3, 4].map((v, i) => (i === at ? Number.NaN : v)),
      [1, 1, 2, 2],
      { requiresGrad: true },
    )
    const y = maxPool2d(x, { kernel: 2 })
    backward(y, engine.full([1, 1, 1, 1], 5))
    assert.equal([...(await y.read())], [Number.NaN])
    assert.equal(
      [...(await x.grad!.read())],
      [0, 1, 2, 3].map((i) => (i === at ? 5 : 0)),
    )
  }
  const between = maxPool2d(engine.full([1, 1, 1, 1], 7), { kernel: 2, dilation: 2, padding: 1 })
  assert.equal([...(await between.read())], [Number.NEGATIVE_INFINITY])
})

test('names what does not fit', () => {
  const x = engine.zeros([1, 2, 4, 4])
  assert.throws(() => globalAvgPool(engine.zeros([2, 3])), /globalAvgPool: needs \[N, C, H, W\], got \[2, 3\]/)
  assert.throws(
    () => avgPool2d(x, { kernel: 5 }),
    /avgPool2d: the kernel \[5, 5\] is larger than the padded picture, x \[1, 2, 4, 4\]/,
  )
  assert.throws(
    () => maxPool2d(x, { kernel: 2, padding: 2 }),
    /maxPool2d: padding \[2, 2, 2, 2\] is not smaller than the kernel \[2, 2\]/,
  )
  assert.throws(() => maxPool2d(x, { kernel: 0 }), /kernel is 0, it must be one or two whole numbers from 1/)
  assert.throws(() => maxPool2d(x, { kernel: 2, stride: [1, 1, 1] }), /stride is \[1,1,1\]/)
})

test.run()
