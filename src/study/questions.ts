// `questions DIR…`: which question the results in these folders answer, as Markdown on standard output.
import { readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { nodeFiles } from '../node/files.ts'
import { questionsPage, type Source } from '../report/questions.ts'
import { fileHelp, parseFiles, QUESTIONS_FLAGS } from './fileArgs.ts'
import { fileOf, resultsIn } from './report.ts'

const HELP = fileHelp(
  'Usage: npx webgpu-distill questions DIR [DIR …] [--out FILE]',
  `Reads results.json and figures of finished studies and writes which question of the papers, their reviews and readers
they answer, each with number, interval and figure.`,
  QUESTIONS_FLAGS,
)

export async function questionsCommand(argv: readonly string[]): Promise<number> {
  const { help, files: folders, out } = parseFiles(argv, QUESTIONS_FLAGS)
  if (help) {
    process.stdout.write(HELP)
    return 0
  }
  const from = out === undefined ? '.' : dirname(out)
  const sources: Source[] = []
  for (const name of folders) {
    const folder = dirname(fileOf(name))
    const figures = figuresIn(join(folder, 'figures'))
    sources.push({
      results: await resultsIn(name),
      folder: relative(from, folder).replaceAll('\\', '/') || '.',
      figures,
    })
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
