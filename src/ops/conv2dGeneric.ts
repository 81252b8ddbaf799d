// Every convolution on every adapter, one output element an invocation: fallback and reference.
import source from '../../shaders/conv2d.wgsl'
import { kernels } from '../gpu/kernel.ts'
import type { Tensor } from '../tensor.ts'
import type { Geometry } from './conv2dGeometry.ts'
import { always, type ConvKernel, never } from './conv2dKernel.ts'

const conv2d_ = kernels<'forward' | 'backwardX' | 'backwardW' | 'backwardB'>(source)

export const generic: ConvKernel = {
  forward: {
    fits: always,
    finishes: never,
    run: (g, x, w, bias, y) => conv2d_.forward({ x, w, b: bias ?? w, y }, { ...g, add: 0 }, { threads: [y.size] }),
  },
  dX: {
    fits: always,
    run: (g, w, dy, dx, add) => conv2d_.backwardX({ w, dy, dx }, { ...g, add }, { threads: [dx.size] }),
  },
  dW: {
    fits: always,
    run: (g, x, dy, dw, add) => conv2d_.backwardW({ x, dy, dw }, { ...g, add }, { groups: [dw.size] }),
  },
}

/** The gradient of the bias, for all of them. */
export function biasGradient(g: Geometry, dy: Tensor, db: Tensor, add: 0 | 1): void {
  conv2d_.backwardB({ dy, db }, { ...g, add }, { groups: [g.k] })
}
