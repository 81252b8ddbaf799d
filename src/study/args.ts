// The command line of a study → a recipe and options. Whatever is wrong is one line that says what is allowed.
import { InputError } from '../errors.ts'
import { configured, departures, keyOf, presetOf, readConfig } from './config.ts'
import type { Flag, RunOptions } from './flag.ts'
import type { Paper } from './paper.ts'
import type { CommonRecipe } from './recipe.ts'
import { PAPERS } from './runFlags.ts'
import { nearest } from './schema.ts'
import { UsageError } from './usage.ts'

export interface StudyArguments<R extends CommonRecipe = CommonRecipe> extends RunOptions {
  recipe: R
  /** The flags that changed the preset's recipe, as they were given. */
  overrides: string[]
  out: string
}

/** What is done instead of the whole study. */
const DOING = ['cell', 'shard', 'merge', 'watch', 'submit', 'list', 'dryRun', 'printConfig'] as const

/** What a person asked for instead of a run. */
export type Asked = 'help' | 'version'

/** What any program's table of flags has. */
export type Named = Pick<Flag<unknown>, 'name' | 'value' | 'optional' | 'about'>

/** `--flag value`, `--flag=value` and switches, in order. Throws UsageError. */
export function* read<F extends Named>(argv: readonly string[], flags: readonly F[]): Generator<[F, string]> {
  const names = flags.map(({ name }) => `--${name}`)
  for (let i = 0; i < argv.length; i++) {
    const given = argv[i] === '-h' ? '--help' : argv[i]
    const [, name, , inline] = /^--([^=]*)(=(.*))?$/s.exec(given) ?? []
    const flag = flags.find((each) => each.name === name)
    if (!flag) {
      const meant = name
        ? `flag ${quoted(argv[i])}, the nearest is ${nearest(`--${name}`, names)}`
        : `argument ${quoted(argv[i])}`
      throw new UsageError(`unknown ${meant}; --help tells all`)
    }
    if (flag.value === undefined) {
      if (inline !== undefined) throw new UsageError(`--${name} takes no value`)
      yield [flag, '']
    } else {
      const omitted = flag.optional && inline === undefined && (argv[i + 1] ?? '--').startsWith('--')
      const value = omitted ? '' : (inline ?? argv[++i] ?? '')
      // An empty text is a variable of a shell that is not set.
      if ((value === '' && !flag.optional) || (inline === undefined && value.startsWith('--'))) {
        throw new UsageError(`--${name} needs a value: ${flag.about}`)
      }
      yield [flag, value]
    }
  }
}

/** A word of a shell, quoted where it has to be. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** Does what a flag with this value asks for; an InputError becomes a UsageError that names both. */
export function obey({ name }: Named, text: string, work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    throw new UsageError(`--${name} ${quoted(text)}: ${error.message}`)
  }
}

/** What help tells of flags, and in the same columns of other names. */
export function helpTable(flags: readonly Named[]) {
  const shown = flags.map(({ name, value, about }) => [`--${name}${value ? ` ${value}` : ''}`, about])
  const width = Math.max(...shown.map(([flag]) => flag.length))
  const line = ([name, about]: readonly string[]) => `  ${name.padEnd(width)}  ${about}`
  return { lines: shown.map(line), line }
}

/** Throws UsageError for an unknown flag, an unknown value, or values that do not fit together. */
export function parseArguments<R extends CommonRecipe>(
  argv: readonly string[],
  paper: Paper<R>,
): StudyArguments<R> | Asked {
  const given = [...read(argv, paper.flags)]
  for (const [{ name }] of given) if (name === 'help' || name === 'version') return name
  const presets = Object.keys(paper.presets)
  const last = (flag: string) => given.findLast(([{ name }]) => name === flag)?.[1]
  const file = last('config')
  const config = file === undefined ? null : readConfig(file)
  const preset = last('preset') ?? (config && presetOf(config, paper)) ?? 'quick'
  if (!presets.includes(preset)) throw new UsageError(`--preset ${quoted(preset)}: one of ${presets.join(', ')}`)
  const start = paper.presets[preset].recipe
  const described = config ? configured(config, paper, preset) : start
  const recipe = structuredClone(described)
  const overrides: string[] = []
  const options: RunOptions = {}
  for (const [flag, text] of given) {
    const before = JSON.stringify(recipe)
    obey(flag, text, () => {
      flag.recipe?.(recipe, text)
      flag.run?.(options, text)
    })
    if (flag.recipe && !flag.chooses && JSON.stringify(recipe) !== before)
      overrides.push(`--${flag.name} ${quoted(text)}`)
  }
  if (options.resume && options.fresh) throw new UsageError('--resume and --fresh: one or the other')
  const doing = DOING.filter((name) => options[name] !== undefined)
  const flagOf = (name: string) => `--${name.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`)}`
  if (doing.length > 1 && doing.join() !== 'shard,submit') {
    throw new UsageError(`${doing.map(flagOf).join(' and ')}: one at a time`)
  }
  const alone = ([...doing, 'fresh'] as const).find((name) => options[name] !== undefined)
  if ((options.processes ?? 1) > 1 && alone) throw new UsageError(`--processes and ${flagOf(alone)}: one or the other`)
  let resolved: R
  try {
    paper.check(recipe)
    // In the order of the schema, whoever said what: the order of keys is a part of a cell's key.
    resolved = paper.schema(recipe, '')
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    const [flag] = error.message.split(' ')
    const told = config && !given.some(([{ name }]) => name === flag)
    throw new UsageError(told ? `--config ${file}: ${error.message.replace(flag, keyOf(flag))}` : `--${error.message}`)
  }
  return {
    ...options,
    recipe: resolved,
    overrides: [...departures(start, described, recipe, paper), ...overrides],
    out: options.out ?? `results/${paper.name}-${preset}`,
  }
}

export function helpText<R extends CommonRecipe>({ name: study, about: title, presets, flags }: Paper<R>): string {
  const { lines, line } = helpTable(flags)
  return [
    title,
    '',
    `Usage: ${PAPERS.includes(study) ? `node bench/${study}.js [flags]      or: ` : ''}npx webgpu-distill ${study} [flags]`,
    '',
    ...lines,
    '',
    'Presets; every flag above, and a --config, overrides them:',
    ...Object.entries(presets).map(([name, { about }]) => line([name, about])),
    '',
    'Finished cells are kept in DIR/cells and never trained twice; Ctrl-C, SIGTERM and SIGUSR1 save a checkpoint from which',
    'the same command goes on. The same command may run several times at once: each takes cells that no other is at.',
    'Exit codes: 0 done, 1 something failed, 2 wrong usage, 3 cells are missing (--merge), after a checkpoint 130 (Ctrl-C),',
    '143 (SIGTERM), 138 (SIGUSR1) or 129 (SIGHUP).',
    '',
  ].join('\n')
}
