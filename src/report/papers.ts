// Published numbers, handed in as data (bench/papers.json or an owner's own file). What is not on file is said to be
// so. A number stands beside a row of ours only where both are of one data set, one pair of networks and one kind.
import { InputError, quote } from '../errors.ts'
import { isObject } from './differences.ts'
import { fixed, percent, plusMinus, significant } from './format.ts'
import { type Group, groupRows, labelOf, summarise } from './groups.ts'
import type { Kind, Results, Run, Teacher } from './rows.ts'
import { studyOf } from './titles.ts'

export const NOT_ON_FILE = 'not on file'

/** What a published number may be of, and how it is written. */
const METRICS = {
  accuracy: { name: 'accuracy %', write: (x: number) => percent(x) },
  ece: { name: 'ECE %', write: (x: number) => percent(x) },
  entropy: { name: 'entropy', write: (x: number) => fixed(x, 3) },
  seconds: { name: 'training s', write: (x: number) => significant(x) },
}
export type PaperMetric = keyof typeof METRICS

export interface PaperEntry extends Pick<Kind, 'method' | 'role' | 'generation' | 'loss' | 'peerLoss'> {
  paper: string
  source: string
  dataset: string
  /** 'ResNet-56 to ResNet-20'. With null the number stands beside rows of the study that is called as the paper. */
  networks: string | null
  size: number
  temperature: number | null
  teacher: Teacher | null
  metric: PaperMetric
  /** A fraction or nats like our own; null where not on file. */
  value: number | null
  page: string | null
}

const text = (x: unknown) => typeof x === 'string'
const whole = (x: unknown) => Number.isInteger(x) && (x as number) >= 0
const number = (x: unknown) => Number.isFinite(x)
const maybe = (check: (x: unknown) => boolean) => (x: unknown) => x === undefined || x === null || check(x)

const FIELDS: Record<string, [check: (x: unknown) => boolean, expected: string]> = {
  method: [text, 'a text'],
  size: [(x) => whole(x) && x !== 0, 'pixels'],
  metric: [(x) => text(x) && Object.hasOwn(METRICS, x as string), `one of ${Object.keys(METRICS).join(', ')}`],
  value: [(x) => x === null || number(x), 'a number or null'],
  temperature: [maybe(number), 'a number or null'],
  teacher: [
    maybe((x) => ['raw', 'calibrated', 'sameResolution'].includes(x as string)),
    'raw, calibrated or sameResolution',
  ],
  role: [maybe((x) => x === 'teacher'), 'teacher, or left out for students'],
  generation: [maybe(whole), 'a whole number'],
  loss: [maybe(text), "a text like 'CE+T+A'"],
  peerLoss: [maybe(text), "a text like 'CE+S+A'"],
  page: [maybe(text), 'a text or null'],
}

/** The entries of a papers file, flat. A newer schemaVersion is refused. */
export function parsePapers(document: unknown, name = 'papers.json'): PaperEntry[] {
  const { schemaVersion, tables } = (document ?? {}) as { schemaVersion?: unknown; tables?: unknown }
  if (schemaVersion !== 1) throw new InputError(`${name}: schemaVersion is ${quote(schemaVersion)}; 1 expected`)
  if (!Array.isArray(tables)) throw new InputError(`${name}: no list of tables`)
  return tables.flatMap((table, t) => {
    const { paper, source, dataset, networks = null, entries } = table ?? {}
    for (const [key, value] of Object.entries({ paper, source, dataset })) {
      if (typeof value !== 'string') throw new InputError(`${name}: tables[${t}].${key} is not a text`)
    }
    if (!maybe(text)(networks)) throw new InputError(`${name}: tables[${t}].networks is not a text or null`)
    if (!Array.isArray(entries)) throw new InputError(`${name}: tables[${t}] has no list of entries`)
    return entries.map((entry, i): PaperEntry => {
      const found = checkEntry(entry, `${name}: tables[${t}].entries[${i}]`)
      const { temperature = null, teacher = null, page = null } = found
      return { ...found, paper, source, dataset, networks, temperature, teacher, page }
    })
  })
}

function checkEntry(entry: unknown, path: string): PaperEntry {
  if (!isObject(entry)) throw new InputError(`${path} is ${quote(entry)}; an object expected`)
  const strange = Object.keys(entry).find((key) => !Object.hasOwn(FIELDS, key))
  if (strange) throw new InputError(`${path} has ${strange}; known are ${Object.keys(FIELDS).join(', ')}`)
  for (const [key, [check, expected]] of Object.entries(FIELDS)) {
    if (!check(entry[key])) throw new InputError(`${path}.${key} is ${quote(entry[key])}; ${expected} expected`)
  }
  return entry as unknown as PaperEntry
}

