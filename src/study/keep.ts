// `--keep`: the networks of a finished study as files that stand alone, with a model card beside each.
import { InputError } from '../errors.ts'
import { type FileLayer, readText } from '../io/files.ts'
import { nodeFiles } from '../node/files.ts'
import { type Results, readResults } from '../report/index.ts'
import { sizeOf } from '../tensor.ts'
import { modelCard } from './card.ts'
import type { Cell } from './cells.ts'
import type { RunOptions } from './flag.ts'
import { formulas } from './formulas.ts'
import { MODEL_VERSION, type Model, normalisationOf, writeModel } from './model.ts'
import { Store, type Weights, weightsOf } from './store.ts'

/** After a run: says what was kept. Of a part of a study, or of none, nothing is. */
export async function keepFor(options: RunOptions & { out: string }): Promise<void> {
  const { out, list, dryRun, watch, submit, printConfig, merge, cell, shard, json, quiet } = options
  // A merge has told that no cell is there.
  if (merge && !(await nodeFiles.exists(`${out}/results.json`))) return
  if (list || dryRun || watch || submit || printConfig || cell !== undefined || shard !== undefined) return
  const paths = await keep(nodeFiles, out)
  const said = json ? process.stderr : process.stdout
  if (!quiet) said.write(`kept ${paths.length} networks in ${out}/models, a model card beside each\n`)
}

/** Writes every network that results.json of the folder tells of into `out`/models; returns the paths. */
export async function keep(files: FileLayer, out: string): Promise<string[]> {
  const path = `${out}/results.json`
  if (!(await files.exists(path))) throw new InputError(`--keep: ${path} is not there; finish the study first`)
  const results = readResults(await readText(files, path), path)
  const told = new Set([...results.rows, ...results.teachers].map(({ sha256 }) => sha256))
  const store = new Store(files, `${out}/cells`)
  const cells: Cell[] = []
  for await (const cell of store.results<Cell>()) {
    if (Object.values(cell.outcome?.nodes ?? {}).some(({ sha256 }) => told.has(sha256))) cells.push(cell)
  }
  const folder = `${out}/models`
  await files.makeDir(folder)
  const paths: string[] = []
  for (const cell of cells) {
    const all = await store.weights(cell.key)
    for (const node of Object.keys(cell.outcome!.nodes)) {
      const weights = weightsOf(node, all)
      const model = modelOf(cell, node, weights, cells, results.run)
      await files.writeAtomic(`${folder}/${model.name}.safetensors`, writeModel(model, weights))
      await files.writeAtomic(`${folder}/${model.name}.md`, modelCard(model))
      paths.push(`${folder}/${model.name}.safetensors`)
    }
  }
  return paths
}

function modelOf(cell: Cell, node: string, weights: Weights, cells: readonly Cell[], run: Results['run']): Model {
  const { stage, setting, outcome, version, commit, finished } = cell
  const { trainImages, seconds, nodes } = outcome!
  const words = stage.id.split('/')
  if (words.at(-1) !== node) words.push(node)
  const serves = cells.flatMap(({ stage: other }) =>
    Object.entries(other.nodes).flatMap(([as, { from, trained }]) => {
      const taken = !trained && typeof from !== 'string' && from.stage === stage.id && from.node === node
      return taken ? [`${as} of ${other.id}`] : []
    }),
  )
  const trained = [...weights].filter(([name]) => !/\.running_(mean|var)$/.test(name))
  return {
    schemaVersion: MODEL_VERSION,
    name: words.join('-'),
    node,
    stage,
    serves,
    network: stage.nodes[node].network,
    parameters: trained.reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0),
    loss: formulas([stage])[0][1],
    dataset: run.dataset,
    dataHash: setting.dataHash,
    // Of some classes alone the statistics are others.
    normalisation: stage.verify ? null : normalisationOf(run.dataset),
    trainImages,
    testImages: nodes[node].test.bins.reduce((sum, { count }) => sum + count, 0),
    result: nodes[node],
    seconds,
    made: {
      ...{ version, commit, adapter: setting.adapter, driver: run.driver, fingerprint: setting.fingerprint },
      ...(setting.choices ? { choices: setting.choices } : {}),
      ...{ paper: run.paper, preset: run.preset, command: run.command, finished },
    },
  }
}
