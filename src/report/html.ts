// The report of a study as one page.
import { type Agreement, agreement } from './agreement.ts'
import { caption, datasetName, isSynthetic, summary } from './caption.ts'
import { type ClaimResult, type Part, SIDES } from './claim.ts'
import type { Table } from './columns.ts'
import {
  curveFigures,
  type Figure,
  figureNote,
  RELIABILITY_NOTE,
  reliabilityFigures,
  teacherFigures,
} from './figures.ts'
import { CONFUSION_NOTE, confusionFigures, confusionTables } from './figuresConfusion.ts'
import { mainFigures } from './figuresOf.ts'
import { capital, duration, estimateOf, fixed, intervalOf, MISSING, percent } from './format.ts'
import { glossary } from './glossary.ts'
import { seedsOf } from './groups.ts'
import { type Markup, markup, type Piece } from './markup.ts'
import { page, tableBox, tablesBody } from './page.ts'
import type { PaperEntry } from './papers.ts'
import type { Results, Run } from './rows.ts'
import { failures, tables } from './table.ts'
import { agreementText } from './tableText.ts'
import { studyTitle } from './titles.ts'

export interface ReportOptions {
  title?: string
  papers?: PaperEntry[]
}

/** report.html, whole. */
export function htmlReport(results: Results, options: ReportOptions = {}): string {
  const { run } = results
  const title = options.title ?? `${studyTitle(run.paper)} on ${datasetName(run.dataset)}`
  const [first, ...more] = tables(results, options.papers ?? [])
  const sections = [
    { id: 'results', title: 'Results', body: [tablesBody([first]), namesBody(results)] },
    { id: 'figures', title: 'Figures', body: figuresBody(results) },
    { id: 'claims', title: 'Claims', body: claimsBody(results.claims) },
    { id: 'reliability', title: 'Reliability', body: reliabilityBody(results) },
    { id: 'confusion', title: 'Confusion matrices', body: confusionBody(results) },
    { id: 'curves', title: 'Learning curves', body: curvesBody(results) },
    { id: 'more', title: 'More numbers', body: tablesBody(more) },
    { id: 'agreement', title: 'Agreement with the reference', body: agreementBody(results) },
    { id: 'run', title: 'The run', body: runBody(run) },
  ]
  return page(
    title,
    markup`<p class="note">${caption(results)}. ${run.date.slice(0, 10)}, webgpu-distill ${run.version}.</p>
${warning(results)}
<p class="lead">${summary(results)}</p>`,
    sections,
  )
}

function warning(results: Results): Piece {
  const bad = failures(results)
  const { dataset } = results.run
  return [
    isSynthetic(dataset) &&
      markup`<p class="warning"><strong>Synthetic pictures.</strong> ${dataset === 'synthetic' ? 'No real data set was found; these' : 'The identities are made up; these'} numbers say nothing about photographs.</p>`,
    bad.length > 0 &&
      markup`<div class="warning"><strong>Not everything finished.</strong><ul>${bad.map((line) => markup`<li>${line}</li>`)}</ul></div>`,
  ]
}

const SIGNS: Record<ClaimResult['verdict'], string> = {
  holds: '✓ holds',
  reversed: '✗ reversed',
  undecided: '○ undecided',
  'one seed, no verdict': '· one seed, no verdict',
  'not tested': '– not tested',
}

function claimsBody(claims: ClaimResult[]): Piece {
  if (claims.length === 0) return null
  return [
    markup`<p class="note">A claim holds when the whole 95 % interval of a difference ${SIDES} Differences are taken seed by seed, after a mean over temperatures and sizes; n is the number of seeds. One seed gives a direction only. The intervals are not corrected for the number of claims.</p>`,
    claims.map(claimBox),
  ]
}

function claimBox({ id, text, source, here, verdict, reason, parts }: ClaimResult): Markup {
  const deciding = parts.filter(({ decides }) => decides && verdict !== 'not tested')
  const others = parts.filter(({ decides }) => !decides)
  return markup`
<article class="claim ${verdict.split(' ')[0]}" id="claim-${id}"><p><strong>${id}</strong> <span class="verdict">${SIGNS[verdict]}</span></p><p>${text}. <span class="note">(${source})</span></p>${
    here && markup`<p class="note">As tested here: ${here}.</p>`
  }${reason && markup`<p class="note">${capital(reason)}.</p>`}${deciding.map(
    (part) =>
      markup`<p><strong class="number">${estimateOf(part)}</strong> <span class="number">${told(part)},</span> <span class="number">n = ${part.n}</span> <span class="note">${sentence(part)}</span></p>`,
  )}${
    others.length > 0 &&
    markup`<details><summary>${others.length} more ${others.length === 1 ? 'comparison' : 'comparisons'}</summary>${partTable(id, others)}</details>`
  }</article>`
}

/** What was compared, with spaces that keep numbers and their units together. */
function sentence({ statistic, rows, note }: Part): string {
  const text = `${capital(statistic)}; ${rows}.${note && ` ${capital(note)}.`}`
  return text.replace(/ (px|= \d)/g, '\u00a0$1')
}

function told(part: Part): string {
  return part.verdict === 'one seed, no verdict' ? (part.direction ?? '') : intervalOf(part)
}

function partTable(id: string, parts: Part[]): Markup {
  return tableBox({
    title: `Comparisons under claim ${id}`,
    caption: '',
    head: ['rows', 'statistic', 'estimate', '95 %', 'n', 'verdict'],
    left: [0, 1, 5],
    blocks: [
      {
        title: '',
        rows: parts.map((part) => {
          const verdict = part.verdict === 'not tested' ? `not tested: ${part.note}` : part.verdict
          const said = part.verdict === 'one seed, no verdict' ? (part.direction ?? verdict) : verdict
          return [
            part.rows,
            part.statistic,
            estimateOf(part),
            intervalOf(part),
            part.n ? String(part.n) : MISSING,
            said,
          ]
        }),
      },
    ],
  })
}

