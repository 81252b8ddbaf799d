// Batch norm in training (scale and shift, running statistics updated) with ReLU: forward and all three gradients.
import { constant, uniform } from './values.js'

export const norm = ['16@28', '32@14', '64@7'].map((shape) => {
  const [c, side] = shape.split('@').map(Number)
  return {
    name: `batch norm + ReLU forward and backward ${shape}`,
    family: 'norm',
    tolerance: 1e-4,
    inputs: () => ({
      x: uniform('x', [64, c, side, side]),
      gamma: uniform('gamma', [c], { scale: 0.5, offset: 1 }),
      beta: uniform('beta', [c], { scale: 0.5 }),
      mean: constant([c], 0),
      variance: constant([c], 1),
      dy: uniform('dy', [64, c, side, side]),
    }),
  }
})
