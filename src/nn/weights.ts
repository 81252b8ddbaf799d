// Weights from and to a file, by name: our own, or a state_dict of PyTorch's saved as safetensors.
import { InputError, quote } from '../errors.ts'
import { readSafetensors, type SafeTensor, writeSafetensors } from '../io/safetensors.ts'
import type { Shape } from '../tensor.ts'
import { Parameters } from './parameters.ts'
import type { AnyNetwork } from './resnet.ts'

type Weighted = Pick<AnyNetwork, 'parameters'>

/**
 * Loads a safetensors file into a network, or into any `{ parameters }`. PyTorch's counters `num_batches_tracked` are
 * passed over. Throws InputError for a damaged file and for missing or unknown names, ShapeError for other shapes.
 */
export function loadWeights(network: Weighted, bytes: Uint8Array, file = 'safetensors'): void {
  const parameters = parametersOf('loadWeights', network)
  if (!(bytes instanceof Uint8Array))
    throw new InputError(`loadWeights: needs the bytes of a file, got ${quote(bytes)}`)
  const state = new Map<string, { shape: Shape; data: Float32Array }>()
  for (const [name, { shape, data, dtype }] of readSafetensors(bytes, file).tensors) {
    if (name.endsWith('.num_batches_tracked')) continue
    if (!(data instanceof Float32Array)) throw new InputError(`${file}: '${name}' is ${dtype}, weights are F32`)
    state.set(name, { shape, data })
  }
  parameters.load(state)
}

function parametersOf(op: string, network: Weighted): Weighted['parameters'] {
  if (network?.parameters instanceof Parameters) return network.parameters
  throw new InputError(`${op}: needs a network, or { parameters }`)
}

/** A network's weights and running statistics as the bytes of a safetensors file. */
export async function saveWeights(network: Weighted): Promise<Uint8Array> {
  const parameters = parametersOf('saveWeights', network)
  const tensors: [string, SafeTensor][] = []
  for (const [name, { shape, data }] of await parameters.state())
    tensors.push([name, { dtype: 'F32', shape: [...shape], data }])
  return writeSafetensors(tensors)
}