function namesBody(results: Results): Markup {
  const terms = glossary(results).map(([name, meaning]) => markup`<dt>${name}</dt><dd>${meaning}</dd>`)
  return markup`<details><summary>What the names mean</summary><dl>${terms}</dl></details>`
}

function figuresBody(results: Results): Piece {
  const { figures: first, byTemperature } = mainFigures(results)
  const note = markup`<p class="note">${caption(results)}. ${figureNote(seedsOf(results.rows).ok.length)}</p>`
  return (
    first.length > 0 && [
      note,
      figures(first, 'pairs'),
      byTemperature.length > 0 && [markup`<h3>Against temperature</h3>`, figures(byTemperature, 'triples')],
    ]
  )
}

function reliabilityBody(results: Results): Piece {
  const [students, trained] = [reliabilityFigures(results), reliabilityFigures(results, false, 'teacher')]
  const teachers = [...teacherFigures(results), ...trained]
  const sizes = [...new Set(students.map(({ size }) => size))]
  return (
    students.length + teachers.length > 0 && [
      markup`<p class="note">${RELIABILITY_NOTE}</p>`,
      teachers.length > 0 && [
        markup`<h3>${teachers.length > 2 ? 'Teachers' : 'Teacher'}</h3>`,
        figures(teachers, 'diagrams'),
      ],
      sizes.map((size) => [
        markup`<h3>Students of ${size} px</h3>`,
        figures(
          students.filter((figure) => figure.size === size),
          'diagrams',
        ),
      ]),
    ]
  )
}

function confusionBody(results: Results): Piece {
  const drawn = confusionFigures(results)
  const counted = confusionTables(results)
  const list = tablesBody(counted)
  return (
    counted.length > 0 && [
      markup`<p class="note">${CONFUSION_NOTE}</p>`,
      drawn.length > 0 && figures(drawn, 'pairs'),
      drawn.length > 0 ? markup`<details><summary>The counts as tables</summary>${list}</details>` : list,
    ]
  )
}

function curvesBody(results: Results): Piece {
  const curves = curveFigures(results)
  return (
    curves.length > 0 && [
      markup`<p class="note">Means over seeds. The axes leave out the steep first epochs, so that later differences can be seen.</p>`,
      figures(curves, curves.length % 2 ? 'triples' : 'pairs'),
    ]
  )
}

function figures(list: Figure[], kind: 'pairs' | 'triples' | 'diagrams'): Markup {
  return markup`<div class="${kind}">${list.map(({ svg }) => markup`<figure>${svg}</figure>`)}</div>`
}

function agreementBody(results: Results): Piece {
  const found = agreement(results)
  // A reference is on file for CQKD only: other studies need not say that they are not compared.
  if ((results.run.paper ?? 'cqkd') !== 'cqkd') return null
  if (!found.comparable) return markup`<p>Not compared: ${found.reason}.</p>`
  if (found.entries.judged === 0) return null
  return [
    markup`<p>${agreementText(results)}</p><p class="note">For entropies no s is on file: they are shown and not judged.</p>`,
    markup`<details><summary>Every entry and difference</summary>${(['entries', 'differences'] as const).map((which) =>
      tableBox(agreementTable(which, found)),
    )}</details>`,
  ]
}

function agreementTable(which: 'entries' | 'differences', found: Agreement): Table {
  const all = found[which].entries
  const rows = all.map(({ label, size, metric, n, ours, reference, allowed, agrees }) => {
    const write = (x: number) => (metric === 'entropy' ? fixed(x, 3) : percent(x))
    const verdict = agrees === null ? 'no spread on file' : agrees ? 'yes' : 'no'
    const off = allowed === null ? MISSING : write(allowed)
    return [
      label,
      `${size} px`,
      metric,
      String(n),
      write(ours),
      write(reference),
      write(ours - reference),
      off,
      verdict,
    ]
  })
  return {
    title: which === 'entries' ? 'Entries' : 'Paired differences',
    caption: '',
    head: ['row', 'size', 'metric', 'n', 'ours', 'reference', 'off by', 'allowed', 'agrees'],
    left: [0, 2],
    blocks: [{ title: which === 'entries' ? 'Entries' : 'Paired differences', rows }],
  }
}

function runBody(run: Run): Piece {
  const { command, config, trainingSeconds, seconds, ...told } = run
  const trained = typeof trainingSeconds === 'number' ? { 'training of all cells': duration(trainingSeconds) } : {}
  const record = { ...told, ...trained }
  return [
    markup`<p>To run it again, in a checkout of ${run.commit === null ? `version ${run.version}` : `commit ${run.commit}`}:</p><pre>${command}</pre>`,
    markup`<p class="note">Same fingerprint, adapter, driver and seeds: the same weights and metrics, bit for bit. Times differ.</p>`,
    markup`<dl>${Object.entries(record).map(([key, value]) => markup`<dt>${words(key)}</dt><dd>${said(value)}</dd>`)}</dl>`,
    markup`<details><summary>The resolved recipe</summary><pre>${JSON.stringify(config, null, 2)}</pre></details>`,
  ]
}

/** 'dataHash' → 'data hash'. */
function words(key: string): string {
  return key.replace(/[A-Z]/g, (c) => ` ${c.toLowerCase()}`)
}

function said(value: unknown): string {
  if (value === null || value === undefined) return MISSING
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (Array.isArray(value)) return value.length ? value.map(said).join(', ') : 'none'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
