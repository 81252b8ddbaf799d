// One study, from the command line to the report: adapter, data, cells, table.
import { engineFrom } from '../init.ts'
import { findDataset } from '../node/datasets.ts'
import { checkWritable, nodeFiles } from '../node/files.ts'
import type { Run } from '../report/index.ts'
import { AbortedError } from '../train/fit.ts'
import { adapterFor } from './adapter.ts'
import type { StudyArguments } from './args.ts'
import { type Cell, runCells } from './cells.ts'
import { takeChoices } from './choices.ts'
import { dryRun } from './dryRun.ts'
import { earlierLines, openCells, somethingThere } from './earlier.ts'
import { Events, eventsPath } from './events.ts'
import { FINGERPRINT, runFacts } from './facts.ts'
import { checkFits, checkStages } from './fits.ts'
import { formulas, LOSS_NOTE } from './formulas.ts'
import { tooLate, watchInterrupts } from './interrupt.ts'
import { list, outline } from './list.ts'
import { merge } from './merge.ts'
import { print, writeOutput } from './output.ts'
import type { Paper } from './paper.ts'
import type { Plan, Study } from './plan.ts'
import { printConfig } from './printConfig.ts'
import { isOther, paysOn, processesFor, shareProcessors, startOthers, stopWithFirst } from './processes.ts'
import { Progress } from './progress.ts'
import type { CommonRecipe } from './recipe.ts'
import { resultsOf } from './results.ts'
import { partOf, widest } from './shards.ts'
import { keysOf, type Setting, Store } from './store.ts'
import { submit } from './submit.ts'
import { writeTensorboard } from './tensorboard.ts'
import { UsageError } from './usage.ts'
import { watchStudy } from './watch.ts'

/** Runs what the flags ask for. Returns the exit code; throws UsageError and what stops a run. */
export async function runStudy<R extends CommonRecipe>(
  paper: Paper<R>,
  options: StudyArguments<R>,
  argv: readonly string[],
): Promise<number> {
  if (options.watch) return watchStudy(options)
  const { json, submit: submits, printConfig: prints } = options
  const progress = new Progress(json || submits || prints ? process.stderr : process.stdout, options.quiet)
  if (submits || prints || options.merge) {
    const plan = await planOf(paper, options, progress)
    if (prints) {
      const { out, err } = printConfig(plan.stages, options)
      process.stdout.write(out)
      process.stderr.write(err)
      return 0
    }
    if (submits) return submit(plan, { scheduler: submits, options, argv, paper })
    return merge(plan, options, { paper: paper.name, claims: paper.claims, argv, progress })
  }
  stopWithFirst()
  const plan = await planOf(paper, options, progress)
  const wanted = processesFor(options, widest(plan.stages))
  shareProcessors(wanted)
  const study = await prepare(plan, options, progress)
  const processes = options.processes ?? (paysOn(study.engine.info.adapter) ? wanted : 1)
  try {
    if (options.list) return await list(study, options)
    if (options.dryRun) return await dryRun(study, options)
    const device = { ...study.engine.info, driver: study.driver, choices: study.setting.choices }
    const facts = runFacts(device, study.data, paper.name, options, argv)
    return await run(study, { ...options, processes }, facts, { paper, argv, progress })
  } finally {
    study.engine.destroy()
  }
}

async function prepare({ data, stages }: Plan, options: StudyArguments, progress: Progress): Promise<Study> {
  const opened = await adapterFor(options, (line) => progress.line(line))
  const driver: string = opened.adapter.info.description
  const engine = await engineFrom(null, opened)
  const { adapter: name, subgroupSize } = engine.info
  const setting: Setting = { dataHash: data.hash, fingerprint: FINGERPRINT, adapter: name, subgroupSize }
  const choices = options.choices && (await takeChoices(engine, options.choices))
  if (choices) setting.choices = choices
  return { engine, driver: driver || null, data, stages, setting, keys: await keysOf(stages, setting) }
}

