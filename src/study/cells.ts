// Runs the stages of a study in order: skips what is finished, goes on from checkpoints, keeps every finished cell as a
// file, marks a diverged one as failed and goes on. Ends at the first fault that concerns more than one cell.
import type { DatasetPair } from '../data/dataset.ts'
import type { Engine } from '../engine.ts'
import { InputError, ShapeError } from '../errors.ts'
import { AbortedError, DivergedError, type Progress as FitProgress } from '../train/fit.ts'
import { type Counts, costOf, flops, total, trainedOn } from './cost.ts'
import type { Events } from './events.ts'
import type { Progress } from './progress.ts'
import { runStage, type StageOutcome } from './runStage.ts'
import { needs, type Reference, type Stage } from './stage.ts'
import { CELL_VERSION, type Setting, type Store } from './store.ts'

/** What is kept of a cell. `stage` says what it was called when it was trained; a rerun may call it otherwise. */
export interface Cell {
  schemaVersion: number
  key: string
  status: 'ok' | 'failed'
  /** Why it failed. */
  reason: string | null
  outcome: StageOutcome | null
  stage: Stage
  setting: Setting
  version: string
  commit: string | null
  finished: string
}

export interface CellsOptions {
  engine: Engine
  data: DatasetPair
  stages: readonly Stage[]
  keys: ReadonlyMap<string, string>
  setting: Setting
  store: Store
  events: Events
  progress: Progress
  signal: AbortSignal
  /** Ignore finished cells and checkpoints. */
  fresh: boolean
  version: string
  commit: string | null
  /** Milliseconds that a step may take to end after an abort. */
  patience?: number
}

/** The finished cells by stage id. Throws AbortedError, and whatever stops the whole run. */
export async function runCells(options: CellsOptions): Promise<Map<string, Cell>> {
  const { engine, data, stages, keys, store, progress, events, signal, fresh } = options
  const cells = new Map<string, Cell>()
  const pace = paceOf(options)
  if (!fresh) {
    for (const { id } of stages) {
      const cell = await store.result<Cell>(keys.get(id)!)
      if (cell) cells.set(id, cell)
    }
    if (cells.size > 0) progress.line(`${cells.size} of ${stages.length} cells are finished already`)
  }
  pace.known(cells)

  for (const [i, stage] of stages.entries()) {
    if (cells.has(stage.id)) continue
    if (signal.aborted) throw new AbortedError(0, 0)
    const key = keys.get(stage.id)!
    const name = `[${i + 1}/${stages.length}] ${stage.id}`
    const base = { schemaVersion: CELL_VERSION, key, stage, setting: options.setting }
    const record = { version: options.version, commit: options.commit }
    const failed = (reason: string): Cell => {
      return { ...base, ...record, status: 'failed', reason, outcome: null, finished: new Date().toISOString() }
    }
    const lost = needs(stage).find((need) => cells.get(need)?.status === 'failed')
    await events.write('cell', { id: stage.id, key, cell: i + 1, cells: stages.length })
    const started = performance.now()
    let cell: Cell
    if (lost) {
      cell = failed(`it learns from ${lost}, which failed: ${cells.get(lost)!.reason}`)
      await store.finish(key, cell, null)
    } else {
      try {
        const { outcome, weights } = await train(options, stage, key, cells, (seen, first) => {
          progress.bar({ cell: i + 1, cells: stages.length, id: stage.id, ...pace.look(stage, seen, first, started) })
        })
        cell = { ...base, ...record, status: 'ok', reason: null, outcome, finished: new Date().toISOString() }
        await store.finish(key, cell, weights)
      } catch (error) {
        if (!(error instanceof DivergedError)) throw error
        cell = failed(error.message)
        await store.finish(key, cell, null)
      } finally {
        progress.clear()
      }
    }
    cells.set(stage.id, cell)
    const wall = (performance.now() - started) / 1000
    if (cell.outcome) pace.finished(stage, wall)
    const { status, reason, outcome } = cell
    await events.write('finished', { id: stage.id, key, status, reason, wall, nodes: outcome ? brief(outcome) : null })
    if (outcome) progress.line(`${name}  ${sentence(outcome, trainedOn(stage, countsOf(data)))}`)
    else progress.always(`${name}  FAILED: ${reason}`)
    await engine.settled()
  }
  return cells
}

export const countsOf = ({ train, test }: DatasetPair): Counts => ({ train: train.n, test: test.n })

type Look = (progress: FitProgress | null, first: number) => void

