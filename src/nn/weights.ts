// Weights from a file, by name: our own, or a state_dict of PyTorch's saved as safetensors.
import { InputError } from '../errors.ts'
import { readSafetensors } from '../io/safetensors.ts'
import type { Shape } from '../tensor.ts'
import type { Network } from './resnet.ts'

/**
 * Loads a safetensors file into a network. PyTorch's counters `num_batches_tracked` are passed over. Throws InputError
 * for a damaged file and for missing or unknown names, ShapeError for other shapes.
 */
export function loadWeights({ parameters }: Network, bytes: Uint8Array, file = 'safetensors'): void {
  const state = new Map<string, { shape: Shape; data: Float32Array }>()
  for (const [name, { shape, data, dtype }] of readSafetensors(bytes, file).tensors) {
    if (name.endsWith('.num_batches_tracked')) continue
    if (!(data instanceof Float32Array)) throw new InputError(`${file}: '${name}' is ${dtype}, weights are F32`)
    state.set(name, { shape, data })
  }
  parameters.load(state)
}
