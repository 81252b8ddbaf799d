// What a flag of a study is, and what flags say besides the recipe.
import type { PaperEntry } from '../report/index.ts'
import type { Asked } from './shards.ts'

export const SCHEDULERS = ['slurm', 'k8s'] as const
export type Scheduler = (typeof SCHEDULERS)[number]

/** Everything that is not the recipe. */
export interface RunOptions extends Asked {
  data?: string
  adapter?: string
  out?: string
  resume?: boolean
  fresh?: boolean
  offline?: boolean
  json?: boolean
  list?: boolean
  dryRun?: boolean
  quiet?: boolean
  merge?: boolean
  saveSeconds?: number
  submit?: Scheduler
  keep?: boolean
  eval?: string
  watch?: boolean
  choices?: string
  printConfig?: boolean
  tensorboard?: boolean
  processes?: number
  paperValues?: PaperEntry[]
}

export interface Flag<R> {
  name: string
  /** How the value is shown in help; absent for a switch. */
  value?: string
  /** The value may be left out; its text is empty then. */
  optional?: boolean
  about: string
  /** Changes the recipe. */
  recipe?: (recipe: R, text: string) => void
  /** Chooses cells, and leaves each of them as the preset has it. */
  chooses?: boolean
  run?: (options: RunOptions, text: string) => void
}
