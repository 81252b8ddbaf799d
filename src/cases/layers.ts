// Elementwise ops, pools and products.
import { backwardOf } from '../autograd.ts'
import { linear } from '../ops/linear.ts'
import { matmul } from '../ops/matmul.ts'
import { add } from '../ops/pointwise.ts'
import { avgPool2d, globalAvgPool, maxPool2d } from '../ops/pool.ts'
import { relu } from '../ops/relu.ts'
import { ACTIVATIONS, bytesOf, type Expected, type Family, PICTURE, type Work } from './work.ts'

const rectifier: Family = {
  op: 'relu',
  ...PICTURE,
  passes: ['forward', 'backward'],
  shapes: ACTIVATIONS.slice(0, 1),
  quick: ACTIVATIONS.slice(0, 1),
  make(inputs, sizes, pass): Work {
    const back = pass === 'backward'
    const x = inputs.picture('x', sizes, back)
    const numbers = { n: x.tensor.size, add: 0 }
    const layout = x.tensor.layout
    if (!back) {
      return {
        flops: x.tensor.size,
        bytes: bytesOf(x.tensor, x.tensor),
        record: () => [relu(x.tensor)],
        want: [(i) => Math.max(0, x.values[i])],
        open: { inputs: { x: x.tensor }, output: { name: 'y', shape: sizes, layout }, numbers },
      }
    }
    const dy = inputs.picture('dy', sizes)
    return {
      flops: x.tensor.size,
      bytes: bytesOf(x.tensor, dy.tensor, x.tensor),
      record: backwardOf(relu(x.tensor), dy.tensor),
      want: [(i) => (x.values[i] > 0 ? dy.values[i] : 0)],
      open: { inputs: { x: x.tensor, dy: dy.tensor }, output: { name: 'dx', shape: sizes, layout }, numbers },
    }
  },
}

const addition: Family = {
  op: 'add',
  ...PICTURE,
  passes: ['forward'],
  shapes: ACTIVATIONS.slice(0, 1),
  quick: [],
  make(inputs, sizes) {
    const [a, b] = [inputs.picture('a', sizes), inputs.picture('b', sizes)]
    return {
      flops: a.tensor.size,
      bytes: bytesOf(a.tensor, a.tensor, b.tensor),
      record: () => [add(a.tensor, b.tensor)],
      want: [(i) => a.values[i] + b.values[i]],
      open: {
        inputs: { a: a.tensor, b: b.tensor },
        output: { name: 'y', shape: sizes, layout: a.tensor.layout },
        numbers: { n: a.tensor.size, add: 0 },
      },
    }
  },
}

const globalPool: Family = {
  op: 'globalAvgPool',
  ...PICTURE,
  passes: ['forward', 'backward'],
  shapes: ['64x64x7x7', '64x64x8x8', '64x32x4x4'],
  quick: ['64x64x7x7'],
  make(inputs, [n, c, h, w], pass) {
    const plane = h * w
    const back = pass === 'backward'
    const x = inputs.picture('x', [n, c, h, w], back)
    const mean: Expected = (i) => x.values.subarray(i * plane, (i + 1) * plane).reduce((sum, v) => sum + v, 0) / plane
    const bytes = bytesOf(x.tensor) + 4 * n * c
    const numbers = { n, c, h, w }
    if (!back) {
      const open = { inputs: { x: x.tensor }, output: { name: 'y', shape: [n, c], layout: 'row' as const }, numbers }
      return { flops: 0, bytes, record: () => [globalAvgPool(x.tensor)], want: [mean], open }
    }
    const dy = inputs.uniform('dy', [n, c])
    const output = { name: 'dx', shape: x.tensor.shape, layout: x.tensor.layout }
    return {
      flops: 0,
      bytes,
      record: backwardOf(globalAvgPool(x.tensor), dy.tensor),
      want: [(i) => dy.values[Math.floor(i / plane)] / plane],
      open: { inputs: { dy: dy.tensor }, output, numbers },
    }
  },
}

