// How fast cells go, in FLOPs a second, from those that are finished and the one that runs; and how long the rest
// takes.
import type { DatasetPair } from '../data/dataset.ts'
import type { Progress as FitProgress } from '../train/fit.ts'
import { type Counts, costOf, flops, total } from './cost.ts'
import type { Stage } from './stage.ts'

export const countsOf = ({ train, test }: DatasetPair): Counts => ({ train: train.n, test: test.n })

export interface PaceOptions {
  data: DatasetPair
  stages: readonly Stage[]
  /** As fast as this one, that share the cells; default 1. */
  processes?: number
}

/** FLOPs of every stage, by id. */
export function flopsByStage({ data, stages }: Pick<PaceOptions, 'data' | 'stages'>): Map<string, number> {
  return new Map(stages.map((stage) => [stage.id, total(costOf(stage, countsOf(data), flops))]))
}

export type Pace = ReturnType<typeof paceOf>

export function paceOf({ data, stages, processes = 1 }: PaceOptions) {
  const weights = new Map(stages.map((stage) => [stage.id, costOf(stage, countsOf(data), flops)]))
  const done = { flops: 0, seconds: 0 }
  /** Where the cell at work was when it first told of a step: what came before was compilation for the most part. */
  let begun: { step: number; at: number } | null = null
  const left = new Set(stages.map(({ id }) => id))
  const ahead = () => [...left].reduce((sum, id) => sum + total(weights.get(id)!), 0)
  return {
    /** Finished before, or by somebody else. */
    known(ids: Iterable<string>): void {
      for (const id of ids) left.delete(id)
    },
    /** `share` of its budget was trained. */
    finished({ id }: Stage, seconds: number, share = 1): void {
      left.delete(id)
      done.flops += share * total(weights.get(id)!)
      done.seconds += seconds
    },
    /** Seconds for what is left; null while nothing is known of the speed. */
    left(): number | null {
      return done.seconds > 0 ? (ahead() * done.seconds) / done.flops / processes : null
    },
    /** What is told of the cell at work, before its first step (null) and from then on. */
    look({ id, batch }: Stage, seen: FitProgress | null) {
      const cost = weights.get(id)!
      if (!seen) {
        begun = null
        const nothing = { step: 0, steps: cost.steps, first: 0, seconds: 0, imagesPerSecond: 0, loss: 0 }
        return { ...nothing, left: null, studyLeft: null }
      }
      const { step, steps, imagesPerSecond, nodes } = seen
      begun ??= { step, at: performance.now() }
      const first = begun.step
      const losses = Object.values(nodes).map(({ total }) => total)
      const loss = losses.reduce((sum, x) => sum + x, 0) / losses.length
      const seconds = (performance.now() - begun.at) / 1000
      const here = (cost.training * (step - first)) / steps
      const rate = (done.flops + here) / (done.seconds + seconds)
      const left = ((steps - step) * batch) / imagesPerSecond
      const together = Math.max(0, ahead() - (cost.training * step) / steps) / rate / processes
      return {
        ...{ step, steps, first, seconds, imagesPerSecond, loss, left },
        studyLeft: rate > 0 ? Math.max(left, together) : null,
      }
    },
  }
}
