// `--tensorboard`: learning curves of finished cells as TensorBoard's event files, a run (folder) a trained network.
// They are made from what the cells hold, so the same cells give the same files.
import type { FileLayer } from '../io/files.ts'
import { eventFile, type ScalarEvent } from '../io/tensorboard.ts'
import { MOST_EDGES } from '../ops/distillLoss.ts'
import type { Cell } from './cells.ts'
import type { Scores } from './measure.ts'
import { scheduleOf } from './rates.ts'
import type { Stage } from './stage.ts'

/** A file a run, always of this name: what is written again replaces what was there. */
const NAME = 'events.out.tfevents.0.webgpu-distill'
/** Learning rates of a run at most. */
const RATES = 1000

/** Writes the runs of the finished cells, of a `whole` study in place of all that is there; returns how many. */
export async function writeTensorboard(
  files: FileLayer,
  out: string,
  stages: readonly Stage[],
  cells: ReadonlyMap<string, Cell>,
  whole = false,
): Promise<number> {
  // Runs of an earlier recipe would be taken for this one's.
  if (whole) await files.remove(`${out}/tensorboard`)
  let runs = 0
  for (const stage of stages) {
    const cell = cells.get(stage.id)
    if (!cell?.outcome) continue
    for (const [name, events] of runsOf(stage, cell)) {
      const folder = `${out}/tensorboard/${name}`
      await files.makeDir(folder)
      await files.writeAtomic(`${folder}/${NAME}`, eventFile(events[0].time, events))
      runs++
    }
  }
  return runs
}

/**
 * What is told of every trained network of a cell. A step is an update: means over an epoch stand at its last update,
 * the rate of an update at that update, the numbers of the finished network at the last.
 */
export function runsOf(stage: Stage, { outcome, finished }: Pick<Cell, 'outcome' | 'finished'>) {
  const runs = new Map<string, ScalarEvent[]>()
  if (!outcome) return runs
  const { curve, seconds, trainImages, nodes } = outcome
  const perEpoch = Math.floor(trainImages / stage.batch)
  const steps = perEpoch * (stage.patience ? curve.length : stage.epochs)
  const end = Date.parse(finished) / 1000
  const at = (step: number, values: Record<string, number>): ScalarEvent => {
    return { time: end - seconds * (1 - step / steps), step, values }
  }
  const schedule = scheduleOf(stage, perEpoch * stage.epochs)
  const stride = Math.ceil(steps / RATES)
  const rates = Array.from({ length: steps }, (_, t) => t)
    .filter((t) => t % stride === 0 || t === steps - 1)
    .map((t) => at(t + 1, { learning_rate: schedule(t).lr }))
  const names = Object.keys(nodes)
  for (const name of names) {
    const tags = tagsOf(stage, name)
    const means = curve.map(({ epoch, nodes: parts }) => {
      const values = Object.entries(tags).map(([tag, column]) => [tag, parts[name][column]])
      const gap = parts[name].confidence - parts[name].hit
      return at(epoch * perEpoch, { ...Object.fromEntries(values), 'train/signed_gap': gap })
    })
    const { test, train, calibrated } = nodes[name]
    const last = at(steps, {
      ...scored('test', test),
      ...(calibrated ? scored('test_calibrated', calibrated) : {}),
      'train_end/accuracy': train.accuracy,
      'train_end/nll': train.nll,
    })
    const events = [...rates, ...means, last].sort((a, b) => a.step - b.step)
    runs.set(names.length > 1 ? `${stage.id}/${name}` : stage.id, events)
  }
  return runs
}

/** Tag → column of a learning curve. Terms are told without their weights, in the order of the edges. */
function tagsOf({ edges }: Stage, name: string): Record<string, string> {
  const terms = edges
    .filter(({ to }) => to === name)
    .slice(0, MOST_EDGES) // of more there are no columns
    .map(({ from }, i) => [`train/kl_from_${[from].flat().join('_')}`, `kl${i}`])
  return {
    'train/loss': 'total',
    'train/cross_entropy': 'ce',
    ...Object.fromEntries(terms),
    'train/accuracy': 'hit',
    'train/top5': 'top5',
    'train/confidence': 'confidence',
    'train/entropy': 'entropy',
    'train/nll': 'nll',
    'train/brier': 'brier',
    'train/ece': 'ece',
  }
}

const scored = (group: string, { accuracy, top5, ece, signedGap, entropy, nll, brier }: Scores) => ({
  [`${group}/accuracy`]: accuracy,
  [`${group}/top5`]: top5,
  [`${group}/ece`]: ece,
  [`${group}/signed_gap`]: signedGap,
  [`${group}/entropy`]: entropy,
  [`${group}/nll`]: nll,
  [`${group}/brier`]: brier,
})
