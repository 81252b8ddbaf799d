// The comparison of two studies as one page, in the style of the report.
import { isSynthetic } from './caption.ts'
import { markup, type Piece } from './markup.ts'
import { page, tablesBody } from './page.ts'
import type { Results } from './rows.ts'
import type { SideBySide } from './sideBySide.ts'
import { changeFigures } from './sideFigures.ts'
import {
  alone,
  changeTables,
  claimTables,
  differenceTables,
  namesOf,
  sideSummary,
  teacherTables,
} from './sideTables.ts'

/** compare.html, whole. */
export function sideHtml(
  compared: SideBySide,
  names: readonly [string, string],
  results: readonly [Results, Results],
): string {
  const [first, second, ...more] = changeTables(compared)
  const figures = changeFigures(compared)
  const differing = differenceTables(compared)
  const synthetic = results.some(({ run }) => isSynthetic(run.dataset))
  return page(
    'Two studies side by side',
    [
      markup`<ul>${namesOf(names, results).map((line) => markup`<li>${line}</li>`)}</ul>`,
      synthetic &&
        markup`<p class="warning"><strong>Synthetic pictures.</strong> They say nothing about photographs.</p>`,
      compared.notes.map((note) => markup`<p class="warning">${note}</p>`),
      markup`<p class="lead">${sideSummary(compared)}</p>`,
    ],
    [
      { id: 'results', title: 'Differences', body: first && tablesBody([first, second].filter(Boolean)) },
      {
        id: 'figures',
        title: 'Figures',
        body: figures.length > 0 && [
          markup`<p class="note">B − A of every row that both have: mean and 95 % interval, paired by seed.</p>`,
          markup`<div class="pairs">${figures.map(({ svg }) => markup`<figure>${svg}</figure>`)}</div>`,
        ],
      },
      { id: 'alone', title: 'Rows of one study alone', body: aloneBody(compared) },
      { id: 'teachers', title: 'Teachers', body: some(teacherTables(compared)) },
      { id: 'claims', title: 'Claims', body: some(claimTables(compared)) },
      { id: 'more', title: 'More numbers', body: some(more) },
      { id: 'recipes', title: 'What the studies differ in', body: differing.length ? tablesBody(differing) : NOTHING },
      { id: 'commands', title: 'The commands', body: results.map(({ run }) => markup`<pre>${run.command}</pre>`) },
    ],
  )
}

const NOTHING = markup`<p>Recipes, programs, adapters and data are the same.</p>`

const some = (tables: Parameters<typeof tablesBody>[0]): Piece => tables.length > 0 && tablesBody(tables)

function aloneBody({ onlyA, onlyB }: SideBySide): Piece {
  const list = (name: string, lines: string[]) =>
    lines.length > 0 && [markup`<h3>${name}</h3>`, markup`<ul>${lines.map((line) => markup`<li>${line}</li>`)}</ul>`]
  return onlyA.length + onlyB.length > 0 && [list('Only in A', alone(onlyA)), list('Only in B', alone(onlyB))]
}