/** Windows side by side: the stride is the side. */
function pool(op: 'avgPool2d' | 'maxPool2d'): Family {
  return {
    op,
    syntax: 'NxCxHxW:SIDE; 64x16x28x28:2',
    pattern: /^(\d+)x(\d+)x(\d+)x(\d+):(\d+)$/,
    passes: ['forward', 'backward'],
    shapes: ['64x16x28x28:2'],
    quick: [],
    make(inputs, [n, c, h, w, side], pass) {
      const back = pass === 'backward'
      const x = inputs.picture('x', [n, c, h, w], back)
      const [oh, ow] = [Math.floor(h / side), Math.floor(w / side)]
      const call = () => (op === 'avgPool2d' ? avgPool2d : maxPool2d)(x.tensor, { kernel: side })
      const window = (i: number): number[] => {
        const top = Math.floor(i / (oh * ow)) * h * w + (Math.floor(i / ow) % oh) * side * w + (i % ow) * side
        return Array.from({ length: side * side }, (_, k) => top + Math.floor(k / side) * w + (k % side))
      }
      const greatest = (at: number[]) => at.reduce((best, k) => (x.values[k] > x.values[best] ? k : best))
      const mean = (at: number[]) => at.reduce((sum, k) => sum + x.values[k], 0) / at.length
      const value: Expected = op === 'avgPool2d' ? (i) => mean(window(i)) : (i) => x.values[greatest(window(i))]
      const bytes = bytesOf(x.tensor) + 4 * n * c * oh * ow
      if (!back) return { flops: 0, bytes, record: () => [call()], want: [value] }
      const dy = inputs.picture('dy', [n, c, oh, ow])
      const gradient: Expected = (i) => {
        const [row, column] = [Math.floor((Math.floor(i / w) % h) / side), Math.floor((i % w) / side)]
        if (row >= oh || column >= ow) return 0
        const from = Math.floor(i / (h * w)) * oh * ow + row * ow + column
        if (op === 'avgPool2d') return dy.values[from] / (side * side)
        return greatest(window(from)) === i ? dy.values[from] : 0
      }
      return { flops: 0, bytes, record: backwardOf(call(), dy.tensor), want: [gradient] }
    },
  }
}

const product: Family = {
  op: 'matmul',
  syntax: 'MxK:N; 256x256:256',
  pattern: /^(\d+)x(\d+):(\d+)$/,
  passes: ['forward'],
  shapes: ['256x256:256'],
  quick: [],
  make(inputs, [m, k, n]) {
    const [a, b] = [inputs.uniform('a', [m, k]), inputs.uniform('b', [k, n])]
    const want: Expected = (i) => dot(k, (t) => a.values[Math.floor(i / n) * k + t] * b.values[t * n + (i % n)])
    const bytes = bytesOf(a.tensor, b.tensor) + 4 * m * n
    return {
      flops: 2 * m * k * n,
      bytes,
      record: () => [matmul(a.tensor, b.tensor)],
      want: [want],
      open: {
        inputs: { a: a.tensor, b: b.tensor },
        output: { name: 'y', shape: [m, n], layout: 'row' },
        numbers: { m, k, n },
      },
    }
  },
}

const dot = (length: number, term: (t: number) => number): number => {
  let sum = 0
  for (let t = 0; t < length; t++) sum += term(t)
  return sum
}

/** The classifier. Backward is all three gradients. */
const classifier: Family = {
  op: 'linear',
  syntax: 'NxIN:OUT; 64x64:10',
  pattern: /^(\d+)x(\d+):(\d+)$/,
  passes: ['forward', 'backward'],
  shapes: ['64x64:10', '64x32:10', '64x64:100'],
  quick: ['64x64:10'],
  make(inputs, [n, from, to], pass) {
    const back = pass === 'backward'
    const x = inputs.uniform('x', [n, from], { grad: back })
    const w = inputs.uniform('w', [to, from], { grad: back })
    const b = inputs.uniform('b', [to], { grad: back })
    const call = () => linear(x.tensor, w.tensor, b.tensor)
    const [flops, bytes] = [2 * n * from * to, bytesOf(x.tensor, w.tensor, b.tensor) + 4 * n * to]
    if (!back) {
      const row = (i: number) => Math.floor(i / to)
      const value: Expected = (i) =>
        b.values[i % to] + dot(from, (t) => x.values[row(i) * from + t] * w.values[(i % to) * from + t])
      const open = {
        inputs: { x: x.tensor, w: w.tensor, b: b.tensor },
        output: { name: 'y', shape: [n, to], layout: 'row' as const },
        numbers: { n, inFeatures: from, outFeatures: to },
      }
      return { flops, bytes, record: () => [call()], want: [value], open }
    }
    const dy = inputs.uniform('dy', [n, to])
    const dx: Expected = (i) =>
      dot(to, (t) => dy.values[Math.floor(i / from) * to + t] * w.values[t * from + (i % from)])
    const dw: Expected = (i) =>
      dot(n, (t) => dy.values[t * to + Math.floor(i / from)] * x.values[t * from + (i % from)])
    const db: Expected = (i) => dot(n, (t) => dy.values[t * to + i])
    return { flops: 2 * flops, bytes: 2 * bytes, record: backwardOf(call(), dy.tensor), want: [dx, dw, db] }
  },
}

export const layers: Family[] = [
  rectifier,
  addition,
  globalPool,
  pool('avgPool2d'),
  pool('maxPool2d'),
  classifier,
  product,
]
