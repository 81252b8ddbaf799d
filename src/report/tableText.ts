// Tables as terminal text of 80 columns, as Markdown and as CSV.
import { agreement } from './agreement.ts'
import { caption } from './caption.ts'
import type { ClaimResult } from './claim.ts'
import type { Table } from './columns.ts'
import { capital, estimateOf, intervalOf, percent } from './format.ts'
import { glossary } from './glossary.ts'
import { groupRows, summarise } from './groups.ts'
import { isPublished, NONE_ON_FILE, NOT_ON_FILE, type PaperEntry, paperValues } from './papers.ts'
import type { Kind, Metric, Results, Row } from './rows.ts'
import { claimTable, failures, tables } from './table.ts'

const WIDTH = 80

/** Everything a terminal shows at the end of a run. */
export function textReport(results: Results, papers: PaperEntry[] = []): string {
  const parts = [
    wrap(caption(results), WIDTH).join('\n'),
    ...tables(results, papers).map(textTable),
    !isPublished(results, papers) && NONE_ON_FILE,
    claimText(results.claims),
    ...failures(results),
  ]
  return `${parts.filter(Boolean).join('\n\n')}\n`
}

export function textTable({ title, head, left, blocks }: Table): string {
  const rows = blocks.flatMap((block) => block.rows)
  const widths = head.map((text, i) => Math.max(length(text), ...rows.map((row) => length(row[i]))))
  const line = (cells: string[]) => {
    return cells
      .map((cell, i) =>
        left.includes(i) ? cell + ' '.repeat(widths[i] - length(cell)) : ' '.repeat(widths[i] - length(cell)) + cell,
      )
      .join('  ')
      .trimEnd()
  }
  const body = blocks.flatMap((block) => [...(block.title ? ['', block.title] : []), ...block.rows.map(line)])
  return [title.toUpperCase(), line(head), ...body].join('\n')
}

/** The claims, wrapped: verdict, then what it rests on. */
export function claimText(claims: ClaimResult[], width = WIDTH): string {
  const entries = claims.map(({ id, text, here, verdict, reason, parts }) => {
    const lines = verdict === 'not tested' ? [reason] : parts.filter(({ decides }) => decides).map(partText)
    const others = parts.filter(({ decides }) => !decides)
    const count = (wanted: string) => others.filter((part) => part.verdict === wanted).length
    const tally = ['holds', 'undecided', 'reversed'].map((wanted) => `${count(wanted)} ${wanted}`).join(', ')
    const some = others.some((part) => part.verdict !== 'not tested' && part.verdict !== 'one seed, no verdict')
    return [
      ...wrap(`${id.padEnd(4)} ${verdict.toUpperCase()}: ${text}`, width, 5),
      ...(here ? wrap(`     as tested here: ${here}`, width, 5) : []),
      ...[...lines, ...(some ? [`closer looks: ${tally}`] : [])].flatMap((line) => wrap(`     ${line}`, width, 5)),
    ].join('\n')
  })
  return ['CLAIMS (95 % intervals, paired by seed, not corrected for their number)', ...entries].join('\n')
}

function partText(part: ClaimResult['parts'][number]): string {
  const { rows, statistic, verdict, direction, n, note } = part
  const told = verdict === 'one seed, no verdict' ? (direction ?? 'no estimate') : intervalOf(part)
  return `${statistic}, ${rows}: ${estimateOf(part)} ${told}, n = ${n}${note ? ` (${note})` : ''}`
}

/** The whole report as Markdown. */
export function markdownReport(results: Results, papers: PaperEntry[] = []): string {
  const agrees = agreementText(results)
  const all = [...tables(results, papers), ...(results.claims.length ? [claimTable(results.claims)] : [])]
  const parts = all.map((table) => [`## ${table.title}`, mark(table.caption), markdownTable(table)].join('\n\n'))
  const bad = failures(results).map((line) => `- ${mark(line)}`)
  const names = glossary(results).map(([name, meaning]) => `- **${mark(name)}**: ${mark(meaning)}`)
  return `${[mark(`${caption(results)}.`), ...parts, ...(bad.length ? [`## Not finished\n\n${bad.join('\n')}`] : []), ...(agrees ? [`## Agreement with PyTorch\n\n${agrees}`] : []), `## Names\n\n${names.join('\n')}`].join('\n\n')}\n`
}

export function markdownTable({ head, left, blocks }: Table): string {
  const tell = blocks.length > 1 || blocks[0]?.title !== ''
  const line = (cells: string[]) => `| ${cells.map(mark).join(' | ')} |`
  const rules = head.map((_, i) => (left.includes(i) ? '---' : '---:'))
  return [
    line(tell ? [blocks.some(({ title }) => /^(students|teachers),/.test(title)) ? 'rows' : 'size', ...head] : head),
    `| ${(tell ? ['---', ...rules] : rules).join(' | ')} |`,
    ...blocks.flatMap(({ title, rows }) => rows.map((row) => line(tell ? [title, ...row] : row))),
  ].join('\n')
}

