// Published numbers, handed in as data (bench/papers.json or an owner's own file). What is not on file is said to be
// so.
import { InputError } from '../errors.ts'
import type { Group } from './groups.ts'
import type { Metric, Run } from './rows.ts'

export const NOT_ON_FILE = 'not on file'

export interface PaperEntry {
  paper: string
  source: string
  dataset: string
  networks: string | null
  method: string
  size: number
  temperature: number | null
  metric: Metric
  /** A fraction, seconds or nats like our own; null where not on file. */
  value: number | null
  page: string | null
}

/** The entries of a papers file, flat. A newer schemaVersion is refused. */
export function parsePapers(document: unknown, name = 'papers.json'): PaperEntry[] {
  const { schemaVersion, tables } = (document ?? {}) as { schemaVersion?: unknown; tables?: unknown }
  if (schemaVersion !== 1)
    throw new InputError(`${name}: schemaVersion is ${JSON.stringify(schemaVersion)}; 1 expected`)
  if (!Array.isArray(tables)) throw new InputError(`${name}: no list of tables`)
  return tables.flatMap((table, t) => {
    const { paper, source, dataset, networks = null, entries } = table ?? {}
    for (const [key, value] of Object.entries({ paper, source, dataset })) {
      if (typeof value !== 'string') throw new InputError(`${name}: tables[${t}].${key} is not a text`)
    }
    if (!Array.isArray(entries)) throw new InputError(`${name}: tables[${t}] has no list of entries`)
    return entries.map((entry, i): PaperEntry => {
      const { method, size, temperature = null, metric, value, page = null } = entry ?? {}
      const fine = typeof method === 'string' && typeof metric === 'string' && Number.isFinite(size)
      if (!fine || !(value === null || Number.isFinite(value))) {
        throw new InputError(
          `${name}: tables[${t}].entries[${i}] needs a method, a size, a metric, and a value that is a number or null`,
        )
      }
      return { paper, source, dataset, networks, method, size, temperature, metric: metric as Metric, value, page }
    })
  })
}

/** The published value that stands beside a group of a run; null where none is on file. The first entry counts. */
export function paperValue(
  papers: PaperEntry[],
  { paper = 'cqkd', dataset }: Pick<Run, 'paper' | 'dataset'>,
  group: Group,
  metric: Metric,
): PaperEntry | null {
  const found = papers.find((entry) => {
    const { method, size, temperature } = group
    const same = entry.method === method && entry.size === size && entry.temperature === temperature
    return same && entry.paper === paper && entry.dataset === dataset && entry.metric === metric && entry.value !== null
  })
  return found ?? null
}
