// Which kernel computes what: a function of the adapter and the shape, never of timing, so that equal runs give equal
// bits, unless the engine was given a table of choices. The measurements behind it are in docs/notes-kernels.md.
import { InputError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { generic } from './conv2dGeneric.ts'
import type { Geometry } from './conv2dGeometry.ts'
import { images } from './conv2dImages.ts'
import type { ConvKernel } from './conv2dKernel.ts'
import { CONV_PASSES, type ConvPass, convKey } from './conv2dKey.ts'
import { lanes } from './conv2dLanes.ts'
import { quads } from './conv2dQuads.ts'
import { rows } from './conv2dRows.ts'
import { shared } from './conv2dShared.ts'
import { plain, strip } from './conv2dStrip.ts'
import { tile } from './conv2dTile.ts'
import { tiny } from './conv2dTiny.ts'

/**
 * The fastest on software adapters first: pictures of 2x2, then subgroups, few images, and no subgroups. `shared` and
 * `tile` are for GPUs, `generic` is everything everywhere.
 */
export const KERNELS = { tiny, strip, quads, lanes, rows, plain, images, tile, shared, generic } satisfies Record<
  string,
  ConvKernel
>

/** On GPUs first: few registers, no idle lanes. By reasoning; none was at hand to measure. */
const ON_GPUS: KernelName[] = ['shared', 'tile']

export type KernelName = keyof typeof KERNELS
/** The kernel of each pass. */
export type ConvPlan = Record<ConvPass, KernelName>

/** The kernels that can compute each pass, the fastest first. */
export function ableKernels(gpu: Gpu, g: Geometry): Record<ConvPass, KernelName[]> {
  const names = Object.keys(KERNELS) as KernelName[]
  const order = gpu.info.software ? names : [...new Set([...ON_GPUS, ...names])]
  const able = (pass: ConvPass) => order.filter((name) => KERNELS[name][pass]?.fits(gpu, g))
  return { forward: able('forward'), dX: able('dX'), dW: able('dW') }
}

/** What the engine's table of choices says of this shape. */
function chosen({ choices }: Gpu, g: Geometry): Partial<ConvPlan> {
  const found = CONV_PASSES.map((pass) => [pass, choices[convKey(g, pass) ?? '']])
  return Object.fromEntries(found.filter(([, kernel]) => kernel !== undefined))
}

/**
 * The kernels for a convolution: those that `wanted` names, for tests and benchmarks; else what the engine was told to
 * choose; else the first that can. Throws InputError where one can't.
 */
export function planConv2d(gpu: Gpu, g: Geometry, wanted: Partial<ConvPlan> = {}): ConvPlan {
  const able = ableKernels(gpu, g)
  const named = { ...chosen(gpu, g), ...wanted }
  const pick = (pass: ConvPass): KernelName => {
    const name = named[pass] ?? able[pass][0]
    if (able[pass].includes(name)) return name
    const can = `${able[pass].join(', ')} can`
    throw new InputError(`conv2d: '${name}' can't compute ${pass} of this shape on ${gpu.info.adapter}; ${can}`)
  }
  return { forward: pick('forward'), dX: pick('dX'), dW: pick('dW') }
}
