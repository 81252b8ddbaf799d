// The programs' one entry: which command, and which exit code. What a command needs is loaded when it is asked for, so
// that --help answers at once and on any machine.
import { DistillError } from '../errors.ts'
import { UsageError } from './usage.ts'

const USAGE = `Usage: npx webgpu-distill COMMAND [flags]

  cqkd     trains the CQKD table and writes a report; cqkd --help tells its flags
  doctor   adapters, what is missing and how to mend it, a self-test, where the data sets are

  --help, --version
`

/** Runs a command; resolves to the exit code: 0 done, 1 failed, 2 wrong usage, 128 + n after a signal. */
export async function main(argv: readonly string[]): Promise<number> {
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
    case 'cqkd': {
      const { helpText, parseArguments } = await import('./args.ts')
      const options = parseArguments(rest)
      if (options === 'help') return say(helpText())
      if (options === 'version') return say(`${__VERSION__}\n`)
      return (await import('./cqkd.ts')).cqkd(options, rest)
    }
    case 'doctor':
      return (await import('./doctor.ts')).doctor(rest)
    case '--version':
      return say(`${__VERSION__}\n`)
    case '--help':
    case '-h':
    case 'help':
      return say(USAGE)
    case undefined:
      process.stderr.write(USAGE)
      return 2
    default:
      throw new UsageError(`unknown command '${command}'; allowed: cqkd, doctor, --help, --version`)
  }
}

function say(text: string): number {
  process.stdout.write(text)
  return 0
}
