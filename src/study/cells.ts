// Runs stages of a study: of those that are not finished, whose sources are, and which nobody else is at, takes the one
// with most work first; goes on from its checkpoint, keeps it as a file, marks a diverged one as failed and goes on.
// Several processes may do so in one folder at the same time. Ends at the first fault that concerns more than one cell.
import type { DatasetPair } from '../data/dataset.ts'
import type { Engine } from '../engine.ts'
import { FileError, InputError, ShapeError } from '../errors.ts'
import { AbortedError, DivergedError, type Progress as FitProgress } from '../train/fit.ts'
import { brief, finishedText, waitingText } from './cellText.ts'
import { tellCompiling } from './compiling.ts'
import { mayEnd, trainedOn } from './cost.ts'
import { saturated } from './ended.ts'
import type { Events } from './events.ts'
import { onAbort, pause, tooLate } from './interrupt.ts'
import { type Holder, isLease, type Lease } from './locks.ts'
import { longestFirst } from './order.ts'
import { countsOf, flopsByStage, type Pace, paceOf } from './pace.ts'
import { clock, type Progress } from './progress.ts'
import { runStage, type StageOutcome } from './runStage.ts'
import { needs, type Reference, type Stage } from './stage.ts'
import { CELL_VERSION, type Setting, type Store, type Weights, weightsOf } from './store.ts'

/** What is kept of a cell. `stage` says what it was called when it was trained; a rerun may call it otherwise. */
export interface Cell {
  schemaVersion: number
  key: string
  /** 'saturated': of a generation that was not to be trained any more. */
  status: 'ok' | 'failed' | 'saturated'
  /** Why it has no outcome. */
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
  /** The stages to see finished, and those they need; default all. */
  wanted?: ReadonlySet<string>
  keys: ReadonlyMap<string, string>
  setting: Setting
  store: Store
  events: Events
  progress: Progress
  signal: AbortSignal
  /** Ignore finished cells and checkpoints, all or those of these ids. */
  fresh: boolean | ReadonlySet<string>
  version: string
  commit: string | null
  /** Milliseconds that a step may take to end after an abort. */
  patience?: () => number
  /** Between checkpoints. */
  saveSeconds?: number
  /** That share the cells, as far as is known; default 1. */
  processes?: number
  /** Milliseconds between looks at what others are at. */
  poll?: number
}

/** The finished cells by stage id, as the study lists them. Throws AbortedError, and whatever stops the whole run. */
export async function runCells(options: CellsOptions): Promise<Map<string, Cell>> {
  const { engine, data, stages, wanted, keys, store, progress, events, signal, poll = 2000 } = options
  const cells = new Map<string, Cell>()
  const chosen = wanted ? stages.filter(({ id }) => wanted.has(id)) : stages
  const order = longestFirst(chosen, flopsByStage({ data, stages }))
  const pace = paceOf({ ...options, stages: order })
  const known = async (stage: Stage): Promise<boolean> => {
    const cell = anew(options, stage) ? null : await store.result<Cell>(keys.get(stage.id)!)
    if (cell) cells.set(stage.id, cell)
    if (cell) pace.known([stage.id])
    return cell !== null
  }
  for (const stage of order) await known(stage)
  if (cells.size > 0) {
    const finished = [...cells.keys()].map((id) => keys.get(id)!)
    await tidy(store, finished)
    progress.line(`${cells.size} of ${order.length} cells are finished already`)
  }

  let waitedFor: string[] = []
  while (cells.size < order.length) {
    if (signal.aborted) throw new AbortedError(0, 0)
    const found = await take(options, order, cells, known)
    if (found instanceof Map) {
      const lines = Array.from(found, ([stage, holder]) => waitingText(nameOf(stages, stage), holder))
      for (const line of lines) if (!waitedFor.includes(line)) progress.line(line)
      waitedFor = lines
      if (found.size > 0) await pause(poll, signal)
      continue
    }
    const { stage } = found
    const started = performance.now()
    const cell = await finish(options, found, cells, pace)
    if (!cell) continue
    cells.set(stage.id, cell)
    const wall = (performance.now() - started) / 1000
    const { key, status, reason, outcome } = cell
    if (outcome) pace.finished(stage, wall, outcome.curve.length / stage.epochs)
    else pace.known([stage.id])
    await events.write('finished', { id: stage.id, key, status, reason, wall, nodes: outcome ? brief(outcome) : null })
    const line = `${nameOf(stages, stage)}  ${finishedText(cell, trainedOn(stage, countsOf(data)))}`
    const left = cells.size < order.length ? pace.left() : null
    if (status === 'failed') progress.always(line)
    else progress.line(left ? `${line}  ${mayEnd(order) ? 'at most ' : ''}${clock(left)} left` : line)
    await engine.settled()
  }
  return new Map(chosen.map(({ id }) => [id, cells.get(id)!]))
}

