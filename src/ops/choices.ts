// Tables that name kernels in place of the defaults: carried by an engine, never global, read when ops are recorded.
import { InputError } from '../errors.ts'
import type { Choices, Gpu } from '../gpu/gpu.ts'
import { geometryOf, parseConvKey } from './conv2dKey.ts'
import { ableKernels } from './conv2dPlan.ts'

/**
 * Has the engine take these kernels from now on; steps that are captured keep theirs. Throws InputError, which quotes
 * the entry, for a shape that is none and for a kernel that is unknown or can't do its shape on this adapter.
 */
export function setChoices(gpu: Gpu, choices: Choices): void {
  if (typeof choices !== 'object' || choices === null || Array.isArray(choices)) {
    throw new InputError(`choices: ${JSON.stringify(choices)} is no table of kernels by shape`)
  }
  for (const [key, kernel] of Object.entries(choices)) {
    const { pass, shape } = parseConvKey(key)
    const able: string[] = ableKernels(gpu, geometryOf(shape))[pass]
    if (able.includes(kernel)) continue
    const can = `${able.join(', ')} can`
    throw new InputError(`choices: ${JSON.stringify(kernel)} can't compute '${key}' on ${gpu.info.adapter}; ${can}`)
  }
  const entries = Object.entries(choices).sort(([a], [b]) => (a < b ? -1 : 1))
  gpu.choices = Object.freeze(Object.fromEntries(entries))
}
