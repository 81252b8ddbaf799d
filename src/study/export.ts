// `export FILE`: kept networks as ONNX models, for whatever else shall run them. Needs no adapter.
import { basename, dirname, join } from 'node:path'
import { nameOf } from '../nn/names.ts'
import { onnxModel } from '../nn/onnx.ts'
import { nodeFiles } from '../node/files.ts'
import { EXPORT_FLAGS, fileHelp, parseFiles } from './fileArgs.ts'
import { type Model, readModel } from './model.ts'
import type { Weights } from './store.ts'

const HELP = fileHelp(
  'Usage: npx webgpu-distill export FILE… [flags]',
  `Writes networks that a study kept (--keep) as ONNX models, NAME.onnx: \`pictures\` float32 [N, channels, H, W] in,
\`logits\` and \`probabilities\` out, the latter by the temperature that was fitted on held-out pictures.`,
  EXPORT_FLAGS,
)

/** Throws InputError for what is no kept network, FileError for what can't be read or written. */
export async function exportCommand(argv: readonly string[]): Promise<number> {
  const { files, out, help } = parseFiles(argv, EXPORT_FLAGS)
  if (help) {
    process.stdout.write(HELP)
    return 0
  }
  if (out) await nodeFiles.makeDir(out)
  for (const file of files) {
    const { model, weights } = readModel(await nodeFiles.readFile(file), file)
    const path = join(out ?? dirname(file), `${basename(file, '.safetensors')}.onnx`)
    const { bytes, input } = onnxOf(model, weights)
    await nodeFiles.writeAtomic(path, bytes)
    const { tau } = model.result
    const scaled = tau === null ? '' : ` / ${tau.toFixed(3)}`
    process.stdout.write(`${path}: \`pictures\`, ${input}; \`probabilities\` are softmax(logits${scaled})\n`)
  }
  return 0
}

/** A kept network's model, and what goes into it. */
export function onnxOf({ stage, node, network, normalisation, result, dataset, made }: Model, weights: Weights) {
  const { size, modality = 'colour' } = stage.views[stage.nodes[node].view]
  // The statistics are of colours, and of a data set of one's own they are not in the file.
  const known = modality === 'colour' ? normalisation : null
  const bytes = onnxModel(network, weights, {
    size: [size, size],
    normalisation: known,
    temperature: result.tau ?? 1,
    metadata: {
      ...{ network: nameOf(network), stage: stage.id, node, dataset, modality },
      ...{ sha256: result.sha256, adapter: made.adapter, commit: made.commit ?? 'unknown' },
    },
  })
  const pixels = known ? 'from 0 to 1' : 'normalised as for the training'
  return { bytes, input: `[N, ${network.channels ?? 3}, ${size}, ${size}] ${pixels}` }
}
