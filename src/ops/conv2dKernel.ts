// What a way to compute convolutions is. Each has a file of its own; conv2dPlan.ts lists them.
import type { Gpu } from '../gpu/gpu.ts'
import type { Tensor } from '../tensor.ts'
import { type Conv2dOptions, forwardSum, type Geometry, inputSum, type Sum } from './conv2dGeometry.ts'

export type Fits = (gpu: Gpu, g: Geometry) => boolean

interface Pass<Run> {
  /** Can it do this shape with these subgroups? Whether it is the fastest is for conv2dPlan.ts to say. */
  fits: Fits
  /** Would at least half of its lanes have work? Where not, it is no default. Without this: always. */
  fills?: Fits
  run: Run
}

/** What a forward pass may do to the sum before it stores it. */
export type Finish = Pick<Conv2dOptions, 'residual' | 'relu'>

export type Forward = (g: Geometry, x: Tensor, w: Tensor, bias: Tensor | null, y: Tensor, finish: Finish) => void
/** Takes w and dy, or x and dy; writes, or adds, the gradient. */
export type Backward = (g: Geometry, other: Tensor, dy: Tensor, to: Tensor, add: 0 | 1) => void

/** The passes it knows. */
export interface ConvKernel {
  /** `finishes`: does it add the residual and rectify? */
  forward?: Pass<Forward> & { finishes: (g: Geometry) => boolean }
  dX?: Pass<Backward>
  dW?: Pass<Backward>
}

/** What such a sum is of, and where it goes. */
export interface Terms {
  x: Tensor
  w: Tensor
  b: Tensor | null
  y: Tensor
}

export type Summing = (g: Geometry, terms: Terms, sum: Sum, add: 0 | 1, finish: Finish) => void

/** Both passes of what computes sums; at stride 1 the input gradient is one, too. */
export function passes(run: Summing): { forward: Forward; dX: Backward } {
  return {
    forward: (g, x, w, b, y, finish) => run(g, { x, w, b, y }, forwardSum(g), 0, finish),
    dX: (g, w, dy, dx, add) => run(g, { x: dy, w, b: null, y: dx }, inputSum(g), add, {}),
  }
}

export const always = () => true
export const never = () => false
