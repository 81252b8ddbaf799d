// Losses, calibration, optimizers and batches.
import { backwardOf } from '../autograd.ts'
import { ece } from '../ops/calibration.ts'
import { distillLoss } from '../ops/distillLoss.ts'
import { pictureSource } from '../ops/pictures.ts'
import { softmax } from '../ops/softmax.ts'
import { adamW, sgd } from '../optim.ts'
import { stream } from '../random.ts'
import type { Tensor } from '../tensor.ts'
import { bytesOf, type Expected, type Family } from './work.ts'

const rows = /^(\d+)x(\d+)$/

/** The softmax of one row at a temperature. */
function probabilities(x: Float32Array, row: number, classes: number, temperature: number): Float64Array {
  const scaled = Float64Array.from(x.subarray(row * classes, (row + 1) * classes), (value) => value / temperature)
  const most = scaled.reduce((a, b) => Math.max(a, b))
  const powers = scaled.map((value) => Math.exp(value - most))
  const total = powers.reduce((a, b) => a + b)
  return powers.map((value) => value / total)
}

/** Cross-entropy and T² KL of one teacher, half each, T = 4: loss, gradient and metrics. */
const loss: Family = {
  op: 'distillLoss',
  syntax: 'NxCLASSES; 256x10',
  pattern: rows,
  passes: ['forward+backward'],
  shapes: ['256x10', '128x100', '128x1000', '64x10'],
  quick: ['256x10'],
  make(inputs, [n, classes]) {
    const logits = inputs.uniform('student', [n, classes], { scale: 5, grad: true })
    const teacher = inputs.uniform('teacher', [n, classes], { scale: 5 })
    const labels = inputs.labels(n, classes)
    const T = 4
    const edge = { logits: teacher.tensor, temperature: T, weight: 0.5 }
    const options = { labels: labels.tensor, ceWeight: 0.5, edges: [edge], gradient: true }
    const soft = (row: number) =>
      [probabilities(teacher.values, row, classes, T), probabilities(logits.values, row, classes, T)] as const
    const value = (): number => {
      let sum = 0
      for (let row = 0; row < n; row++) {
        const [p, q] = soft(row)
        sum -= 0.5 * Math.log(probabilities(logits.values, row, classes, 1)[labels.values[row]])
        for (const [k, target] of p.entries()) sum += 0.5 * T * T * target * Math.log(target / q[k])
      }
      return sum / n
    }
    const gradient: Expected = (i) => {
      const [row, k] = [Math.floor(i / classes), i % classes]
      const [p, q] = soft(row)
      const hard = probabilities(logits.values, row, classes, 1)[k] - (labels.values[row] === k ? 1 : 0)
      return (0.5 * hard + 0.5 * T * (q[k] - p[k])) / n
    }
    return {
      flops: 0,
      bytes: bytesOf(logits.tensor, teacher.tensor, labels.tensor, logits.tensor),
      record: () => {
        const result = distillLoss(logits.tensor, options)
        return [result.loss, result.gradient!]
      },
      want: [value, gradient],
    }
  },
}

/** 15 bins, from logits. */
const calibration: Family = {
  op: 'ece',
  syntax: 'NxCLASSES; 10000x10',
  pattern: rows,
  passes: ['forward'],
  shapes: ['10000x10'],
  quick: ['10000x10'],
  make(inputs, [n, classes]) {
    const logits = inputs.uniform('logits', [n, classes], { scale: 4 })
    const labels = inputs.labels(n, classes)
    const bins = 15
    // ECE, largest gap of a bin, mean confidence - accuracy.
    const errors = (): number[] => {
      const gaps = Array.from({ length: bins }, () => ({ count: 0, sum: 0 }))
      for (let row = 0; row < n; row++) {
        const p = probabilities(logits.values, row, classes, 1)
        const best = p.reduce((at, value, k) => (value > p[at] ? k : at), 0)
        const bin = gaps[Math.min(bins - 1, Math.max(0, Math.ceil(p[best] * bins) - 1))]
        bin.count++
        bin.sum += p[best] - (labels.values[row] === best ? 1 : 0)
      }
      const size = gaps.map(({ sum }) => Math.abs(sum))
      const largest = Math.max(...gaps.map(({ count }, i) => size[i] / Math.max(1, count)))
      const total = (of: number[]) => of.reduce((sum, each) => sum + each, 0)
      return [total(size) / n, largest, total(gaps.map(({ sum }) => sum)) / n]
    }
    return {
      flops: 0,
      bytes: bytesOf(logits.tensor, labels.tensor),
      record: () => [ece({ logits: logits.tensor, labels: labels.tensor }, { bins }).errors],
      want: [(i) => errors()[i]],
    }
  },
}

