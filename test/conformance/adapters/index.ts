// Table of contents: which operators of each suite have an adapter.
import type { Suite } from '../cases.ts'
import type { Adapters } from '../harness.ts'
import { graphs } from './graph.ts'
import { resnet8 } from './resnet8.ts'
import { torchLayers } from './torchLayers.ts'
import { torchLosses } from './torchLosses.ts'
import { torchTraining } from './torchTraining.ts'

export const adapters: Record<Suite, Adapters> = {
  torch: { ...torchLayers, ...torchLosses, ...torchTraining, ...resnet8 },
  onnx: graphs,
  wpt: graphs,
}
