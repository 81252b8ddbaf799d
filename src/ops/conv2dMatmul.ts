// 1x1 convolutions at stride 1 as products of matrices: y [K, H W N] = w [K, C] x [C, H W N], all three passes.
import type { Tensor } from '../tensor.ts'
import { type Geometry, isSimple } from './conv2dGeometry.ts'
import { type ConvKernel, type Fits, never } from './conv2dKernel.ts'
import { byParts } from './conv2dParts.ts'
import { type Matrices, product } from './matmul.ts'

/** The most parts that the places of a weight gradient are split into. */
const PARTS = 16

/** Without padding on any side: the output is as large as the picture. */
const fits: Fits = (_gpu, g) => {
  const bare = g.padT === 0 && g.padL === 0 && g.oh === g.h && g.ow === g.w
  return isSimple(g) && g.kw === 1 && g.strideW === 1 && bare && g.n > 0
}

/** A matrix of one batch, or of `batch[0]` that lie `batch[1]` apart. */
const matrix = (tensor: Tensor, rows: [number, number], columns: [number, number], batch = [1, 0]): Matrices => ({
  tensor,
  sizes: [1, batch[0], rows[0], columns[0]],
  strides: [0, batch[1], rows[1], columns[1]],
})

function weight({ n, c, k, h, w }: Geometry, x: Tensor, dy: Tensor, dw: Tensor, add: 0 | 1): void {
  const places = h * w * n
  let parts = PARTS
  while (places % parts !== 0) parts--
  const each = places / parts
  byParts(parts, dw, add, (partial) => {
    const batch = [parts, each]
    const a = matrix(dy, [k, places], [each, 1], batch)
    const b = matrix(x, [each, 1], [c, places], batch)
    product(a, b, matrix(partial, [k, c], [c, 1], [parts, k * c]), 0)
  })
}

export const matmul: ConvKernel = {
  forward: {
    fits,
    finishes: never,
    // Transposed, since a product's bias belongs to columns.
    run: ({ n, c, k, h, w }, x, weights, bias, y) => {
      const places = h * w * n
      const a = matrix(x, [places, 1], [c, places])
      const b = matrix(weights, [c, 1], [k, c])
      product(a, b, matrix(y, [places, 1], [k, places]), 0, bias ?? undefined)
    },
  },
  dX: {
    fits,
    run: ({ n, c, k, h, w }, weights, dy, dx, add) => {
      const places = h * w * n
      const a = matrix(weights, [c, 1], [k, c])
      const b = matrix(dy, [k, places], [places, 1])
      product(a, b, matrix(dx, [c, places], [places, 1]), add)
    },
  },
  dW: { fits, run: weight },
}