/** One stage, from its checkpoint where there is one. */
async function train(options: CellsOptions, stage: Stage, key: string, cells: Map<string, Cell>, look: Look) {
  const { engine, data, keys, store, events, signal, fresh, patience = 3000 } = options
  if (fresh) await store.dropCheckpoint(key)
  const resume = await store.checkpoint(key)
  let moved = false
  let told = Number.NEGATIVE_INFINITY
  look(null, 0)
  const running = runStage({
    engine,
    data,
    stage,
    resume,
    signal,
    earlier: async ({ stage: id, node }: Reference) => {
      const weights = await store.weights(keys.get(id)!)
      const own = [...weights].filter(([name]) => name.startsWith(`${node}/`))
      const tau = cells.get(id)?.outcome?.nodes[node]?.tau ?? null
      return { weights: new Map(own.map(([name, value]) => [name.slice(node.length + 1), value])), tau }
    },
    save: (snapshot, seconds) => store.saveCheckpoint(key, snapshot, seconds),
    onProgress: (progress) => {
      moved = true
      look(progress, resume?.snapshot.step ?? 0)
      if (performance.now() - told < 3000) return
      told = performance.now()
      void events.write('progress', { id: stage.id, ...progress }).catch(() => {})
    },
  })
  const giveUp = tooLate(signal, patience)
  try {
    return await Promise.race([running, giveUp.late])
  } catch (error) {
    running.catch(() => {})
    // What does not fit before the first step is the checkpoint.
    if (resume && !moved && (error instanceof InputError || error instanceof ShapeError)) {
      throw new InputError(
        `${store.path(key, '.checkpoint.safetensors')}: ${error.message}; remove it to start the cell again`,
      )
    }
    throw error
  } finally {
    giveUp.forget()
  }
}

/** `late` throws some time after an abort: a step that is too long to wait for is given up. */
function tooLate(signal: AbortSignal, patience: number): { late: Promise<never>; forget: () => void } {
  let wait = () => {}
  const late = new Promise<never>((_, reject) => {
    wait = () => setTimeout(() => reject(new AbortedError(0, 0)), patience).unref()
    signal.addEventListener('abort', wait)
  })
  return { late, forget: () => signal.removeEventListener('abort', wait) }
}

/** How fast cells go, in FLOPs a second, from those that are finished and the one that runs. */
function paceOf({ data, stages }: CellsOptions) {
  const weights = new Map(stages.map((stage) => [stage.id, costOf(stage, countsOf(data), flops)]))
  const done = { flops: 0, seconds: 0 }
  const left = new Set(stages.map(({ id }) => id))
  return {
    known(cells: ReadonlyMap<string, Cell>): void {
      for (const id of cells.keys()) left.delete(id)
    },
    finished({ id }: Stage, seconds: number): void {
      left.delete(id)
      done.flops += total(weights.get(id)!)
      done.seconds += seconds
    },
    look({ id, batch }: Stage, seen: FitProgress | null, first: number, started: number) {
      const cost = weights.get(id)!
      if (!seen) return { step: 0, steps: cost.steps, imagesPerSecond: 0, loss: 0, left: null, studyLeft: null }
      const { step, steps, imagesPerSecond, nodes } = seen
      const losses = Object.values(nodes).map(({ total }) => total)
      const loss = losses.reduce((sum, x) => sum + x, 0) / losses.length
      const elapsed = (performance.now() - started) / 1000
      const here = (cost.training * (step - first)) / steps
      const rate = (done.flops + here) / (done.seconds + elapsed)
      const ahead = [...left].reduce((sum, other) => sum + total(weights.get(other)!), 0)
      return {
        ...{ step, steps, imagesPerSecond, loss },
        left: ((steps - step) * batch) / imagesPerSecond,
        studyLeft: rate > 0 ? Math.max(0, ahead - (cost.training * step) / steps) / rate : null,
      }
    },
  }
}

function sentence({ nodes, seconds, imagesPerSecond }: StageOutcome, images: number): string {
  const { teacher, ...others } = nodes
  const taught = Object.values(others)
  const mean = (of: (node: StageOutcome['nodes'][string]) => number) => {
    const values = (taught.length ? taught : Object.values(nodes)).map(of)
    return values.reduce((sum, x) => sum + x, 0) / values.length
  }
  const percent = (x: number) => `${(100 * x).toFixed(2)} %`
  const tau = Object.values(nodes).find((node) => node.tau !== null)?.tau
  return [
    `${seconds.toFixed(1)} s`,
    `${Math.round(imagesPerSecond)} img/s`,
    `${images} images`,
    `accuracy ${percent(mean(({ test }) => test.accuracy))}`,
    `ECE ${percent(mean(({ test }) => test.ece))}`,
    ...(tau ? [`τ ${tau.toFixed(3)}`] : []),
    ...(teacher && taught.length ? [`teacher ${percent(teacher.test.accuracy)}`] : []),
  ].join('  ')
}

/** A cell's numbers without bins, for the event log. */
function brief({ nodes, seconds, imagesPerSecond }: StageOutcome) {
  const numbers = Object.entries(nodes).map(([name, { test, sha256 }]) => {
    const { bins, ...rest } = test
    return [name, { ...rest, sha256 }]
  })
  return { seconds, imagesPerSecond, ...Object.fromEntries(numbers) }
}
