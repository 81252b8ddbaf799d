// Runs stages of a study: takes the first one that is not finished, whose sources are, and which nobody else is at;
// goes on from its checkpoint, keeps it as a file, marks a diverged one as failed and goes on. Several processes may do
// so in one folder at the same time. Ends at the first fault that concerns more than one cell.
import type { DatasetPair } from '../data/dataset.ts'
import type { Engine } from '../engine.ts'
import { InputError, ShapeError } from '../errors.ts'
import { AbortedError, DivergedError, type Progress as FitProgress } from '../train/fit.ts'
import { tellCompiling } from './compiling.ts'
import { mayEnd, trainedOn } from './cost.ts'
import { saturated } from './ended.ts'
import type { Events } from './events.ts'
import { pause, tooLate } from './interrupt.ts'
import { type Holder, isLease, type Lease } from './locks.ts'
import { countsOf, paceOf } from './pace.ts'
import { clock, type Progress } from './progress.ts'
import { runStage, type StageOutcome } from './runStage.ts'
import { needs, type Reference, type Stage } from './stage.ts'
import { CELL_VERSION, type Setting, type Store, weightsOf } from './store.ts'

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

/** The finished cells by stage id. Throws AbortedError, and whatever stops the whole run. */
export async function runCells(options: CellsOptions): Promise<Map<string, Cell>> {
  const { engine, data, stages, wanted, keys, store, progress, events, signal, fresh, poll = 2000 } = options
  const cells = new Map<string, Cell>()
  const order = wanted ? stages.filter(({ id }) => wanted.has(id)) : [...stages]
  const anew = (id: string) => (typeof fresh === 'boolean' ? fresh : fresh.has(id))
  const nameOf = (stage: Stage) => `[${stages.indexOf(stage) + 1}/${stages.length}] ${stage.id}`
  const pace = paceOf({ ...options, stages: order })
  const look = async (stage: Stage): Promise<boolean> => {
    const cell = anew(stage.id) ? null : await store.result<Cell>(keys.get(stage.id)!)
    if (cell) cells.set(stage.id, cell)
    if (cell) pace.known([stage.id])
    return cell !== null
  }
  for (const stage of order) await look(stage)
  if (cells.size > 0)
    await tidy(
      store,
      [...cells.keys()].map((id) => keys.get(id)!),
    )
  if (cells.size > 0) progress.line(`${cells.size} of ${order.length} cells are finished already`)

  /** The first stage to be had, or what the others are at. */
  const next = async (): Promise<{ stage: Stage; lease: Lease } | Map<Stage, Holder>> => {
    const busy = new Map<Stage, Holder>()
    for (const stage of order) {
      if (cells.has(stage.id) || needs(stage).some((need) => !cells.has(need))) continue
      const taken = await store.locks.take(keys.get(stage.id)!, stage.id)
      // Whoever had the lock may have finished in the meantime.
      const there = await look(stage)
      if (there) progress.line(`${nameOf(stage)}  finished by another process`)
      if (there && isLease(taken)) await taken.release()
      if (there) continue
      if (isLease(taken)) return { stage, lease: taken }
      busy.set(stage, taken)
    }
    return busy
  }

  let waitedFor = ''
  while (cells.size < order.length) {
    if (signal.aborted) throw new AbortedError(0, 0)
    const found = await next()
    if (found instanceof Map) {
      const lines = Array.from(found, ([stage, { host, pid, since }]) => {
        const who = `process ${pid} of ${host} is at it since ${since.slice(0, 19).replace('T', ' ')}`
        const mute = 'its lock says nothing; it is taken over if it stays so for two minutes'
        return `waiting for ${nameOf(stage)}: ${pid ? who : mute}`
      })
      for (const line of lines) if (!waitedFor.includes(line)) progress.line(line)
      waitedFor = lines.join('\n')
      if (found.size > 0) await pause(poll, signal)
      continue
    }
    const { stage, lease } = found
    if (lease.after) {
      const { host, pid } = lease.after
      progress.line(`${nameOf(stage)}  taken over from process ${pid} of ${host}, which is gone`)
    }
    const key = keys.get(stage.id)!
    const started = performance.now()
    const base = { schemaVersion: CELL_VERSION, key, stage, setting: options.setting }
    const record = { version: options.version, commit: options.commit }
    const without = (status: 'failed' | 'saturated', reason: string): Cell => {
      return { ...base, ...record, status, reason, outcome: null, finished: new Date().toISOString() }
    }
    const number = stages.indexOf(stage) + 1
    const broken = needs(stage).find((need) => cells.get(need)?.status === 'failed')
    const over = broken ? null : saturated(stage, cells)
    let cell: Cell
    try {
      await store.sweep(key)
      await events.write('cell', { id: stage.id, key, cell: number, cells: stages.length })
      if (broken) {
        cell = without('failed', `it learns from ${broken}, which failed: ${cells.get(broken)!.reason}`)
        await store.finish(key, cell, null)
      } else if (over) {
        cell = without('saturated', over)
        await store.finish(key, cell, null)
      } else {
        const look: Look = (seen, compiling) => {
          const state = { ...pace.look(stage, seen), compiling }
          const { left, studyLeft, ...work } = state
          lease.tell(work)
          progress.bar({ cell: number, cells: stages.length, id: stage.id, ...state })
        }
        const about = { name: nameOf(stage), anew: anew(stage.id), look }
        const { outcome, weights } = await train(options, stage, lease, cells, about)
        cell = { ...base, ...record, status: 'ok', reason: null, outcome, finished: new Date().toISOString() }
        await store.finish(key, cell, weights)
      }
    } catch (error) {
      if (lease.lost.aborted && error instanceof AbortedError && !signal.aborted) {
        progress.always(`${nameOf(stage)}  was taken over by another process`)
        continue
      }
      if (!(error instanceof DivergedError)) throw error
      cell = without('failed', error.message)
      await store.finish(key, cell, null)
    } finally {
      progress.clear()
      await lease.release()
    }
    cells.set(stage.id, cell)
    const wall = (performance.now() - started) / 1000
    if (cell.outcome) pace.finished(stage, wall, cell.outcome.curve.length / stage.epochs)
    else pace.known([stage.id])
    const { status, reason, outcome } = cell
    await events.write('finished', { id: stage.id, key, status, reason, wall, nodes: outcome ? brief(outcome) : null })
    const left = pace.left()
    const rest = left && cells.size < order.length ? `  ${mayEnd(order) ? 'at most ' : ''}${clock(left)} left` : ''
    if (outcome) progress.line(`${nameOf(stage)}  ${sentence(outcome, stage, trainedOn(stage, countsOf(data)))}${rest}`)
    else if (status === 'saturated') progress.line(`${nameOf(stage)}  not trained: ${reason}${rest}`)
    else progress.always(`${nameOf(stage)}  FAILED: ${reason}`)
    await engine.settled()
  }
  return cells
}

