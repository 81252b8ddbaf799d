// Flags of a study that are not its recipe.
import { readJson } from '../node/files.ts'
import { type PaperEntry, parsePapers } from '../report/index.ts'
import type { Flag } from './flag.ts'
import { SPREAD_FLAGS } from './spreadFlags.ts'

/** The studies that have a launcher in bench/. */
export const PAPERS = ['cqkd', 'trikd']
const PAPER = { name: 'paper', value: 'NAME', about: 'cqkd, trikd or all: which study, whatever the command' }

export const PAPER_VALUES = {
  name: 'paper-values',
  value: 'FILE',
  about: 'published numbers to stand beside ours, in the form of bench/papers.json, which has those on file',
}

/** Of the study of this name. */
export const runFlags = (name: string): Flag<unknown>[] => [
  ...(PAPERS.includes(name) ? [PAPER] : []),
  {
    name: 'adapter',
    value: 'NAME',
    about: "auto, hardware, lavapipe, swiftshader, or a part of an adapter's name",
    run: (o, text) => (o.adapter = text),
  },
  {
    name: 'choices',
    value: 'FILE',
    about: 'the kernels that node bench/kernels.js --tune chose: other bits, so other cells',
    run: (o, text) => (o.choices = text),
  },
  { ...PAPER_VALUES, run: (o, text) => (o.paperValues = readPapers(text)) },
  { name: 'out', value: 'DIR', about: `default results/${name}-PRESET`, run: (o, text) => (o.out = text) },
  {
    name: 'resume',
    about: 'insist that there is something to go on from (finished cells are always kept)',
    run: (o) => (o.resume = true),
  },
  { name: 'fresh', about: 'train every cell again', run: (o) => (o.fresh = true) },
  { name: 'offline', about: 'download nothing', run: (o) => (o.offline = true) },
  {
    name: 'print-config',
    about: 'the resolved recipe as JSON for --config, on standard error the loss of every cell, and stop',
    run: (o) => (o.printConfig = true),
  },
  { name: 'list', about: 'show the cells, finished or not, and stop', run: (o) => (o.list = true) },
  ...SPREAD_FLAGS,
  { name: 'keep', about: 'the networks as files with a model card each, in DIR/models', run: (o) => (o.keep = true) },
  {
    name: 'tensorboard',
    about: "TensorBoard's event files of the learning curves, in DIR/tensorboard",
    run: (o) => (o.tensorboard = true),
  },
  {
    name: 'eval',
    value: 'FILE',
    about: 'show a kept network on its test set again, and stop',
    run: (o, text) => (o.eval = text),
  },
  { name: 'dry-run', about: 'show cells, FLOPs and the estimated time, and stop', run: (o) => (o.dryRun = true) },
  {
    name: 'json',
    about: 'results as JSON on standard output, all else on standard error',
    run: (o) => (o.json = true),
  },
  { name: 'quiet', about: 'only the table and what goes wrong', run: (o) => (o.quiet = true) },
  { name: 'help', about: 'this text' },
  { name: 'version', about: 'the version' },
]

/** Throws InputError for a file that is not there or has another form. */
export function readPapers(path: string): PaperEntry[] {
  return parsePapers(readJson(path), path)
}
