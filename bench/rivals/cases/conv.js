// Convolutions 3x3, stride 1, padding 1, batch 64: forward, input gradient, weight gradient, each alone.
import { uniform } from './values.js'

const N = 64
const shapes = ['16@28', '32@14', '64@7', '16@32', '32@16', '64@8', '8@14', '16@7', '32@4', '8@7', '16@4', '32@2']

export const conv = shapes.flatMap((shape) => {
  const [c, side] = shape.split('@').map(Number)
  return ['forward', 'dX', 'dW'].map((pass) => ({
    name: `conv 3x3 ${pass} ${shape}`,
    family: 'conv',
    pass,
    flops: 2 * N * c * c * 9 * side * side,
    /** Of the largest value. */
    tolerance: 5e-5,
    inputs: () => ({
      x: uniform('x', [N, c, side, side]),
      w: uniform('w', [c, c, 3, 3]),
      dy: uniform('dy', [N, c, side, side]),
    }),
  }))
})
