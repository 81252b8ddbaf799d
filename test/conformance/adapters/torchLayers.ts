// Layers of the torch suite: outputs and gradients. Activations lie batch-innermost, as in networks.
import { batchNorm } from '../../../src/ops/batchNorm.ts'
import { conv2d } from '../../../src/ops/conv2d.ts'
import { linear } from '../../../src/ops/linear.ts'
import { addRelu, mul } from '../../../src/ops/pointwise.ts'
import { avgPool2d, globalAvgPool, maxPool2d } from '../../../src/ops/pool.ts'
import { relu } from '../../../src/ops/relu.ts'
import { resizeArea, resizeBilinear, resizeBilinearAntialias } from '../../../src/ops/resize.ts'
import type { Tensor } from '../../../src/tensor.ts'
import type { Case } from '../cases.ts'
import { type Adapter, type Adapters, batchInnermost, differentiate, input, type Results, upload } from '../harness.ts'

interface Window {
  kernel: number[]
  stride: number[]
  padding: number[]
  dilation: number[]
  groups: number
  ceil_mode: 0 | 1
}

const pooling = (c: Case) => {
  const { kernel, stride, padding, ceil_mode } = c.attributes as unknown as Window
  return { kernel, stride, padding, ceilMode: ceil_mode === 1 }
}

function normalise(c: Case, train: boolean): Results {
  const { eps, momentum } = c.attributes as { eps: number; momentum?: number }
  const statistics = () => ({
    runningMean: upload(input(c, 'running_mean')),
    runningVar: upload(input(c, 'running_var')),
  })
  const running = statistics()
  const y = differentiate(
    c,
    ['x', 'gamma', 'beta'],
    (x, gamma, beta) => batchNorm(x, { gamma, beta, ...running }, { train, eps, momentum }),
    batchInnermost,
  )
  if (!train) return y
  // The batch's own statistics are what a momentum of 1 leaves; the variance expected here is the biased one.
  const batch = statistics()
  const [x, gamma, beta] = ['x', 'gamma', 'beta'].map((name) => upload(input(c, name), batchInnermost(input(c, name))))
  batchNorm(x, { gamma, beta, ...batch }, { train, eps, momentum: 1 })
  const count = x.size / gamma.size
  return {
    ...y,
    running_mean_out: running.runningMean,
    running_var_out: running.runningVar,
    batch_mean: batch.runningMean,
    batch_var: mul(batch.runningVar, (count - 1) / count),
  }
}

const resized = (f: (x: Tensor, size: number[]) => Tensor): Adapter => {
  return (c) => differentiate(c, ['x'], (x) => f(x, c.attributes.size as number[]), batchInnermost)
}

export const torchLayers: Adapters = {
  linear: (c) => differentiate(c, ['x', 'w', 'b'], linear),
  relu: (c) => differentiate(c, ['x'], relu, batchInnermost),
  add_relu: (c) => differentiate(c, ['x', 'r'], addRelu, batchInnermost),
  conv2d: (c) => {
    const { stride, padding, dilation, groups } = c.attributes as unknown as Window
    const layouts = (t: { name: string }) => ({ layout: t.name === 'x' ? ('chwn' as const) : ('row' as const) })
    return differentiate(
      c,
      ['x', 'w', 'b'],
      (x, w, b) => conv2d(x, w, b, { stride, padding, dilation, groups }),
      layouts,
    )
  },
  avg_pool2d: (c) => {
    const options = { ...pooling(c), countIncludePad: c.attributes.count_include_pad === 1 }
    return differentiate(c, ['x'], (x) => avgPool2d(x, options), batchInnermost)
  },
  max_pool2d: (c) => differentiate(c, ['x'], (x) => maxPool2d(x, pooling(c)), batchInnermost),
  global_avg_pool: (c) => differentiate(c, ['x'], globalAvgPool, batchInnermost),
  batch_norm_eval: (c) => normalise(c, false),
  batch_norm_train: (c) => normalise(c, true),
  resize_area: resized(resizeArea),
  resize_bilinear: resized(resizeBilinear),
  resize_bilinear_aa: resized(resizeBilinearAntialias),
}
