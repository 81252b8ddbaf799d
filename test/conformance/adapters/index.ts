// Table of contents: which operators of each suite have an adapter.
import type { Suite } from '../cases.ts'
import type { Adapters } from '../harness.ts'
import { graphs } from './graph.ts'
import { torchLayers } from './torchLayers.ts'

export const adapters: Record<Suite, Adapters> = {
  torch: { ...torchLayers },
  onnx: graphs,
  wpt: graphs,
}