/** Agreement with the PyTorch reference in words; empty where the run cannot be compared. */
export function agreementText(results: Results): string {
  const { comparable, entries, differences } = agreement(results)
  if (!comparable || entries.judged === 0) return ''
  const tell = ({ agreeing, judged, passes }: typeof entries, what: string) => {
    return `${agreeing} of ${judged} ${what}${passes === null ? '' : passes ? ' (agrees)' : ' (does not agree)'}`
  }
  const apart = [...entries.entries, ...differences.entries].filter(({ agrees }) => agrees === false)
  const named = apart.map(({ label, size, metric, ours, reference }) => {
    return `${label}, ${size} px, ${metric === 'ece' ? 'ECE' : metric}: ${percent(ours)} here, ${percent(reference)} there`
  })
  const told = named.length ? ` Apart: ${named.join('; ')}.` : ''
  return `Beside a PyTorch reference of the same protocol, 6 seeds: ${tell(entries, 'means')} and ${tell(differences, 'paired differences')} lie within 2.5 s √(1/n + 1/6) of it; at least 95 % must. n is our number of seeds, s the reference's standard deviation over seeds. Where that of a paired difference is not on file, that of independent runs stands in, which is larger and so easier to meet. Entropies, the teacher's ECE and rows that the reference does not have are not judged.${told}`
}

// Everything but the bins, in the order of the row type.
const FIELDS: (keyof Row)[] = [
  'method',
  'size',
  'temperature',
  'teacher',
  'tau',
  'seed',
  'member',
  'n',
  'status',
  'accuracy',
  'top5',
  'ece',
  'signedGap',
  'entropy',
  'nll',
  'brier',
  'trainAccuracy',
  'trainNll',
  'seconds',
  'teacherSeconds',
  'imagesPerSecond',
  'inferenceMs',
  'forwardFlops',
  'sha256',
  'reason',
]

const VERIFIED: Metric[] = ['tar1e1', 'tar1e2', 'tar1e3', 'auc', 'eer']

// Columns of studies that have them.
const MORE: (keyof Row)[] = [
  'role',
  'generation',
  'loss',
  'peerLoss',
  'teacherWidth',
  'axis',
  'at',
  'klTeacher',
  'klTeacherTrain',
  'agreeTeacher',
  'agreeTeacherTrain',
  'klAnchor',
  'klAnchorTrain',
  'agreeAnchor',
  'agreeAnchorTrain',
  'teacherEce',
  'trainBatchEce',
  'bestHeldOut',
  'bestOnTest',
  'heldOutNll',
  'epochsTo99',
  'curveArea',
  'epochs',
  'samePairs',
  'differentPairs',
  ...VERIFIED,
]

/** Every row, every number as it is. */
export function rowsCsv(rows: Row[]): string {
  const fields = [...FIELDS, ...MORE.filter((field) => rows.some((row) => row[field] !== undefined))]
  return csv([fields, ...rows.map((row) => fields.map((field) => row[field]))])
}

const SUMMARISED: Metric[] = [
  'accuracy',
  'top5',
  'ece',
  'signedGap',
  'entropy',
  'nll',
  'brier',
  'trainAccuracy',
  'seconds',
]

const SOMETIMES: Metric[] = ['trainBatchEce', ...VERIFIED]

/** A line a group: mean and standard deviation over seeds of each metric, and what is published of it. */
export function summaryCsv({ rows, run }: Pick<Results, 'rows' | 'run'>, papers: PaperEntry[] = []): string {
  const kinds = MORE.slice(0, 7).filter((field) => rows.some((row) => row[field] !== undefined)) as (keyof Kind)[]
  const some = SOMETIMES.filter((field) => rows.some((row) => row[field] !== undefined))
  const metrics = [...SUMMARISED, ...some]
  const head = [
    'method',
    ...kinds,
    'size',
    'temperature',
    'teacher',
    'images',
    'seeds',
    ...metrics.flatMap((m) => [m, `${m}Sd`]),
  ]
  const groups = groupRows(rows)
  const more = (['ece', 'entropy'] as const).filter((metric) => {
    return groups.some((group) => paperValues(papers, run, group, metric).length > 0)
  })
  const lines = groups.map((group) => {
    const { method, size, temperature, teacher, images } = group
    const found = metrics.map((metric) => summarise(group.rows, metric))
    const published = (['accuracy', ...more] as const).map((metric) => {
      return paperValues(papers, run, group, metric)[0]?.value ?? NOT_ON_FILE
    })
    const numbers = found.flatMap((summary) => [summary?.mean ?? null, summary?.sd ?? null])
    const kind = kinds.map((field) => group[field])
    return [method, ...kind, size, temperature, teacher, images, found[0]?.n ?? 0, ...numbers, ...published]
  })
  return csv([[...head, ...['accuracy', ...more].map((metric) => `paper${capital(metric)}`)], ...lines])
}

function csv(lines: unknown[][]): string {
  const cell = (value: unknown) => {
    const text = value === null || value === undefined ? '' : String(value)
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return lines.map((line) => `${line.map(cell).join(',')}\n`).join('')
}

/** Lines of at most `width`, the later ones indented. */
export function wrap(text: string, width: number, indent = 0): string[] {
  const lead = text.length - text.trimStart().length
  const lines = [' '.repeat(lead)]
  let fresh = true
  for (const word of text.trim().split(/\s+/)) {
    const last = lines.length - 1
    if (!fresh && length(lines[last]) + 1 + length(word) > width) lines.push(' '.repeat(indent) + word)
    else lines[last] += (fresh ? '' : ' ') + word
    fresh = false
  }
  return lines
}

/** Text that Markdown shows as it is. */
export function mark(text: string): string {
  return text.replace(/[\\|<>`*_[\]]/g, (c) => `\\${c}`).replace(/[\r\n]+/g, ' ')
}

function length(text: string): number {
  return [...text].length
}
