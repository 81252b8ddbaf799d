// `eval FILE`: kept networks over their test sets again, beside the numbers that they had when they were trained.
import type { Engine } from '../engine.ts'
import { nameOf } from '../nn/names.ts'
import { nodeFiles } from '../node/files.ts'
import { setChoices } from '../ops/choices.ts'
import { datasetName } from '../report/caption.ts'
import { fixed, percent, thousands } from '../report/format.ts'
import { type Metrics, metrics } from '../report/metrics.ts'
import { textTable } from '../report/tableText.ts'
import { dataOf, networkOf, openEngine, testAnswers } from './answers.ts'
import { FINGERPRINT } from './facts.ts'
import { EVAL_FLAGS, type FileOptions, fileHelp, parseFiles } from './fileArgs.ts'
import { digest } from './measure.ts'
import { type Model, readModel } from './model.ts'
import type { Weights } from './store.ts'

const HELP = fileHelp(
  'Usage: npx webgpu-distill eval FILE… [flags]      or: node bench/cqkd.js --eval FILE',
  'Shows networks that a study kept (--keep) on their test set again, beside the numbers from when they were trained.',
  EVAL_FLAGS,
)

type Numbers = Pick<Metrics, 'accuracy' | 'top5' | 'ece' | 'nll' | 'brier'>

interface Shown {
  file: string
  model: Model
  now: Numbers
  calibrated: Numbers | null
  /** Whether weights and logits are the bits of the training run. */
  sameBits: boolean
  adapter: string
}

export async function evalCommand(argv: readonly string[]): Promise<number> {
  const options = parseFiles(argv, EVAL_FLAGS)
  if (options.help) process.stdout.write(HELP)
  return options.help ? 0 : showFiles(options)
}

/** Returns the exit code. Throws InputError for what is no kept network. */
export async function showFiles(options: FileOptions): Promise<number> {
  const found = []
  for (const file of options.files) found.push({ file, ...readModel(await nodeFiles.readFile(file), file) })
  const engine = await openEngine(options)
  try {
    const shown: Shown[] = []
    for (const { file, model, weights } of found) {
      const one = await show(engine, file, model, weights, options)
      if (!options.json) process.stdout.write(`${textOf(one)}\n`)
      shown.push(one)
    }
    if (options.json) process.stdout.write(`${JSON.stringify({ schemaVersion: 1, networks: shown }, null, 1)}\n`)
    return 0
  } finally {
    engine.destroy()
  }
}

async function show(engine: Engine, file: string, model: Model, weights: Weights, options: FileOptions) {
  const data = await dataOf(model, options)
  const { made } = model
  const alike = made.adapter === engine.info.adapter && made.fingerprint === FINGERPRINT
  setChoices(engine.gpu, (alike && made.choices) || {})
  const network = networkOf(engine, model, weights)
  const { logits, labels, classes } = await testAnswers(engine, network, data, model)
  const state = await network.parameters.state()
  const sha256 = await digest([...state.values()].map((value) => value.data).concat(logits))
  const { tau } = model.result
  return {
    file,
    model,
    now: numbersOf(metrics(logits, labels, classes)),
    calibrated: tau === null ? null : numbersOf(metrics(logits, labels, classes, { temperature: tau })),
    sameBits: sha256 === model.result.sha256,
    adapter: engine.info.adapter,
  }
}

const numbersOf = ({ accuracy, top5, ece, nll, brier }: Numbers): Numbers => ({ accuracy, top5, ece, nll, brier })

function textOf({ file, model, now, calibrated, sameBits, adapter }: Shown): string {
  const { stage, node, network, result, made } = model
  const { size } = stage.views[stage.nodes[node].view]
  const row = (name: string, { accuracy, top5, ece, nll, brier }: Numbers) => {
    return [name, percent(accuracy), percent(top5), percent(ece), fixed(nll, 4), fixed(brier, 4)]
  }
  const rows = [row(`then, ${made.adapter}`, result.test), row(`now, ${adapter}`, now)]
  if (result.calibrated && calibrated) {
    rows.push(row(`then, τ ${result.tau!.toFixed(3)}`, result.calibrated), row('now, τ', calibrated))
  }
  const table = textTable({
    title: '',
    caption: '',
    head: ['', 'accuracy %', 'top-5 %', 'ECE %', 'NLL', 'Brier'],
    left: [0],
    blocks: [{ title: '', rows }],
  })
  const what = `${stage.id}, ${node}: ${nameOf(network)}, ${thousands(model.parameters)} parameters`
  const where = `${thousands(model.testImages)} test images of ${datasetName(model.dataset)} at ${size}x${size}`
  const bits = sameBits
    ? 'weights and logits are the same bits'
    : 'the bits differ: another adapter, program or data set'
  return `${file}${table}\n${what}; ${where}; ${bits}.\n`
}
