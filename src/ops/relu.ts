import source from '../../shaders/relu.wgsl'
import { record } from '../autograd.ts'
import { kernels } from '../gpu/kernel.ts'
import { empty, type Tensor } from '../tensor.ts'
import { checkFloat } from './axes.ts'

const relu_ = kernels<'forward' | 'backward'>(source)

/** y = max(x, 0), elementwise; the gradient at 0 is 0. */
export function relu(x: Tensor): Tensor {
  checkFloat('relu', x)
  const n = x.size
  const y = empty(x.gpu, x.shape, 'f32', x.layout, 'relu')
  relu_.forward({ x, y }, { n, add: 0 }, { threads: [n] })
  return record('relu', y, [x], (dy, [dx]) => {
    if (dx) relu_.backward({ x, dy, dx: dx.to }, { n, add: dx.add }, { threads: [n] })
  })
}
