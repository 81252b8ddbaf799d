// One study whose seeds, or other parts, were trained on machines that share no folder or in runs months apart: their
// results as those of one run. Nothing is lost but maps, which are drawn of all networks together.
import { InputError, quote } from '../errors.ts'
import { differences } from './differences.ts'
import type { Curve, Results, Row, Run, TeacherRow } from './rows.ts'
import { studyOf } from './titles.ts'

/** Of a run's record, what decides the bits of a cell, or which cells there are. */
const SAME = [
  'dataset',
  'dataHash',
  'fingerprint',
  'adapter',
  'subgroupSize',
  'choices',
  'preset',
  'overrides',
] as const

/** A study's results and where they are from. */
export interface Joined {
  name: string
  results: Results
}

/**
 * Rows, teachers and curves of all seeds in order, the record of the run that ended last; no claims, since they are to
 * be judged by all rows. What one run lacks of a seed another may have. Throws InputError where the runs differ in more
 * than their seeds, or have trained the same network to other bits.
 */
export function join(parts: readonly Joined[]): Results {
  const [first, ...others] = parts
  for (const other of others) checkAlike(first, other)
  const runs = parts.map(({ results }) => results.run)
  const last = runs.reduce((a, b) => (Date.parse(b.date) > Date.parse(a.date) ? b : a))
  const seeds = [...new Set(runs.flatMap((run) => run.seeds))].sort((a, b) => a - b)
  return {
    schemaVersion: Math.max(...parts.map(({ results }) => results.schemaVersion)),
    run: {
      ...last,
      seeds,
      config: { ...last.config, seeds },
      command: withSeeds(last.command, seeds),
      ...total(runs, 'trainingSeconds'),
      ...total(runs, 'seconds'),
    },
    rows: seeds.flatMap((seed) => united(seed, parts, ({ rows }) => rows)),
    teachers: seeds.flatMap((seed) => united(seed, parts, ({ teachers }) => teachers)),
    claims: [],
    curves: seeds.flatMap((seed) => curvesOf(seed, parts)),
  }
}

type Trained = Pick<Row | TeacherRow, 'seed' | 'status' | 'sha256'>

/** The rows of a seed, each from a run that has finished it. One recipe gives every run the same rows in one order. */
function united<T extends Trained>(
  seed: number,
  parts: readonly Joined[],
  of: (results: Results) => readonly T[],
): T[] {
  const lists = parts
    .map(({ name, results }) => ({ name, rows: of(results).filter((row) => row.seed === seed) }))
    .filter(({ rows }) => rows.length > 0)
  const [first, ...others] = lists
  const other = others.find(({ rows }) => rows.length !== first.rows.length)
  if (other) {
    throw new InputError(
      `join: seed ${seed} has ${first.rows.length} rows in ${first.name} and ${other.rows.length} in ${other.name}`,
    )
  }
  return (first?.rows ?? []).map((row, i) => {
    const found = lists.map(({ name, rows }) => ({ name, row: rows[i] })).filter(({ row }) => row.status !== 'stopped')
    const differs = found.find((one) => one.row.sha256 !== found[0].row.sha256)
    if (differs) {
      throw new InputError(
        `join: row ${i + 1} of seed ${seed} has other weights in ${found[0].name} than in ${differs.name}: ` +
          `${found[0].row.sha256} and ${differs.row.sha256}; which drivers trained them?`,
      )
    }
    return found[0]?.row ?? row
  })
}

/** The learning curves of a seed, each once. */
function curvesOf(seed: number, parts: readonly Joined[]): Curve[] {
  const found = new Map<string, Curve>()
  for (const { results } of parts) {
    for (const curve of results.curves ?? []) {
      const { points, ...network } = curve
      const name = JSON.stringify(network)
      if (curve.seed === seed && !found.has(name)) found.set(name, curve)
    }
  }
  return [...found.values()]
}

function checkAlike(a: Joined, b: Joined): void {
  const [left, right] = [factsOf(a.results.run), factsOf(b.results.run)]
  const [found] = differences(left, right)
  if (!found) return
  throw new InputError(
    `join: ${found.path} is ${quote(found.a)} in ${a.name} and ${quote(found.b)} in ${b.name}; ` +
      'runs of one study differ in their seeds only (report --compare sets different ones side by side)',
  )
}

function factsOf(run: Run): Record<string, unknown> {
  const { seeds, ...recipe } = run.config
  return { study: studyOf(run), ...Object.fromEntries(SAME.map((key) => [key, run[key]])), recipe }
}

/** The command with these seeds in place of its own. */
function withSeeds(command: string, seeds: readonly number[]): string {
  const bare = command.replace(/ --(seeds[= ]\S+|merge(?= |$))/g, '')
  return `${bare} --seeds ${seeds.join()}${seeds.length === 1 ? ',' : ''}`
}

/** Added up, where all of them know it. */
function total(runs: readonly Run[], key: 'seconds' | 'trainingSeconds'): Partial<Run> {
  const known = runs.flatMap((run) => run[key] ?? [])
  return known.length === runs.length ? { [key]: known.reduce((sum, x) => sum + x) } : { [key]: undefined }
}
