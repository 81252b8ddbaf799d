// In which order the cells of a study are taken, so that processes that share them end at about the same time.
import { needs, type Stage } from './stage.ts'

/**
 * Seed by seed, so that the first ones can be looked at early; within a seed by the work that hangs on a stage, most
 * first: its own and that of the longest chain of stages that wait for it. A stage comes after those of its seed that it
 * needs. (Graham, Bounds on multiprocessing timing anomalies, 1969: of one seed, where nothing waits for anything, no more
 * than a third longer than the best order takes.)
 */
export function longestFirst(stages: readonly Stage[], work: ReadonlyMap<string, number>): Stage[] {
  const waiting = new Map<string, number>()
  const hangs = new Map<string, number>()
  for (const stage of [...stages].reverse()) {
    const all = work.get(stage.id)! + (waiting.get(stage.id) ?? 0)
    hangs.set(stage.id, all)
    for (const need of needs(stage)) waiting.set(need, Math.max(waiting.get(need) ?? 0, all))
  }
  const seeds = [...new Set(stages.map(({ seed }) => seed))]
  const place = new Map(seeds.map((seed, i) => [seed, i]))
  return [...stages].sort((a, b) => place.get(a.seed)! - place.get(b.seed)! || hangs.get(b.id)! - hangs.get(a.id)!)
}
