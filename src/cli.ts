// The programs' one entry: which command, and which exit code. What a command needs is loaded when it is asked for, so
// that --help answers at once and on any machine.
import { DistillError } from './errors.ts'
import type { Claim } from './report/compare.ts'
import type { Paper } from './study/paper.ts'
import type { CommonRecipe } from './study/recipe.ts'
import { UsageError } from './study/usage.ts'

const USAGE = `Usage: npx webgpu-distill COMMAND [flags]

  cqkd       trains the CQKD table and writes a report; cqkd --help tells its flags
  trikd      trains the TriKD table and writes a report; trikd --help tells its flags
  weights, few-data, …: the further studies; studies lists them
  studies    what each of them asks
  report     a finished study's tables and page again; --compare A B: two side by side; --join A B: as one
  questions  which question the results in folders answer, as a page
  eval       a network that a study kept, on its test set again
  calibrate  temperature scaling of a kept network or of logits in a file
  export     a kept network as an ONNX model
  doctor     adapters, what is missing and how to mend it, a self-test, where the data sets are
  clean      empties the cache of drivers and data sets; results stay

  --help, --version
`

/** Runs a command; resolves to the exit code: 0 done, 1 failed, 2 wrong usage, 128 + n after a signal. */
export async function main(argv: readonly string[]): Promise<number> {
  // A scheduler's wish to stop, which Node takes for one to debug it. Where cells are trained somebody else listens, too.
  process.on('SIGUSR1', () => process.listenerCount('SIGUSR1') === 1 && process.exit(138))
  // A reader that has gone (`| head`) is no reason to stop training.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
  try {
    return await dispatch(argv)
  } catch (error) {
    if (!(error instanceof DistillError)) throw error
    process.stderr.write(`webgpu-distill: ${error.message}\n`)
    return error instanceof UsageError ? 2 : 1
  }
}

async function dispatch([command, ...rest]: readonly string[]): Promise<number> {
  switch (command) {
    case 'cqkd':
    case 'trikd':
      return studies(command, rest)
    case 'report':
      return (await import('./study/report.ts')).reportCommand(rest, claimsOf)
    case 'questions':
      return (await import('./study/questions.ts')).questionsCommand(rest)
    case 'eval':
      return (await import('./study/show.ts')).evalCommand(rest)
    case 'calibrate':
      return (await import('./study/calibrate.ts')).calibrateCommand(rest)
    case 'export':
      return (await import('./study/export.ts')).exportCommand(rest)
    case 'doctor':
      return (await import('./study/doctor.ts')).doctor(rest)
    case 'clean':
      return (await import('./study/clean.ts')).clean(rest)
    case 'studies': {
      const { STUDIES } = await import('./studies/index.ts')
      return say(STUDIES.map(({ name, about }) => `${name}\n  ${about.replaceAll('\n', '\n  ')}\n`).join(''))
    }
    case '--version':
      return say(`${__VERSION__}\n`)
    case '--help':
    case '-h':
    case 'help':
      return say(USAGE)
    case undefined:
      process.stderr.write(USAGE)
      return 2
    default: {
      const { STUDIES } = await import('./studies/index.ts')
      const found = STUDIES.find(({ name }) => name === command)
      if (found) return study(found, rest)
      const known = ['cqkd', 'trikd', ...STUDIES.map(({ name }) => name)].join(', ')
      throw new UsageError(
        `unknown command '${command}'; allowed: ${known}, studies, report, questions, eval, calibrate, export, doctor, clean, --help, --version`,
      )
    }
  }
}

/** What a study is asked, by its name. */
async function claimsOf(name: string): Promise<Claim[] | undefined> {
  const [{ CQKD, TRIKD }, { STUDIES }] = await Promise.all([import('./study/papers.ts'), import('./studies/index.ts')])
  return [CQKD, TRIKD, ...STUDIES].find((paper) => paper.name === name)?.claims
}

/** The study of the command, or those that `--paper` names instead. */
async function studies(command: 'cqkd' | 'trikd', argv: readonly string[]): Promise<number> {
  const { CQKD, TRIKD } = await import('./study/papers.ts')
  const { given, rest } = takePaper(argv)
  const paper = given ?? command
  if (paper === 'cqkd') return study(CQKD, rest)
  if (paper === 'trikd') return study(TRIKD, rest)
  if (paper !== 'all') throw new UsageError(`--paper ${paper}: one of cqkd, trikd, all`)
  if (rest.includes('--json')) throw new UsageError('--json: one document, so one paper at a time')
  const single = rest.find((word) => /^--(cell|shard|submit|watch|config|print-config)(=|$)/.test(word))
  if (single) throw new UsageError(`${single}: of one recipe and its list of cells, so one paper at a time`)
  const into = (name: string) => {
    return rest.map((word, i) => (word.startsWith('--out=') || rest[i - 1] === '--out' ? `${word}/${name}` : word))
  }
  const { parseArguments } = await import('./study/args.ts')
  // A flag that the second does not have is told before the first takes hours.
  parseArguments(into('trikd'), TRIKD)
  const first = await study(CQKD, into('cqkd'))
  return Math.max(first, await study(TRIKD, into('trikd')))
}

async function study<R extends CommonRecipe>(paper: Paper<R>, argv: readonly string[]): Promise<number> {
  const { helpText, parseArguments } = await import('./study/args.ts')
  const options = parseArguments(argv, paper)
  if (options === 'help') return say(helpText(paper))
  if (options === 'version') return say(`${__VERSION__}\n`)
  if (options.eval) return (await import('./study/show.ts')).showFiles({ ...options, files: [options.eval] })
  const { runStudy } = await import('./study/study.ts')
  // Before hours pass in which the program may be built anew.
  const keeping = options.keep ? await import('./study/keep.ts') : null
  const code = await runStudy(paper, options, argv)
  await keeping?.keepFor(options)
  return code
}

/** `--paper NAME` or `--paper=NAME`, and the other arguments. */
function takePaper(argv: readonly string[]): { given: string | undefined; rest: string[] } {
  const rest = [...argv]
  let given: string | undefined
  for (let i = 0; i < rest.length; ) {
    const [, inline] = /^--paper(?:=(.*))?$/s.exec(rest[i]) ?? [null, null]
    if (inline === null) i++
    else {
      const [, value] = rest.splice(i, inline === undefined ? 2 : 1)
      given = inline ?? value
      if (given === undefined) throw new UsageError('--paper needs a value: cqkd, trikd or all')
    }
  }
  return { given, rest }
}

function say(text: string): number {
  process.stdout.write(text)
  return 0
}