/** 'ResNet-56 to ResNet-20', as the literature calls the run's teacher and student; null where it has no such name. */
export function networksOf({ config }: Pick<Run, 'config'>): string | null {
  const names = [config.teacher, config.student].map(networkName)
  return names.includes(null) ? null : names.join(' to ')
}

function networkName(network: unknown): string | null {
  if (!isObject(network) || network.embedding !== undefined) return null
  const { depth, widen, widths, stemWidth, stem, stemStride = 1 } = network
  const wide = (own: string, stemOwn: number) =>
    String(widths ?? own) === own && (stemWidth === undefined || stemWidth === stemOwn)
  if ([18, 34, 50, 101, 152].includes(depth as number)) {
    const changed = stem === '3x3' || network.stemStride !== undefined || !wide('64,128,256,512', 64)
    return changed ? null : `ResNet-${depth}`
  }
  if (stemStride !== 1) return null
  if (widen !== undefined) return `WRN-${depth}-${widen}`
  if (String(widths) === '64,128,256' && stemWidth === 32) return `ResNet-${depth}x4`
  return wide('16,32,64', 16) ? `ResNet-${depth}` : null
}

/** The published values that stand beside a group of a run, those of an earlier file first. */
export function paperValues(
  papers: PaperEntry[],
  run: Pick<Run, 'paper' | 'dataset' | 'config'>,
  group: Group,
  metric: PaperMetric,
): PaperEntry[] {
  const networks = networksOf(run)
  return papers.filter((entry) => {
    const ours = entry.networks === null ? entry.paper === studyOf(run) : entry.networks === networks
    return (
      ours && entry.dataset === run.dataset && entry.metric === metric && entry.value !== null && fits(entry, group)
    )
  })
}

function fits(entry: PaperEntry, group: Group): boolean {
  // Of a value that a study varies, and of a teacher other than the run's, nothing is published.
  if (group.at !== undefined || group.teacherWidth !== undefined) return false
  const same = (['method', 'size', 'temperature', 'teacher', 'role', 'generation'] as const).every((key) => {
    return (entry[key] ?? null) === (group[key] ?? null)
  })
  // Only an ablation's losses are not told by the method.
  const told = entry.loss !== undefined || group.method === 'ablation'
  return same && (!told || (entry.loss === group.loss && entry.peerLoss === group.peerLoss))
}

/** '75.61 table 1', '70.66 crd': the source where it is not the study's own paper. */
export function paperCell(papers: PaperEntry[], run: Run, group: Group): string {
  const [found] = paperValues(papers, run, group, 'accuracy')
  if (!found) return NOT_ON_FILE
  const from = found.paper === studyOf(run) ? found.page : [found.paper, found.page].filter(Boolean).join(', ')
  return [METRICS.accuracy.write(found.value!), from].filter(Boolean).join(' ')
}

/** Whether a row has a published accuracy beside it. */
export function isPublished({ run, rows }: Pick<Results, 'run' | 'rows'>, papers: PaperEntry[]): boolean {
  return groupRows(rows).some((group) => paperValues(papers, run, group, 'accuracy').length > 0)
}

/** Said once where no row has a published value beside it; then there is no column for them either. */
export const NONE_ON_FILE = `Published values of these rows: ${NOT_ON_FILE}.`

/** Every published value beside ours, a line each; nothing where none is on file. */
export function papersTable({ run, rows }: Pick<Results, 'run' | 'rows'>, papers: PaperEntry[]) {
  const groups = groupRows(rows)
  const lines = groups.flatMap((group) =>
    (Object.keys(METRICS) as PaperMetric[]).flatMap((metric) =>
      paperValues(papers, run, group, metric).map((entry) => {
        const { name, write } = METRICS[metric]
        const from = [entry.source, entry.page, entry.networks].filter(Boolean).join(', ')
        const [who, t] = [labelOf(group), group.temperature === null ? '' : String(group.temperature)]
        const ours = plusMinus(summarise(group.rows, metric), write)
        return { group, row: [who, t, name, ours, write(entry.value!), from] }
      }),
    ),
  )
  if (lines.length === 0) return []
  const titleOf = ({ role, size }: Group) => `${role === 'teacher' ? 'teachers, ' : ''}${size} px`
  return [
    {
      title: 'Published values',
      caption:
        'Of the same data set, networks and method. How long and on how many images they were trained may differ.',
      head: ['method', 'T', '', 'ours', 'published', 'source'],
      left: [0, 2, 5],
      blocks: [...new Set(lines.map(({ group }) => titleOf(group)))].map((title) => ({
        title,
        rows: lines.filter(({ group }) => titleOf(group) === title).map(({ row }) => row),
      })),
    },
  ]
}
