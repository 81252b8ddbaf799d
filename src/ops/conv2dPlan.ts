// Which kernel computes what: a function of the adapter and the shape, never of timing, so that equal runs give equal
// bits, unless the engine was given a table of choices. The measurements behind it are in docs/notes-kernels.md.
import { InputError } from '../errors.ts'
import type { Gpu, GpuInfo } from '../gpu/gpu.ts'
import { generic } from './conv2dGeneric.ts'
import type { Geometry } from './conv2dGeometry.ts'
import { images } from './conv2dImages.ts'
import type { ConvKernel } from './conv2dKernel.ts'
import { CONV_PASSES, type ConvPass, convKey } from './conv2dKey.ts'
import { lanes } from './conv2dLanes.ts'
import { matmul } from './conv2dMatmul.ts'
import { quads } from './conv2dQuads.ts'
import { rows } from './conv2dRows.ts'
import { shared } from './conv2dShared.ts'
import { plain, strip } from './conv2dStrip.ts'
import { tile } from './conv2dTile.ts'
import { tiny } from './conv2dTiny.ts'

/** Every kernel, by the name that tables of choices use. */
export const KERNELS = {
  tiny,
  strip,
  quads,
  lanes,
  rows,
  plain,
  images,
  tile,
  shared,
  matmul,
  generic,
} satisfies Record<string, ConvKernel>

export type KernelName = keyof typeof KERNELS
/** The kernel of each pass. */
export type ConvPlan = Record<ConvPass, KernelName>

/** Adapters that have one order. Software that is not SwiftShader counts as llvmpipe. */
export type AdapterClass = 'llvmpipe' | 'swiftshader' | 'gpu'

/**
 * Which kernels are preferred: the first that can, and whose lanes have work, is the default. Those missing from a list
 * are never one there, but `tune` tries them. docs/performance.md (Tuning) says what comes of it.
 */
const PREFERRED: Record<AdapterClass, readonly KernelName[]> = {
  // Measured: pictures of 2x2, then subgroups, a few images, and no subgroups.
  llvmpipe: ['tiny', 'strip', 'quads', 'lanes', 'rows', 'plain', 'images', 'matmul', 'tile', 'shared', 'generic'],
  // Measured: arrays and shuffles cost it more than loads do, so 1x1 is a product, and 3x3 needs no subgroups.
  swiftshader: ['tiny', 'matmul', 'plain', 'quads', 'strip', 'lanes', 'rows', 'images', 'tile', 'shared', 'generic'],
  // By reasoning, since none was at hand to measure: few registers, no idle lanes.
  gpu: ['shared', 'tile', 'generic'],
}

export function adapterClass({ software, adapter, driver }: GpuInfo): AdapterClass {
  if (!software) return 'gpu'
  return /swiftshader/i.test(`${adapter} ${driver}`) ? 'swiftshader' : 'llvmpipe'
}

/** The kernels that can compute each pass, the default first. */
export function ableKernels(gpu: Gpu, g: Geometry): Record<ConvPass, KernelName[]> {
  const preferred = PREFERRED[adapterClass(gpu.info)]
  const all = new Set([...preferred, ...(Object.keys(KERNELS) as KernelName[])])
  const able = (pass: ConvPass): KernelName[] => {
    const can = [...all].filter((name) => KERNELS[name][pass]?.fits(gpu, g))
    const first = can.find((name) => KERNELS[name][pass]!.fills?.(gpu, g) ?? true)!
    return [first, ...can.filter((name) => name !== first)]
  }
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