const smoothing: Family = {
  op: 'softmax',
  syntax: 'NxCLASSES; 256x10',
  pattern: rows,
  passes: ['forward', 'backward'],
  shapes: ['256x10', '128x1000'],
  quick: [],
  make(inputs, [n, classes], pass) {
    const back = pass === 'backward'
    const x = inputs.uniform('x', [n, classes], { scale: 5, grad: back })
    const p = (row: number) => probabilities(x.values, row, classes, 1)
    const value: Expected = (i) => p(Math.floor(i / classes))[i % classes]
    const open = (name: string, given: Record<string, Tensor>) => ({
      inputs: { x: x.tensor, ...given },
      output: { name, shape: [n, classes], layout: 'row' as const },
      numbers: { n, classes },
    })
    if (!back) {
      const bytes = bytesOf(x.tensor, x.tensor)
      return { flops: 0, bytes, record: () => [softmax(x.tensor)], want: [value], open: open('y', {}) }
    }
    const dy = inputs.uniform('dy', [n, classes])
    const gradient: Expected = (i) => {
      const [row, k] = [Math.floor(i / classes), i % classes]
      const inner = p(row).reduce((sum, each, j) => sum + each * dy.values[row * classes + j], 0)
      return p(row)[k] * (dy.values[i] - inner)
    }
    const bytes = bytesOf(x.tensor, dy.tensor, x.tensor)
    return {
      flops: 0,
      bytes,
      record: backwardOf(softmax(x.tensor), dy.tensor),
      want: [gradient],
      open: open('dx', { dy: dy.tensor }),
    }
  },
}

/** One update of all parameters. */
function optimizer(op: 'adamW' | 'sgd'): Family {
  return {
    op,
    syntax: 'PARAMETERS; 80000',
    pattern: /^(\d+)$/,
    passes: ['step'],
    shapes: ['80000', '270000'],
    quick: ['80000'],
    make(inputs, [n]) {
      const [x, dx] = [inputs.uniform('parameters', [n]), inputs.uniform('gradients', [n])]
      const flat = { values: x.tensor, gradients: dx.tensor }
      const [lr, decay, momentum] = [1e-3, 0.05, 0.9]
      const adam = op === 'adamW'
      const made = adam ? adamW(flat, { lr, weightDecay: decay }) : sgd(flat, { lr, momentum, weightDecay: decay })
      made.advance(1)
      // The first update: both moments are the gradient's own.
      const value: Expected = (i) => {
        const [v, g] = [x.values[i], dx.values[i]]
        return adam ? v * (1 - lr * decay) - (lr * g) / (Math.abs(g) + 1e-8) : v - lr * (g + decay * v)
      }
      const state = made.state.length
      return {
        flops: 0,
        bytes: bytesOf(dx.tensor, x.tensor, x.tensor) + 2 * state * bytesOf(x.tensor),
        record: () => {
          made.step()
          return [x.tensor]
        },
        want: [value],
      }
    },
  }
}

/** A batch straight from bytes, downscaled and normalised. */
const batches: Family = {
  op: 'pictures',
  syntax: 'NxCxHxW:SIDE; 64x1x28x28:14',
  pattern: /^(\d+)x(\d+)x(\d+)x(\d+):(\d+)$/,
  passes: ['view'],
  shapes: ['64x1x28x28:28', '64x1x28x28:14', '64x3x32x32:32'],
  quick: ['64x1x28x28:14'],
  make(inputs, [n, channels, height, width, side]) {
    const random = stream(1, 'bytes')
    const images = Uint8Array.from({ length: n * channels * height * width }, () => random.word() & 255)
    const [mean, std] = [0.4, 0.3]
    const three = (value: number) => Array.from({ length: channels }, () => value)
    const bytes = { images, n, channels, height, width, mean: three(mean), std: three(std) }
    const source = pictureSource(inputs.engine.gpu, bytes, n)
    source.select(Uint32Array.from({ length: n }, (_, i) => i))
    const covered = (at: number, size: number) => [Math.floor((at * size) / side), Math.ceil(((at + 1) * size) / side)]
    const value: Expected = (i) => {
      const plane = Math.floor(i / (side * side)) * height * width
      const [top, bottom] = covered(Math.floor(i / side) % side, height)
      const [left, right] = covered(i % side, width)
      let sum = 0
      for (let r = top; r < bottom; r++) for (let c = left; c < right; c++) sum += images[plane + r * width + c]
      return (sum / ((bottom - top) * (right - left)) / 255 - mean) / std
    }
    return {
      flops: 0,
      bytes: images.length + 4 * n * channels * side * side,
      record: () => [source.view({ height: side, width: side })],
      want: [value],
    }
  },
}

export const training: Family[] = [loss, calibration, smoothing, optimizer('adamW'), optimizer('sgd'), batches]
