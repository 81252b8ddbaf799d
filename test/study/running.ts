// Stages of a study on the shared device, without a program around them.
import type { DatasetPair } from '../../src/data/dataset.ts'
import { type FileLayer, readText } from '../../src/io/files.ts'
import { type CellsOptions, runCells } from '../../src/study/cells.ts'
import { Events } from '../../src/study/events.ts'
import { Progress } from '../../src/study/progress.ts'
import { runStage } from '../../src/study/runStage.ts'
import type { Stage } from '../../src/study/stage.ts'
import { keysOf, Store } from '../../src/study/store.ts'
import { engine } from '../device.ts'
import { memoryFiles } from '../memoryFiles.ts'
import { setting } from './small.ts'

interface Running extends Partial<CellsOptions> {
  files?: FileLayer
}

/** Starts the cells of `stages`, kept in `out/cells` of files in memory where no others are given. */
export async function running(stages: Stage[], data: DatasetPair, { files = memoryFiles(), ...more }: Running = {}) {
  const written: string[] = []
  const log = 'out/events.jsonl'
  const keys = await keysOf(stages, setting)
  const store = new Store(files, 'out/cells')
  const plain = { engine, data, stages, keys, setting, store, fresh: false, version: '1', commit: null }
  const cells = runCells({
    ...plain,
    events: new Events(files, log),
    progress: new Progress({ write: (text) => written.push(text) }),
    signal: new AbortController().signal,
    ...more,
  })
  return {
    ...{ files, keys, store, cells },
    lines: () => linesOf(written.join('')),
    events: async () => linesOf(await readText(files, log)).map((line) => JSON.parse(line)),
  }
}

const linesOf = (text: string) => text.trim().split('\n')

/** One stage that needs no earlier one; nothing is kept. */
export function runAlone(stage: Stage, data: DatasetPair, more: Partial<Parameters<typeof runStage>[0]> = {}) {
  return runStage({
    engine,
    data,
    stage,
    earlier: () => Promise.reject(new Error('nothing earlier')),
    resume: null,
    save: async () => {},
    onProgress: () => {},
    signal: new AbortController().signal,
    ...more,
  })
}
