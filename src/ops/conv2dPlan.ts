// Which kernel computes what: a function of the adapter and the shape, never of timing, so that equal runs give equal
// bits. The measurements behind it are in docs/notes-kernels.md.
import { InputError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Geometry } from './conv2dGeometry.ts'
import { lanesFit, lanesFitInput } from './conv2dLanes.ts'

/** `lanes`: conv2dLanes.ts, wherever subgroups have one known size. `generic`: conv2d.wgsl, everything everywhere. */
export type ConvKernel = 'lanes' | 'generic'

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
    ['lanes', lanesFit],
    ['generic', always],
  ],
  dX: [
    ['lanes', lanesFitInput],
    ['generic', always],
  ],
  dW: [
    ['lanes', lanesFit],
    ['generic', always],
  ],
}

/** The kernels for a convolution. `wanted` names those that tests and benchmarks ask for; InputError where one can't. */
export function planConv2d(gpu: Gpu, g: Geometry, wanted: Partial<ConvPlan> = {}): ConvPlan {
  const pick = (pass: keyof ConvPlan): ConvKernel => {
    const able = CHOICES[pass].filter(([, fits]) => fits(gpu, g)).map(([kernel]) => kernel)
    const name = wanted[pass] ?? able[0]
    if (able.includes(name)) return name
    throw new InputError(`conv2d: '${name}' can't compute ${pass} of this shape on ${gpu.info.adapter}; ${able} can`)
  }
  return { forward: pick('forward'), dX: pick('dX'), dW: pick('dW') }
}
