// The files of a finished run: results.json, the table as Markdown and CSV, one page, the figures.
import papersFile from '../../bench/papers.json' with { type: 'json' }
import type { FileLayer } from '../io/files.ts'
import {
  agreementText,
  confusionFigures,
  curveFigures,
  htmlReport,
  mainFigures,
  markdownReport,
  type PaperEntry,
  parsePapers,
  type Results,
  reliabilityFigures,
  rowsCsv,
  summaryCsv,
  teacherFigures,
  textReport,
} from '../report/index.ts'
import type { RunOptions } from './flag.ts'

/** Published numbers, to stand beside ours: an owner's of the papers, then those on file. */
const papersWith = ({ paperValues = [] }: Pick<RunOptions, 'paperValues'>): PaperEntry[] => {
  return [...paperValues, ...parsePapers(papersFile, 'bench/papers.json')]
}

/** Writes everything and returns the paths, the most important first. */
export async function writeOutput(
  files: FileLayer,
  folder: string,
  results: Results,
  options: Pick<RunOptions, 'paperValues'> = {},
): Promise<string[]> {
  const papers = papersWith(options)
  const { figures: first, byTemperature } = mainFigures(results, true)
  const figures = [
    ...first,
    ...byTemperature,
    ...reliabilityFigures(results, true),
    ...reliabilityFigures(results, true, 'teacher'),
    ...teacherFigures(results, true),
    ...confusionFigures(results, true),
    ...curveFigures(results, true),
  ]
  const contents: [string, string][] = [
    ['report.html', htmlReport(results, { papers })],
    ['results.json', `${JSON.stringify(results, null, 1)}\n`],
    ['table.md', markdownReport(results, papers)],
    ['table.csv', summaryCsv(results, papers)],
    ['rows.csv', rowsCsv(results.rows)],
  ]
  for (const [name, text] of contents) await files.writeAtomic(`${folder}/${name}`, text)
  // Figures of an earlier run with other sizes or temperatures would be taken for this one's.
  await files.remove(`${folder}/figures`)
  await files.makeDir(`${folder}/figures`)
  for (const { id, svg } of figures) await files.writeAtomic(`${folder}/figures/${id}.svg`, `${svg}\n`)
  return [...contents.map(([name]) => `${folder}/${name}`), `${folder}/figures/*.svg (${figures.length})`]
}

/** The table on standard output, or the results as JSON; which files were written after that. */
export function print(
  results: Results,
  paths: string[],
  options: Pick<RunOptions, 'json' | 'quiet' | 'paperValues'>,
): void {
  const { json, quiet } = options
  const said = json ? process.stderr : process.stdout
  if (json) process.stdout.write(`${JSON.stringify(results, null, 1)}\n`)
  else {
    const agrees = agreementText(results)
    const table = `${textReport(results, papersWith(options))}${agrees ? `\n${agrees}\n` : ''}`
    process.stdout.write(quiet ? table : `\n${table}`)
  }
  if (!quiet) said.write(`\n${paths.map((path) => `wrote ${path}`).join('\n')}\n`)
}
