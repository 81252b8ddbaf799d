// What a study is to do, and what it does that on.
import type { DatasetPair } from '../data/dataset.ts'
import type { Engine } from '../engine.ts'
import type { Stage } from './stage.ts'
import type { Setting } from './store.ts'

/** What is to be done, before there is a device. */
export interface Plan {
  data: DatasetPair
  stages: Stage[]
}

/** A study that is ready to run. */
export interface Study extends Plan {
  engine: Engine
  driver: string | null
  keys: Map<string, string>
  setting: Setting
}
