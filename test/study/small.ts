// A study small enough for a test: 8x8 pictures, networks of 4 channels, a few steps.
import type { DatasetPair } from '../../src/data/dataset.ts'
import { makePair } from '../../src/data/dataset.ts'
import { synthetic } from '../../src/data/synthetic.ts'
import { cqkdStages } from '../../src/study/cqkdStages.ts'
import { PRESETS, type Recipe } from '../../src/study/recipe.ts'
import type { Stage } from '../../src/study/stage.ts'
import type { Setting } from '../../src/study/store.ts'

export const smallRecipe: Recipe = {
  ...PRESETS.quick.recipe,
  trainImages: 60,
  calibrationImages: 40,
  sizes: [4],
  methods: ['supervised', 'cqkd'],
  temperatures: [4],
  epochs: 2,
  batch: 20,
  looks: null,
  teacher: { depth: 8, widths: [4, 4, 4], stemStride: 1 },
  student: { depth: 8, widths: [4, 4, 4], stemStride: 1 },
}

export const smallStages = (changes: Partial<Recipe> = {}): Stage[] => {
  return cqkdStages({ ...smallRecipe, ...changes }, { side: 8, channels: 1, classes: 10 })
}

export async function smallData(): Promise<DatasetPair> {
  const { train, test } = synthetic({ train: 120, test: 50, size: 8 })
  return makePair(train, test, 'synthetic')
}

export const setting: Setting = { dataHash: 'data', fingerprint: 'bits', adapter: 'some adapter', subgroupSize: 8 }
