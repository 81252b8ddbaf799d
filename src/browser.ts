// The browser entry: everything of index.ts, and an `init` on navigator.gpu.
import type { Engine } from './engine.ts'
import { AdapterError } from './errors.ts'
import { type EngineOptions, engineFrom, ownName } from './init.ts'

export { decodePicture } from './browser/pictures.ts'
export * from './index.ts'

export interface InitOptions extends EngineOptions {
  /** A device the caller owns; it outlives the engine. */
  device?: GPUDevice
  /** Passed to requestAdapter. */
  powerPreference?: GPUPowerPreference
}

/**
 * Opens an engine on the browser's adapter. Throws AdapterError where WebGPU is missing, as in pages that came neither by
 * https nor from localhost; InputError for choices that the adapter can't follow.
 */
export async function init(options: InitOptions = {}): Promise<Engine> {
  if (options.device) return engineFrom(options.device, undefined, options)
  const gpu = (globalThis.navigator as (Navigator & { gpu?: GPU }) | undefined)?.gpu
  if (!gpu) {
    const insecure = globalThis.isSecureContext === false
    const hint = insecure
      ? 'this page came over plain http from another machine; WebGPU needs https or localhost'
      : 'use a current Chrome, Edge, Safari or Firefox'
    throw new AdapterError(`this browser has no WebGPU (navigator.gpu): ${hint}`)
  }
  const adapter = await gpu.requestAdapter({ powerPreference: options.powerPreference ?? 'high-performance' })
  if (!adapter) throw new AdapterError('the browser offers no WebGPU adapter; is hardware acceleration switched off?')
  return engineFrom(null, { adapter, name: ownName(adapter.info) || 'unnamed adapter' }, options)
}
