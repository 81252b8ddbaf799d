// The command line of the bench: one table, from which parsing, help and messages come.
import { InputError } from '../errors.ts'
import { helpTable, type Named, obey, quoted, read } from '../study/args.ts'
import { UsageError } from '../study/usage.ts'

export interface BenchOptions {
  op?: string
  shapes?: string[]
  filter: string[]
  kernel?: string
  step: boolean
  profile: boolean
  firstStep: boolean
  tune: boolean
  once: boolean
  quick: boolean
  rounds?: number
  adapter?: string
  subgroups: boolean
  offline: boolean
  list: boolean
  json: boolean
  compare?: string
  trace?: string
}

interface Flag extends Named {
  set: (options: BenchOptions, text: string) => void
}

function whole(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || value > 1000) throw new InputError('a whole number from 1 to 1000')
  return value
}

const FLAGS: Flag[] = [
  { name: 'op', value: 'NAME', about: 'only this op; --list tells them', set: (o, text) => (o.op = text) },
  {
    name: 'shape',
    value: 'SHAPE',
    about: "with --op or --tune: this shape in place of the networks'; may be given again",
    set: (o, text) => (o.shapes = [...(o.shapes ?? []), text]),
  },
  {
    name: 'filter',
    value: 'TEXT,TEXT',
    about: 'only what has one of these in its name',
    set: (o, text) => o.filter.push(...text.split(',').filter(Boolean)),
  },
  {
    name: 'kernel',
    value: 'FILE.wgsl',
    about: 'with --op: a kernel of yours, checked and timed beside ours',
    set: (o, text) => (o.kernel = text),
  },
  {
    name: 'tune',
    about: 'every kernel for a convolution beside the others; the choices are kept in the cache',
    set: (o) => (o.tune = true),
  },
  { name: 'step', about: 'whole training steps in place of kernels', set: (o) => (o.step = true) },
  {
    name: 'profile',
    about: "a step's time by pipeline; alone: only that",
    set: (o) => (o.profile = true),
  },
  {
    name: 'first-step',
    about: "with --step: seconds from a process's start to its first step's end, cold and warm",
    set: (o) => (o.firstStep = true),
  },
  {
    name: 'once',
    about: 'with --step: one step of each and no timing, for a clock outside this process',
    set: (o) => (o.once = true),
  },
  { name: 'quick', about: 'fewer shapes, fewer rounds: under a minute', set: (o) => (o.quick = true) },
  {
    name: 'rounds',
    value: 'N',
    about: 'measurements of each; default 9, with --tune 7, with --quick 5',
    set: (o, text) => (o.rounds = whole(text)),
  },
  {
    name: 'adapter',
    value: 'NAME',
    about: "auto, hardware, lavapipe, swiftshader, or a part of an adapter's name",
    set: (o, text) => (o.adapter = text),
  },
  {
    name: 'no-subgroups',
    about: 'as on an adapter without subgroups',
    set: (o) => (o.subgroups = false),
  },
  { name: 'offline', about: 'download nothing', set: (o) => (o.offline = true) },
  { name: 'list', about: 'show what would be timed, and stop', set: (o) => (o.list = true) },
  {
    name: 'json',
    about: 'results as JSON on standard output, all else on standard error',
    set: (o) => (o.json = true),
  },
  {
    name: 'compare',
    value: 'OLD.json',
    about: 'how much faster than in a run stored with --json',
    set: (o, text) => (o.compare = text),
  },
  {
    name: 'trace',
    value: 'FILE',
    about: 'what ran when, for chrome://tracing or ui.perfetto.dev',
    set: (o, text) => (o.trace = text),
  },
  { name: 'help', about: 'this text', set: () => {} },
]

/** Throws UsageError for an unknown flag, or values that do not fit together. */
export function parseArguments(argv: readonly string[]): BenchOptions | 'help' {
  const options: BenchOptions = {
    ...{ filter: [], step: false, profile: false, firstStep: false, once: false, tune: false },
    ...{ quick: false, subgroups: true, offline: false, list: false, json: false },
  }
  const given = [...read(argv, FLAGS)]
  if (given.some(([{ name }]) => name === 'help')) return 'help'
  for (const [flag, text] of given) obey(flag, text, () => flag.set(options, text))
  const { tune, shapes, kernel, step, profile, firstStep, once, compare, trace } = options
  const besides = tune && { step, profile, kernel, compare, trace }
  for (const [name, set] of Object.entries(besides || {}))
    if (set) throw new UsageError(`--tune and --${name}: one or the other`)
  if (tune) options.op ??= 'conv2d'
  const { op } = options
  if (tune && op !== 'conv2d')
    throw new UsageError(`--tune --op ${quoted(op!)}: only conv2d has kernels to choose from`)
  if (shapes && !op) throw new UsageError('--shape needs --op')
  if (kernel && !op) throw new UsageError('--kernel needs --op')
  if ((step || profile) && op) throw new UsageError('--op and --step: one or the other')
  if (firstStep && !step) throw new UsageError('--first-step needs --step')
  if (once && !step) throw new UsageError('--once needs --step')
  return options
}

export function helpText(syntax: readonly [string, string][]): string {
  const { lines, line } = helpTable(FLAGS)
  return [
    'Times every kernel at the shapes of the networks, or whole training steps: results are checked first, then medians',
    "of alternating rounds, beside the adapter's own peaks in the same run.",
    '',
    'Usage: node bench/kernels.js [flags]',
    '',
    ...lines,
    '',
    'Ops and how their shapes are written:',
    ...syntax.map(line),
    '',
    'Exit codes: 0 done, 1 a result was wrong or something failed, 2 wrong usage.',
    '',
  ].join('\n')
}
