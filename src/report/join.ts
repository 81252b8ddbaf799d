// One study whose seeds were trained apart, on machines that share no folder or in runs months apart: their results as
// those of one run. A seed's networks depend on no other seed, so nothing is lost but maps, which are drawn of all
// networks together.
import { InputError, quote } from '../errors.ts'
import { differences } from './differences.ts'
import type { Results, Run } from './rows.ts'
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
 * be judged by all rows. Throws InputError where the runs differ in more than their seeds, or have a seed in common.
 */
export function join(parts: readonly Joined[]): Results {
  const [first, ...others] = parts
  for (const other of others) checkAlike(first, other)
  const owner = new Map<number, Joined>()
  for (const part of parts) {
    for (const seed of part.results.run.seeds) {
      const before = owner.get(seed)
      if (before) throw new InputError(`join: seed ${seed} is in ${before.name} and in ${part.name}; once is enough`)
      owner.set(seed, part)
    }
  }
  const seeds = [...owner.keys()].sort((a, b) => a - b)
  const inOrder = <T extends { seed: number }>(of: (results: Results) => readonly T[]): T[] => {
    return seeds.flatMap((seed) => of(owner.get(seed)!.results).filter((item) => item.seed === seed))
  }
  const runs = parts.map(({ results }) => results.run)
  const last = runs.reduce((a, b) => (Date.parse(b.date) > Date.parse(a.date) ? b : a))
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
    rows: inOrder(({ rows }) => rows),
    teachers: inOrder(({ teachers }) => teachers),
    claims: [],
    curves: inOrder(({ curves = [] }) => curves),
  }
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
