// The command line of the programs that are no study: `eval`, `calibrate`, `export`, `report`, ….
import type { PaperEntry } from '../report/index.ts'
import { helpTable, obey, read } from './args.ts'
import type { Flag } from './flag.ts'
import { whole } from './flags.ts'
import { PAPER_VALUES, readPapers } from './runFlags.ts'
import { UsageError } from './usage.ts'

export interface FileOptions {
  files: string[]
  data?: string
  adapter?: string
  offline?: boolean
  json?: boolean
  /** Held-out images to fit on, of a network. */
  images?: number
  bins?: number
  /** Two studies side by side; several with other seeds as one. Then what is written. */
  compare?: boolean
  join?: boolean
  out?: string
  paperValues?: PaperEntry[]
  help?: boolean
}

type FileFlag = Pick<Flag<unknown>, 'name' | 'value' | 'about'> & { set: (o: FileOptions, text: string) => void }

const FLAGS: FileFlag[] = [
  { name: 'data', value: 'DIR', about: 'where the data set lies', set: (o, text) => (o.data = text) },
  {
    name: 'adapter',
    value: 'NAME',
    about: "auto, hardware, lavapipe, swiftshader, or a part of an adapter's name",
    set: (o, text) => (o.adapter = text),
  },
  { name: 'offline', about: 'download nothing', set: (o) => (o.offline = true) },
  { name: 'json', about: 'as JSON on standard output', set: (o) => (o.json = true) },
  { name: 'help', about: 'this text', set: (o) => (o.help = true) },
]

export const CALIBRATE_FLAGS: FileFlag[] = [
  {
    name: 'images',
    value: 'N',
    about: "to fit a network's T on, of those it was not trained on; default what its recipe held out, or 2000",
    set: (o, text) => (o.images = whole(text)),
  },
  { name: 'bins', value: 'N', about: 'of the ECE; default 15', set: (o, text) => (o.bins = whole(text)) },
  ...FLAGS,
]
export const EVAL_FLAGS = FLAGS
export const DOCTOR_FLAGS = FLAGS.filter(({ name }) => name !== 'data')

export const REPORT_FLAGS: FileFlag[] = [
  { name: 'compare', about: 'two studies side by side', set: (o) => (o.compare = true) },
  { name: 'join', about: 'one study of several parts of it, other seeds or shards', set: (o) => (o.join = true) },
  { ...PAPER_VALUES, set: (o, text) => (o.paperValues = readPapers(text)) },
  {
    name: 'out',
    value: 'PATH',
    about: 'the page of --compare, default compare.html; the folder of --join',
    set: (o, text) => (o.out = text),
  },
  { name: 'json', about: 'what --compare tells as JSON on standard output', set: (o) => (o.json = true) },
  ...FLAGS.filter(({ name }) => name === 'help'),
]

export const EXPORT_FLAGS: FileFlag[] = [
  { name: 'out', value: 'DIR', about: 'where to; default beside each file', set: (o, text) => (o.out = text) },
  ...FLAGS.filter(({ name }) => name === 'help'),
]

export const QUESTIONS_FLAGS: FileFlag[] = [
  {
    name: 'out',
    value: 'FILE',
    about: 'the page, to which its links are relative; default standard output',
    set: (o, text) => (o.out = text),
  },
  ...FLAGS.filter(({ name }) => name === 'help'),
]

/** Files and flags in any order. Throws UsageError. */
export function parseFiles(argv: readonly string[], flags: readonly FileFlag[]): FileOptions {
  const options: FileOptions = { files: [] }
  const words: string[] = []
  for (let i = 0; i < argv.length; i++) {
    const flag = flags.find(({ name }) => argv[i] === `--${name}`)
    if (!argv[i].startsWith('-')) options.files.push(argv[i])
    else words.push(...argv.slice(i, flag?.value ? ++i + 1 : i + 1))
  }
  parseFlags(words, flags, options)
  if (!options.help && options.files.length === 0) {
    throw new UsageError('needs a file or a folder, or several; --help tells more')
  }
  return options
}

/** Flags alone. Throws UsageError. */
export function parseFlags(
  argv: readonly string[],
  flags: readonly FileFlag[],
  options: FileOptions = { files: [] },
): FileOptions {
  for (const [flag, text] of read(argv, flags)) obey(flag, text, () => flag.set(options, text))
  return options
}

export function fileHelp(usage: string, about: string, flags: readonly FileFlag[]): string {
  return [usage, '', about, '', ...helpTable(flags).lines, ''].join('\n')
}
