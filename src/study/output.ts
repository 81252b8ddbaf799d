// The files of a finished run: results.json, the table as Markdown and CSV, one page, the figures.
import papersFile from '../../bench/papers.json' with { type: 'json' }
import type { FileLayer } from '../io/files.ts'
import {
  curveFigures,
  generationFigures,
  htmlReport,
  markdownReport,
  mimicryFigure,
  type PaperEntry,
  parsePapers,
  type Results,
  reliabilityFigures,
  rowsCsv,
  sizeFigures,
  summaryCsv,
  teacherFigures,
  temperatureFigures,
} from '../report/index.ts'

/** Published numbers, to stand beside ours. */
export const PAPERS: PaperEntry[] = parsePapers(papersFile, 'bench/papers.json')

/** Writes everything and returns the paths, the most important first. */
export async function writeOutput(files: FileLayer, folder: string, results: Results): Promise<string[]> {
  const byGeneration = [...generationFigures(results, true), ...mimicryFigure(results, true)]
  const figures = [
    ...(byGeneration.length ? byGeneration : [...sizeFigures(results, true), ...temperatureFigures(results, true)]),
    ...reliabilityFigures(results, true),
    ...teacherFigures(results, true),
    ...curveFigures(results, true),
  ]
  const contents: [string, string][] = [
    ['report.html', htmlReport(results, { papers: PAPERS })],
    ['results.json', `${JSON.stringify(results, null, 1)}\n`],
    ['table.md', markdownReport(results, PAPERS)],
    ['table.csv', summaryCsv(results, PAPERS)],
    ['rows.csv', rowsCsv(results.rows)],
  ]
  for (const [name, text] of contents) await files.writeAtomic(`${folder}/${name}`, text)
  // Figures of an earlier run with other sizes or temperatures would be taken for this one's.
  await files.remove(`${folder}/figures`)
  await files.makeDir(`${folder}/figures`)
  for (const { id, svg } of figures) await files.writeAtomic(`${folder}/figures/${id}.svg`, `${svg}\n`)
  return [...contents.map(([name]) => `${folder}/${name}`), `${folder}/figures/*.svg (${figures.length})`]
}
