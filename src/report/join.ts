// One study whose seeds, or other parts, were trained on machines that share no folder or in runs months apart: their
// results as those of one run. Nothing is lost but maps, which are drawn of all networks together.
import { InputError, quote } from '../errors.ts'
import { differences } from './differences.ts'
import { kindOf, teacherKey } from './groups.ts'
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

/** What a row or a curve of one seed is of. */
const networkOf = (one: Row | Curve): string => JSON.stringify([kindOf(one), one.size])

/** Results of a part of a study, and where they are from. */
export interface Piece {
  name: string
  results: Results
}

/**
 * Rows, teachers and curves of all seeds in order, the record of the run that began last; no claims, since they are to
 * be judged by all rows. What one run lacks of a seed another may have; the time of a network that two have trained
 * counts twice. Throws InputError where the runs differ in more than their seeds, or have trained the same network to
 * other bits.
 */
export function join(pieces: readonly Piece[]): Results {
  const [first, ...others] = pieces
  for (const other of others) checkAlike(first, other)
  const runs = pieces.map(({ results }) => results.run)
  const last = runs.reduce((a, b) => (Date.parse(b.date) > Date.parse(a.date) ? b : a))
  const seeds = [...new Set(runs.flatMap((run) => run.seeds))].sort((a, b) => a - b)
  const rows = seeds.flatMap((seed) => united<Row>(seed, pieces, ({ rows }) => rows, networkOf))
  return {
    schemaVersion: Math.max(...pieces.map(({ results }) => results.schemaVersion)),
    run: {
      ...last,
      seeds,
      config: { ...last.config, seeds },
      command: withSeeds(last.command, seeds),
      ...total(runs, 'trainingSeconds'),
      ...total(runs, 'seconds'),
    },
    rows,
    teachers: seeds.flatMap((seed) => united<TeacherRow>(seed, pieces, ({ teachers }) => teachers, teacherKey)),
    claims: [],
    curves: curvesOf(rows, pieces),
  }
}

/** The rows of a seed, each from a run that has finished it. One recipe gives every run the same rows in one order. */
function united<T extends Row | TeacherRow>(
  seed: number,
  pieces: readonly Piece[],
  of: (results: Results) => readonly T[],
  nameOf: (row: T) => string,
): T[] {
  const lists = pieces
    .map(({ name, results }) => ({ name, rows: of(results).filter((row) => row.seed === seed) }))
    .filter(({ rows }) => rows.length > 0)
  const [first, ...others] = lists
  const order = ({ rows }: { rows: T[] }) => rows.map(nameOf).join()
  const other = others.find((list) => order(list) !== order(first))
  if (other) {
    throw new InputError(
      `join: seed ${seed} has other rows, or another order, in ${first.name} (${first.rows.length}) than in ` +
        `${other.name} (${other.rows.length}): make the tables of both anew, by one version, with --merge`,
    )
  }
  return (first?.rows ?? []).map((row, i) => {
    const found = lists.map(({ name, rows }) => ({ name, row: rows[i] })).filter(({ row }) => row.status !== 'stopped')
    const differs = found.find((one) => one.row.sha256 !== found[0].row.sha256)
    if (differs) {
      throw new InputError(
        `join: row ${i + 1} of seed ${seed} has other weights in ${found[0].name} than in ${differs.name}: ` +
          `${found[0].row.sha256} and ${differs.row.sha256}; leave one of them out (docs/determinism.md)`,
      )
    }
    return found[0]?.row ?? row
  })
}

/** The learning curves of the rows, of every seed and network those of one run. */
function curvesOf(rows: readonly Row[], pieces: readonly Piece[]): Curve[] {
  const nameOf = (one: Row | Curve) => `${one.seed} ${networkOf(one)}`
  const names = [...new Set(rows.map(nameOf))]
  const perPiece = pieces.map(({ results }) => {
    const curves = new Map<string, Curve[]>()
    for (const curve of results.curves ?? []) {
      const name = nameOf(curve)
      curves.set(name, [...(curves.get(name) ?? []), curve])
    }
    return curves
  })
  return names.flatMap((name) => perPiece.find((curves) => curves.has(name))?.get(name) ?? [])
}

function checkAlike(a: Piece, b: Piece): void {
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
