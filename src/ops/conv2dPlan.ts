// Which kernel computes what: a function of the adapter and the shape, never of timing, so that equal runs give equal
// bits. The measurements behind it are in docs/notes-kernels.md.
import { InputError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Geometry } from './conv2dGeometry.ts'
import { lanesFit, lanesFitInput } from './conv2dLanes.ts'
import { quadsFit, stripFit } from './conv2dStrip.ts'

/**
 * `strip`: conv2dStrip.ts, on software adapters. `lanes`: conv2dLanes.ts, wherever subgroups have one known size.
 * `generic`: conv2d.wgsl, everything everywhere.
 */
export type ConvKernel = 'strip' | 'lanes' | 'generic'

export interface ConvPlan {
  forward: ConvKernel
  dX: ConvKernel
  dW: ConvKernel
}

type Choice = [ConvKernel, (gpu: Gpu, g: Geometry) => boolean]
const always = () => true

/** The fastest first. */
const CHOICES: Record<keyof ConvPlan, Choice[]> = {
  forward: [
    ['strip', stripFit],
    ['lanes', lanesFit],
    ['generic', always],
  ],
  dX: [
    ['strip', stripFit],
    ['lanes', lanesFitInput],
    ['generic', always],
  ],
  dW: [
    ['strip', quadsFit],
    ['lanes', lanesFit],
    ['generic', always],
  ],
}

/** The kernels that can compute each pass, the fastest first. */
export function ableKernels(gpu: Gpu, g: Geometry): Record<keyof ConvPlan, ConvKernel[]> {
  const able = (pass: keyof ConvPlan) => CHOICES[pass].filter(([, fits]) => fits(gpu, g)).map(([kernel]) => kernel)
  return { forward: able('forward'), dX: able('dX'), dW: able('dW') }
}

/** The kernels for a convolution. `wanted` names those that tests and benchmarks ask for; InputError where one can't. */
export function planConv2d(gpu: Gpu, g: Geometry, wanted: Partial<ConvPlan> = {}): ConvPlan {
  const able = ableKernels(gpu, g)
  const pick = (pass: keyof ConvPlan): ConvKernel => {
    const name = wanted[pass] ?? able[pass][0]
    if (able[pass].includes(name)) return name
    throw new InputError(
      `conv2d: '${name}' can't compute ${pass} of this shape on ${gpu.info.adapter}; ${able[pass]} can`,
    )
  }
  return { forward: pick('forward'), dX: pick('dX'), dW: pick('dW') }
}
