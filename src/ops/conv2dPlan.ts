// Which kernel computes what: a function of the adapter and the shape, never of timing, so that equal runs give equal
// bits, unless the engine was given a table of choices. The measurements behind it are in docs/notes-kernels.md.
import { InputError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Geometry } from './conv2dGeometry.ts'
import { imagesFit } from './conv2dImages.ts'
import { CONV_PASSES, convKey } from './conv2dKey.ts'
import { lanesFit, lanesFitInput } from './conv2dLanes.ts'
import { quadsFit } from './conv2dQuads.ts'
import { rowsFit } from './conv2dRows.ts'
import { sharedFitInput, sharedFitWeight } from './conv2dShared.ts'
import { plainFit, plainFitInput, stripFit, stripFitInput } from './conv2dStrip.ts'
import { tileFit, tileFitInput } from './conv2dTile.ts'
import { tinyFit, tinyFitWeight } from './conv2dTiny.ts'

/**
 * On software adapters: `strip` and `quads` (conv2dStrip.ts, conv2dQuads.ts), `tiny` (conv2dTiny.ts) for pictures of 2x2,
 * `rows` (conv2dRows.ts) for batches too small for them, `plain` and `images` (conv2dImages.ts) without subgroups.
 * `lanes` (conv2dLanes.ts) wherever subgroups have one known size. `shared` (conv2dShared.ts) and `tile`
 * (conv2dTile.ts) for GPUs. `generic` (conv2d.wgsl): everything everywhere.
 */
export type PictureKernel = 'tiny' | 'strip' | 'lanes' | 'plain' | 'rows' | 'tile' | 'shared' | 'generic'
export type WeightKernel = 'tiny' | 'quads' | 'lanes' | 'images' | 'tile' | 'shared' | 'generic'

export interface ConvPlan {
  forward: PictureKernel
  dX: Exclude<PictureKernel, 'rows'>
  dW: WeightKernel
}

type Fits = (gpu: Gpu, g: Geometry) => boolean
type Choices = { [pass in keyof ConvPlan]: [ConvPlan[pass], Fits][] }
const always = () => true

/** The fastest on software adapters first. */
const CHOICES: Choices = {
  forward: [
    ['tiny', tinyFit],
    ['strip', stripFit],
    ['lanes', lanesFit],
    ['rows', rowsFit],
    ['plain', plainFit],
    ['tile', tileFit],
    ['shared', tileFit],
    ['generic', always],
  ],
  dX: [
    ['tiny', tinyFit],
    ['strip', stripFitInput],
    ['lanes', lanesFitInput],
    ['plain', plainFitInput],
    ['tile', tileFitInput],
    ['shared', sharedFitInput],
    ['generic', always],
  ],
  dW: [
    ['tiny', tinyFitWeight],
    ['quads', quadsFit],
    ['lanes', lanesFit],
    ['images', imagesFit],
    ['tile', tileFit],
    ['shared', sharedFitWeight],
    ['generic', always],
  ],
}

/** Few registers, no idle lanes, and what a workgroup shares is loaded once: by reasoning, none was at hand to measure. */
const GPU_FIRST = ['shared', 'tile']

/** The kernels that can compute each pass, the fastest first. */
export function ableKernels(gpu: Gpu, g: Geometry): { [pass in keyof ConvPlan]: ConvPlan[pass][] } {
  const able = <K extends string>(choices: [K, Fits][]): K[] => {
    const kernels = choices.filter(([, fits]) => fits(gpu, g)).map(([kernel]) => kernel)
    if (gpu.info.software) return kernels
    const first = kernels.filter((kernel) => GPU_FIRST.includes(kernel)).reverse()
    return [...first, ...kernels.filter((kernel) => !first.includes(kernel))]
  }
  return { forward: able(CHOICES.forward), dX: able(CHOICES.dX), dW: able(CHOICES.dW) }
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
  const pick = <K>(pass: keyof ConvPlan, kernels: K[], name: K = kernels[0]): K => {
    if (kernels.includes(name)) return name
    throw new InputError(`conv2d: '${name}' can't compute ${pass} of this shape on ${gpu.info.adapter}; ${kernels} can`)
  }
  return {
    forward: pick('forward', able.forward, named.forward),
    dX: pick('dX', able.dX, named.dX),
    dW: pick('dW', able.dW, named.dW),
  }
}