const nameOf = (stages: readonly Stage[], stage: Stage) => `[${stages.indexOf(stage) + 1}/${stages.length}] ${stage.id}`

/** Whether what is kept of a stage does not count. */
const anew = ({ fresh }: CellsOptions, { id }: Stage) => (typeof fresh === 'boolean' ? fresh : fresh.has(id))

/** A stage that nobody else is at. */
interface Taken {
  stage: Stage
  lease: Lease
}

/** The first stage to be had, or what the others are at. `known` tells of a cell that another process has finished. */
async function take(
  { data, stages, keys, store, progress }: CellsOptions,
  order: readonly Stage[],
  cells: ReadonlyMap<string, Cell>,
  known: (stage: Stage) => Promise<boolean>,
): Promise<Taken | Map<Stage, Holder>> {
  const busy = new Map<Stage, Holder>()
  for (const stage of order) {
    if (cells.has(stage.id) || needs(stage).some((need) => !cells.has(need))) continue
    const taken = await store.locks.take(keys.get(stage.id)!, stage.id)
    // Whoever had the lock may have finished in the meantime.
    const finished = await known(stage).catch(async (error) => {
      if (isLease(taken)) await taken.release()
      throw error
    })
    if (finished) {
      const cell = cells.get(stage.id)!
      const line = `${nameOf(stages, stage)}  ${finishedText(cell, trainedOn(stage, countsOf(data)))}`
      progress[cell.status === 'failed' ? 'always' : 'line'](`${line}  (by another process)`)
      if (isLease(taken)) await taken.release()
    } else if (isLease(taken)) {
      if (taken.after) {
        const { host, pid } = taken.after
        progress.line(`${nameOf(stages, stage)}  taken over from process ${pid} of ${host}, which is gone`)
      }
      return { stage, lease: taken }
    } else {
      busy.set(stage, taken)
    }
  }
  return busy
}

/** How a stage ends: the weights are those of its networks, where it was trained. */
type End = Pick<Cell, 'status' | 'reason' | 'outcome'> & { weights: Weights | null }

const without = (status: 'failed' | 'saturated', reason: string): End => {
  return { status, reason, outcome: null, weights: null }
}

/** The cell of a stage, trained where it is to be, and kept as a file. Null where another process has taken it over. */
async function finish(
  options: CellsOptions,
  { stage, lease }: Taken,
  cells: ReadonlyMap<string, Cell>,
  pace: Pace,
): Promise<Cell | null> {
  const { stages, keys, setting, store, progress, events, signal, version, commit } = options
  const key = keys.get(stage.id)!
  const count = { cell: stages.indexOf(stage) + 1, cells: stages.length }
  const look: Look = (seen, compiling) => {
    const state = { ...pace.look(stage, seen), compiling }
    const { left, studyLeft, ...work } = state
    lease.tell(work)
    progress.bar({ ...count, id: stage.id, ...state })
  }
  try {
    await store.sweep(key)
    await events.write('cell', { id: stage.id, key, ...count })
    const { weights, ...end } = notTrained(stage, cells) ?? (await train(options, stage, lease, cells, look))
    const what = { schemaVersion: CELL_VERSION, key, stage, setting, version, commit }
    const cell: Cell = { ...what, ...end, finished: new Date().toISOString() }
    await store.finish(key, cell, weights)
    return cell
  } catch (error) {
    // Who took it over while this process was suspended has swept away what was half written.
    const suspect = error instanceof AbortedError || error instanceof FileError
    if (!suspect || signal.aborted || !(await lease.isLost())) throw error
    progress.always(`${nameOf(stages, stage)}  was taken over by another process`)
    return null
  } finally {
    progress.clear()
    await lease.release()
  }
}

