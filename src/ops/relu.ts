import source from '../../shaders/relu.wgsl'
import { record } from '../autograd.ts'
import { kernels } from '../gpu/kernel.ts'
import { empty, type Tensor } from '../tensor.ts'
import { checkFloat, runsOfValues } from './axes.ts'

const relu_ = kernels<'forward' | 'backward'>(source)

/** y = max(x, 0), elementwise; the gradient at 0 is 0. */
export function relu(x: Tensor): Tensor {
  checkFloat('relu', x)
  const flat = { n: x.size, shape: [x.size], strides: [[1]] }
  const { header, params } = runsOfValues(x.gpu, flat, [true])
  const sizes = { n: params.axes[0], width: params.width }
  const grid = { threads: [params.threads] }
  const y = empty(x.gpu, x.shape, 'f32', x.layout, 'relu')
  relu_.forward({ x, y }, sizes, grid, { header })
  return record('relu', y, [x], (dy, [dx]) => {
    if (dx) relu_.backward({ x, dy, dx: dx.to }, sizes, grid, { header, constants: { ADD: dx.add } })
  })
}
