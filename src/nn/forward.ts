// How a residual network computes its features, written once for whatever computes: tensors on a device (`resnet.ts`) or
// the nodes of a graph (`src/onnx.ts`).
import { type Architecture, type Block, type Layer, STEM } from './architecture.ts'

/** What comes after a norm; a residual is added before a ReLU that then always follows. */
export interface After<X> {
  relu?: boolean
  residual?: X
}

/** The operations that a network is made of, on values X. Names are those of parameters. */
export interface Operations<X> {
  /** Without a bias, padded by half of the kernel. */
  convolve(name: string, x: X, kernel: number, stride: number): X
  normalise(name: string, x: X, after: After<X>): X
  /** A convolution and its norm. */
  layer(layer: Pick<Layer, 'conv' | 'norm' | 'kernel' | 'stride'>, x: X, after: After<X>): X
  /** Shortcut A: every stride-th row and column; `missing` zero channels, the first half of them before the others. */
  reshape(x: X, stride: number, missing: number): X
  /** 3x3, stride 2, padding 1. */
  maxPool(x: X): X
  /** The mean of each channel. */
  pool(x: X): X
  add(a: X, b: X): X
}

/** [N, features] of pictures [N, channels, H, W]. */
export function featuresOf<X>(built: Architecture, x: X, operations: Operations<X>): X {
  const { preactivation, stem, blocks } = built
  const { convolve, normalise, layer, maxPool, pool } = operations
  let y = preactivation
    ? convolve(STEM.conv, x, stem.kernel, stem.stride)
    : layer({ ...STEM, ...stem }, x, { relu: true })
  if (stem.pool) y = maxPool(y)
  const run = preactivation ? preactivated : postactivated
  for (const block of blocks) y = run(built, block, y, operations)
  return pool(preactivation ? normalise(STEM.norm, y, { relu: true }) : y)
}

/** Convolution, norm, ReLU, …; the last ReLU comes after the sum. */
function postactivated<X>(built: Architecture, block: Block, x: X, operations: Operations<X>): X {
  const last = block.layers.length - 1
  return block.layers.reduce((y, each, i) => {
    const after = i === last ? { residual: shortcutOf(built, block, x, operations) } : { relu: true }
    return operations.layer(each, y, after)
  }, x)
}

/** Norm, ReLU, convolution, …; a block that reshapes takes its shortcut after the first ReLU. */
function preactivated<X>(built: Architecture, block: Block, x: X, operations: Operations<X>): X {
  const { convolve, normalise, add } = operations
  const first = normalise(block.layers[0].norm, x, { relu: true })
  const y = block.layers.reduce((z, { conv, norm, kernel, stride }, i) => {
    return convolve(conv, i === 0 ? z : normalise(norm, z, { relu: true }), kernel, stride)
  }, first)
  // The shortcut first, as in batchNorm: its gradient comes last.
  return add(block.shortcut ? shortcutOf(built, block, first, operations) : x, y)
}

function shortcutOf<X>(
  { config }: Architecture,
  { shortcut, stride, from, to }: Block,
  x: X,
  operations: Operations<X>,
): X {
  if (!shortcut) return x
  if (config.shortcut === 'A') return operations.reshape(x, stride, to - from)
  const { conv, norm } = shortcut
  return norm ? operations.layer({ conv, norm, kernel: 1, stride }, x, {}) : operations.convolve(conv, x, 1, stride)
}