async function planOf<R extends CommonRecipe>(
  paper: Paper<R>,
  options: StudyArguments<R>,
  progress: Progress,
): Promise<Plan> {
  const { recipe, offline, data: folder } = options
  const loud = (line: string) => (/^WARNING/.test(line) ? progress.always(line) : progress.line(line))
  const found = await findDataset(recipe.dataset, { data: folder, offline, log: loud, allowSynthetic: !folder })
  const data = paper.data?.(found, recipe) ?? found
  checkFits(recipe, data)
  const { train, test, others, origin } = data
  const { channels, height: side, classes } = train
  const from = origin === 'synthetic' ? 'SYNTHETIC pictures, not photographs' : `${recipe.dataset} from ${origin}`
  const apart = others ? `; ${others.n} of ${others.classes.length - classes.length} others held out` : ''
  const sizes = `${train.n} + ${test.n} images, ${side}x${side}, ${classes.length} classes${apart}`
  if (origin === 'synthetic') progress.always(`data: ${from}, ${sizes}`)
  else progress.line(`data: ${from}, ${sizes}`)
  const stages = paper.stages(recipe, { side, channels, classes: classes.length })
  checkStages(stages, recipe, data)
  return { data, stages }
}

interface Running<R extends CommonRecipe> {
  paper: Paper<R>
  argv: readonly string[]
  progress: Progress
}

async function run<R extends CommonRecipe>(
  study: Study,
  options: StudyArguments,
  alone: Run,
  { paper, argv, progress }: Running<R>,
): Promise<number> {
  const { engine, data, stages, keys, setting } = study
  const { out, fresh = false, resume = false, saveSeconds } = options
  const part = partOf(stages, options)
  const store = new Store(nodeFiles, `${out}/cells`)
  if (resume && !(await somethingThere(store, keys))) {
    throw new UsageError(`--resume: nothing to go on from in ${out}; without --resume the run begins`)
  }
  // Before an hour is spent: an output folder that takes no files.
  await checkWritable(nodeFiles, out)
  await store.open()
  const before = part || fresh ? [] : await earlierLines({ store, keys, out, recipe: options.recipe })
  for (const line of before) progress.line(line)
  for (const [name, text] of formulas(stages)) progress.line(`loss of ${name}: ${text}`)
  progress.line(LOSS_NOTE)
  const processes = Math.max(1, Math.min(options.processes ?? 1, await openCells(store, keys)))
  const facts = processes > 1 ? { ...alone, processes } : alone
  const events = new Events(nodeFiles, await eventsPath(nodeFiles, out, part?.name))
  await events.write('run', { run: facts, cells: outline(study) })

  if (processes > 1) progress.line(`${processes} processes share the cells and the processors (--processes)`)
  const others = startOthers(processes, paper.name, argv)
  const interrupts = watchInterrupts(() => {
    progress.always('stopping behind a checkpoint; Ctrl-C stops at once')
    others.stop()
  })
  const { version, commit } = facts
  const common = { engine, data, stages, keys, setting, store, events, progress, version, commit }
  const patience = () => interrupts.patience
  const anew = part && fresh ? part.chosen : fresh
  const late = tooLate(interrupts.signal, patience).late.catch(() => {})
  let cells: Map<string, Cell>
  try {
    const signal = interrupts.signal
    cells = await runCells({ ...common, wanted: part?.wanted, fresh: anew, signal, patience, saveSeconds, processes })
  } catch (error) {
    const stopped = error instanceof AbortedError && interrupts.code > 0
    await events.write('end', { status: stopped ? 'stopped' : 'error', reason: String(error) }).catch(() => {})
    if (!stopped) {
      // This process ends when they have.
      others.stop()
      throw error
    }
    progress.always(
      options.fresh
        ? `stopped; what was trained anew is in ${out}/cells, beside cells of before; --fresh begins with the first again`
        : `stopped; finished cells and the checkpoint are in ${out}/cells, the same command goes on from there`,
    )
    await Promise.race([others.ended, late])
    // Not by returning: what the device was given may keep it, and with it this process, busy for long.
    process.exit(interrupts.code)
  } finally {
    interrupts.stop()
  }
  const done = part ? [...part.chosen].map((id) => cells.get(id)!) : [...cells.values()]
  const failed = done.filter(({ status }) => status === 'failed').length
  if (options.tensorboard) {
    const runs = await writeTensorboard(nodeFiles, out, stages, cells, !part)
    progress.line(`TensorBoard: ${runs} runs in ${out}/tensorboard`)
  }
  if (part)
    progress.line(`${part.name}: ${done.length - failed} of ${done.length} cells done; --merge makes the tables`)
  else if (!isOther()) {
    const results = resultsOf(facts, stages, cells, paper.claims)
    // Whoever started the same command may be ready at the same time.
    const write = () => writeOutput(nodeFiles, out, results, options)
    const paths = await store.locks.during('report', 'the report', write)
    print(results, paths, options)
  }
  await events.write('end', { status: failed ? 'failed' : 'ok', failed, cells: done.length })
  await others.ended
  return failed ? 1 : 0
}