/** Why a stage is not trained at all: what it learns from failed, or its generations have saturated. */
function notTrained(stage: Stage, cells: ReadonlyMap<string, Cell>): End | null {
  const broken = needs(stage).find((need) => cells.get(need)?.status === 'failed')
  if (broken) return without('failed', `it learns from ${broken}, which failed: ${cells.get(broken)!.reason}`)
  const over = saturated(stage, cells)
  return over ? without('saturated', over) : null
}

/** What is left of processes that were killed between a result and the end of their work on it. */
async function tidy(store: Store, finished: readonly string[]): Promise<void> {
  const untidy = await store.untidy()
  for (const key of finished) {
    const taken = untidy.has(key) ? await store.locks.take(key, 'leftovers') : null
    if (!taken || !isLease(taken)) continue
    try {
      await store.sweep(key)
      await store.dropCheckpoint(key)
    } finally {
      await taken.release()
    }
  }
}

/** `compiling` says how far pipelines are that are waited for. */
type Look = (progress: FitProgress | null, compiling?: string) => void

/** Trains a stage, from its checkpoint where there is one. One that diverges has failed. */
async function train(
  options: CellsOptions,
  stage: Stage,
  lease: Lease,
  cells: ReadonlyMap<string, Cell>,
  look: Look,
): Promise<End> {
  const { engine, data, stages, keys, store, events, signal, patience = () => 3000 } = options
  const key = keys.get(stage.id)!
  if (anew(options, stage)) await store.dropCheckpoint(key)
  const resume = await store.checkpoint(key)
  let seen: FitProgress | null = null
  let told = Number.NEGATIVE_INFINITY
  const show = (compiling?: string) => look(seen, compiling)
  show()
  const silence = tellCompiling(options, { id: stage.id, name: nameOf(stages, stage) }, show)
  const stop = new AbortController()
  // Either may have come while the lock was taken or the checkpoint read.
  const reasons = [signal, lease.lost].map((reason) => onAbort(reason, () => stop.abort()))
  const running = runStage({
    engine,
    data,
    stage,
    resume,
    signal: stop.signal,
    earlier: async ({ stage: id, node }: Reference) => {
      const weights = weightsOf(node, await store.weights(keys.get(id)!))
      return { weights, tau: cells.get(id)?.outcome?.nodes[node]?.tau ?? null }
    },
    saveSeconds: options.saveSeconds,
    save: async (snapshot, seconds, curve) => {
      if (!lease.lost.aborted) await store.saveCheckpoint(key, snapshot, seconds, curve)
    },
    onProgress: (progress) => {
      seen = progress
      show()
      if (performance.now() - told < 3000) return
      told = performance.now()
      void events.write('progress', { id: stage.id, ...progress }).catch(() => {})
    },
  })
  const giveUp = tooLate(signal, patience)
  try {
    return { status: 'ok', reason: null, ...(await Promise.race([running, giveUp.late])) }
  } catch (error) {
    running.catch(() => {})
    if (error instanceof DivergedError) return without('failed', error.message)
    // What does not fit before the first step is the checkpoint.
    if (resume && !seen && (error instanceof InputError || error instanceof ShapeError)) {
      throw new InputError(
        `${store.path(key, '.checkpoint.safetensors')}: ${error.message}; remove it to start the cell again`,
      )
    }
    throw error
  } finally {
    silence()
    giveUp.forget()
    for (const forget of reasons) forget()
  }
}
