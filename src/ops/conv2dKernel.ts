// What a way to compute convolutions is. Each has a file of its own; conv2dPlan.ts lists them.
import type { Gpu } from '../gpu/gpu.ts'
import type { Tensor } from '../tensor.ts'
import type { Conv2dOptions, Geometry } from './conv2dGeometry.ts'

/** Can it do this shape on this adapter? */
export type Fits = (gpu: Gpu, g: Geometry) => boolean

/** What a forward pass may do to the sum before it stores it. */
export type Finish = Pick<Conv2dOptions, 'residual' | 'relu'>

export type Forward = (g: Geometry, x: Tensor, w: Tensor, bias: Tensor | null, y: Tensor, finish: Finish) => void
/** Takes w and dy, or x and dy; writes, or adds, the gradient. */
export type Backward = (g: Geometry, other: Tensor, dy: Tensor, to: Tensor, add: 0 | 1) => void

/** The passes it knows. */
export interface ConvKernel {
  /** `finishes`: does it add the residual and rectify? */
  forward?: { fits: Fits; finishes: (g: Geometry) => boolean; run: Forward }
  dX?: { fits: Fits; run: Backward }
  dW?: { fits: Fits; run: Backward }
}

export const always = () => true
export const never = () => false
