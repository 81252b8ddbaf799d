// `--merge`: the tables from the cells that are there, wherever they were trained. Needs no device: which adapter's
// cells they are is read from the store, since the adapter is a part of every key.
import { nodeFiles } from '../node/files.ts'
import type { Claim, Run } from '../report/index.ts'
import type { StudyArguments } from './args.ts'
import type { Cell } from './cells.ts'
import { followed } from './choices.ts'
import { readEvents } from './events.ts'
import { type DeviceFacts, FINGERPRINT, runFacts } from './facts.ts'
import { print, writeOutput } from './output.ts'
import type { Plan } from './plan.ts'
import type { Progress } from './progress.ts'
import { resultsOf } from './results.ts'
import { keysOf, type Setting, Store } from './store.ts'
import { writeTensorboard } from './tensorboard.ts'

/** Exit code where cells are missing. */
const MISSING = 3

interface MergeOptions {
  paper: string
  claims: Claim[]
  argv: readonly string[]
  progress: Progress
}

/** Returns the exit code: 3 where cells are missing, else 1 where one has failed, else 0. */
export async function merge(plan: Plan, options: StudyArguments, { paper, claims, argv, progress }: MergeOptions) {
  const { stages, data } = plan
  const { out } = options
  const store = new Store(nodeFiles, `${out}/cells`)
  const found = await settingsIn(store, data.hash)
  const sets = await Promise.all(found.map((setting) => cellsOf(plan, store, setting)))
  const takes = await followed(options.choices)
  const there = sets.filter(({ cells }) => cells.size > 0).sort((a, b) => b.cells.size - a.cells.size)
  const chosen = there.find(({ setting }) => takes(setting.choices))
  for (const { setting, cells } of there.filter((each) => each !== chosen)) {
    const what = takes(setting.choices) ? `another adapter, ${setting.adapter}` : 'other kernels (--choices)'
    progress.always(`left out: ${cells.size} cells of ${what}`)
  }
  if (!chosen) {
    progress.always(`0 of ${stages.length} cells of this study are in ${out}/cells`)
    return MISSING
  }
  const { setting, cells, keys } = chosen
  const device = await deviceOf(out, setting)
  const facts = runFacts(device, data, paper, options, argv)
  const results = resultsOf(facts, stages, cells, claims)
  const paths = await store.locks.during('report', 'the report', async () => {
    const written = await writeOutput(nodeFiles, out, results, options)
    if (options.tensorboard) {
      const runs = await writeTensorboard(nodeFiles, out, stages, cells, true)
      progress.line(`TensorBoard: ${runs} runs in ${out}/tensorboard`)
    }
    return written
  })
  print(results, paths, options)
  for (const [i, { id }] of stages.entries()) {
    if (cells.has(id)) continue
    const { state, holder } = await store.state(keys.get(id)!)
    progress.always(`missing: cell ${i + 1}, ${id}: ${state}${holder ? ` on ${holder.host}` : ''}`)
  }
  if (cells.size < stages.length) return MISSING
  return [...cells.values()].some(({ status }) => status === 'failed') ? 1 : 0
}

/** What the cells in the store were made with, as far as it is this program and these pictures. */
async function settingsIn(store: Store, dataHash: string): Promise<Setting[]> {
  const settings = new Map<string, Setting>()
  for await (const { setting } of store.results<Cell>()) {
    if (setting.dataHash === dataHash && setting.fingerprint === FINGERPRINT) {
      settings.set(JSON.stringify(setting), setting)
    }
  }
  return [...settings.values()]
}

async function cellsOf({ stages }: Plan, store: Store, setting: Setting) {
  const keys = await keysOf(stages, setting)
  const cells = new Map<string, Cell>()
  for (const { id } of stages) {
    const cell = await store.result<Cell>(keys.get(id)!)
    if (cell) cells.set(id, cell)
  }
  return { setting, keys, cells }
}

/** What the last process on this adapter told of it. */
async function deviceOf(out: string, { adapter, subgroupSize, choices }: Setting): Promise<DeviceFacts> {
  const runs = (await readEvents(nodeFiles, out)).flatMap(({ event, run }) => (event === 'run' ? [run as Run] : []))
  const last = runs.findLast((run) => run.adapter === adapter)
  const { driver = null, features = [], software } = last ?? {}
  return { adapter, driver, features, software, subgroupSize, choices }
}
