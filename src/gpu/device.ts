// A device with what the engine can use.
import { AdapterError } from '../errors.ts'

/** Storage buffers that a kernel binds at most; those of more than eight have a form for devices that bind eight. */
export const MOST_BOUND = 10

/**
 * Asks an adapter for a device with what the engine can use and the adapter offers: features, tensors as large as it
 * binds, and as many of them. All other default limits suffice.
 */
export async function requestDevice(adapter: GPUAdapter, subgroups = true): Promise<GPUDevice> {
  const wanted: GPUFeatureName[] = [...(subgroups ? ['subgroups' as const] : []), 'timestamp-query', 'shader-f16']
  const requiredFeatures = wanted.filter((feature) => adapter.features.has(feature))
  const { maxStorageBufferBindingSize, maxBufferSize, maxStorageBuffersPerShaderStage: bound } = adapter.limits
  const maxStorageBuffersPerShaderStage = Math.min(bound, MOST_BOUND)
  const requiredLimits = { maxStorageBufferBindingSize, maxBufferSize, maxStorageBuffersPerShaderStage }
  try {
    return await adapter.requestDevice({ label: 'webgpu-distill', requiredFeatures, requiredLimits })
  } catch (error) {
    throw new AdapterError(`the adapter gave no device: ${error instanceof Error ? error.message : error}`)
  }
}
