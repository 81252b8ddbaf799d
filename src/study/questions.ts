// `questions DIR…`: which question the results in these folders answer, as Markdown on standard output.
import { readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { nodeFiles } from '../node/files.ts'
import { questionsPage, type Source } from '../report/questions.ts'
import { resultsIn } from './report.ts'
import { UsageError } from './usage.ts'

const USAGE = `Usage: npx webgpu-distill questions [--out FILE] DIR [DIR …]

Reads results.json and figures of finished studies and writes which question of the papers, their reviews and readers
they answer, each with number, interval and figure: to FILE, to which links are relative, or to standard output.
`

export async function questionsCommand(argv: readonly string[]): Promise<number> {
  const folders: string[] = []
  let out: string | undefined
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]
    if (word === '--help' || word === '-h') {
      process.stdout.write(USAGE)
      return 0
    }
    if (word === '--out') out = argv[++i]
    else if (word.startsWith('--out=')) out = word.slice(6)
    else if (word.startsWith('--')) throw new UsageError(`unknown flag ${word}; allowed: --out, --help`)
    else folders.push(word)
  }
  if (folders.length === 0 || out === '') throw new UsageError(`questions needs folders of finished studies\n${USAGE}`)
  const from = out === undefined ? '.' : dirname(out)
  const sources: Source[] = []
  for (const folder of folders) {
    const figures = figuresIn(join(folder, 'figures'))
    sources.push({ results: await resultsIn(folder), folder: relative(from, folder) || '.', figures })
  }
  const page = questionsPage(sources)
  if (out === undefined) process.stdout.write(page)
  else await nodeFiles.writeAtomic(out, page)
  return 0
}

/** Names of figures, without their ending. */
function figuresIn(folder: string): string[] {
  try {
    return readdirSync(folder).flatMap((name) => (name.endsWith('.svg') ? [name.slice(0, -4)] : []))
  } catch {
    return []
  }
}
