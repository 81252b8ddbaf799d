// This run beside an earlier one.
import { UsageError } from '../study/usage.ts'
import { type BenchResults, SCHEMA, secondsOf } from './results.ts'

export interface Change {
  name: string
  before: number
  after: number
  /** Above 1: faster than before. */
  faster: number
  /** The same, each as a share of its own run's peak: what the machine's other load leaves standing. */
  ofPeak: number
}

/** Throws UsageError for text that is no result of this bench. */
export function parseResults(text: string, file: string): BenchResults {
  const wrong = (why: string) => new UsageError(`--compare ${file}: ${why}`)
  let found: Partial<BenchResults> | null
  try {
    found = JSON.parse(text)
  } catch {
    throw wrong('no JSON')
  }
  if (!Array.isArray(found?.kernels) || !Array.isArray(found.steps) || !found.peaks)
    throw wrong('no result of this bench')
  if (found.schemaVersion !== SCHEMA) throw wrong(`schema version ${found.schemaVersion}, this bench writes ${SCHEMA}`)
  return found as BenchResults
}

/** What both runs timed, in the new one's order. */
export function changes(old: BenchResults, now: BenchResults): Change[] {
  const nameOf = (each: { name: string; kernel?: string }) => [each.name, each.kernel ?? 'ours'].join(' ')
  const before = new Map([...old.kernels, ...old.steps].map((each) => [nameOf(each), each]))
  const peak = old.peaks.gflops / now.peaks.gflops
  return [...now.kernels, ...now.steps].flatMap((each) => {
    const [then, here] = [before.get(nameOf(each)), each].map((one) => (one ? secondsOf(one)?.median : undefined))
    if (!then || !here) return []
    return [
      {
        name: nameOf(each).replace(/ ours$/, ''),
        before: then,
        after: here,
        faster: then / here,
        ofPeak: (then / here) * peak,
      },
    ]
  })
}
