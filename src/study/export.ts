// `export FILE`: kept networks as ONNX models, for whatever else shall run them. Needs no adapter.
import { basename, dirname, join } from 'node:path'
import { DistillError, InputError } from '../errors.ts'
import { nameOf } from '../nn/names.ts'
import { nodeFiles } from '../node/files.ts'
import { onnxModel } from '../onnx.ts'
import { EXPORT_FLAGS, fileHelp, parseFiles } from './fileArgs.ts'
import { type Model, readModel } from './model.ts'
import type { Weights } from './store.ts'
import { UsageError } from './usage.ts'

const HELP = fileHelp(
  'Usage: npx webgpu-distill export FILE… [flags]',
  `Writes networks that a study kept (--keep) as ONNX models, NAME.onnx: \`pictures\` in, float32 [N, channels, H, W] of the
size the network was trained at; \`logits\` and \`probabilities\` out, the latter by the temperature that was fitted on
held-out pictures, where one was, and \`embedding\` of a network with such a head.`,
  EXPORT_FLAGS,
)

/** Throws InputError for what is no kept network, FileError for what can't be read or written. */
export async function exportCommand(argv: readonly string[]): Promise<number> {
  const { files, out, help } = parseFiles(argv, EXPORT_FLAGS)
  if (help) {
    process.stdout.write(HELP)
    return 0
  }
  const paths = files.map((file) => join(out ?? dirname(file), `${basename(file, '.safetensors')}.onnx`))
  const twice = paths.find((path, i) => paths.indexOf(path) < i)
  if (twice) throw new UsageError(`--out: two of the files would become ${twice}; export them apart`)
  if (out) await nodeFiles.makeDir(out)
  for (const [i, file] of files.entries()) {
    const { model, weights } = readModel(await nodeFiles.readFile(file), file)
    const { bytes, said } = onnxOf(model, weights, file)
    await nodeFiles.writeAtomic(paths[i], bytes)
    process.stdout.write(`${paths[i]}: ${said}\n`)
  }
  return 0
}

/** A kept network's model, and what goes in and comes out. Throws InputError that names the file. */
function onnxOf(model: Model, weights: Weights, file: string): { bytes: Uint8Array; said: string } {
  const { stage, node, network, normalisation, result, dataset, made } = model
  const { size, modality = 'colour' } = stage.views[stage.nodes[node].view]
  // The statistics are of colours, and of all classes; those of a data set of one's own are not in the file.
  const known = modality === 'colour' && !stage.verify ? normalisation : null
  const tau = result.tau ?? null
  const about = {
    ...{ network: nameOf(network), stage: stage.id, node, dataset, modality },
    ...{ sha256: result.sha256, adapter: made.adapter, commit: made.commit ?? 'unknown' },
  }
  const options = { size: [size, size] as const, normalisation: known, temperature: tau ?? 1, metadata: about }
  try {
    const bytes = onnxModel(network, weights, options)
    const input = `[N, ${network.channels ?? 3}, ${size}, ${size}] ${known ? 'from 0 to 1' : 'normalised as for the training'}`
    const scaled = tau === null ? '' : ` / ${tau.toFixed(3)}`
    return { bytes, said: `\`pictures\`, ${input}; \`probabilities\` are softmax(logits${scaled})` }
  } catch (error) {
    if (!(error instanceof DistillError)) throw error
    throw new InputError(`${file}: ${error.message}`)
  }
}