/** What is left of processes that were killed between a result and the end of their work on it. */
async function tidy(store: Store, finished: readonly string[]): Promise<void> {
  const untidy = await store.untidy()
  for (const key of finished) {
    const taken = untidy.has(key) ? await store.locks.take(key, 'leftovers') : null
    if (!taken || !isLease(taken)) continue
    await store.sweep(key)
    await store.dropCheckpoint(key)
    await taken.release()
  }
}

/** `compiling` says how far pipelines are that are waited for. */
type Look = (progress: FitProgress | null, compiling?: string) => void

/** One stage, from its checkpoint where there is one. */
async function train(
  options: CellsOptions,
  stage: Stage,
  lease: Lease,
  cells: Map<string, Cell>,
  { name, anew, look }: { name: string; anew: boolean; look: Look },
) {
  const { engine, data, keys, store, events, signal, patience = () => 3000 } = options
  const key = keys.get(stage.id)!
  if (anew) await store.dropCheckpoint(key)
  const resume = await store.checkpoint(key)
  let seen: FitProgress | null = null
  let told = Number.NEGATIVE_INFINITY
  const show = (compiling?: string) => look(seen, compiling)
  show()
  const silence = tellCompiling(options, { id: stage.id, name }, show)
  const stop = new AbortController()
  const abort = () => stop.abort()
  for (const reason of [signal, lease.lost]) reason.addEventListener('abort', abort)
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
    return await Promise.race([running, giveUp.late])
  } catch (error) {
    running.catch(() => {})
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
    for (const reason of [signal, lease.lost]) reason.removeEventListener('abort', abort)
  }
}

function sentence({ nodes, seconds, imagesPerSecond, curve }: StageOutcome, stage: Stage, images: number): string {
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
    ...(stage.patience === undefined ? [] : [`${curve.length} of ${stage.epochs} epochs`]),
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
