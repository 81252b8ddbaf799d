// A trained network over a data set: logits, per-picture metrics, calibration. Everything is computed on the device and
// read once at the end.

import { noGrad } from '../autograd.ts'
import type { Engine } from '../engine.ts'
import { checkOptions, InputError } from '../errors.ts'
import type { AnyNetwork } from '../nn/resnet.ts'
import { ece } from '../ops/calibration.ts'
import { COLUMNS, type Column, distillLoss } from '../ops/distillLoss.ts'
import { type PictureBytes, type PictureSource, pictureSource, type ViewOptions } from '../ops/pictures.ts'
import { placeRows } from '../ops/rows.ts'
import { checkRows } from '../ops/view.ts'
import { persistent } from '../tensor.ts'

export interface Evaluation {
  n: number
  classes: number
  /** [n, classes], in the order of `rows`. */
  logits: Float32Array
  labels: Uint32Array
  accuracy: number
  top5: number
  nll: number
  brier: number
  entropy: number
  confidence: number
  /** Over 15 equal-width bins, with the bins: all a reliability diagram needs. */
  ece: number
  mce: number
  /** Mean confidence - accuracy: above 0 is overconfidence. */
  signedGap: number
  bins: ReliabilityBin[]
  /** Without compilation. */
  seconds: number
}

export interface ReliabilityBin {
  lower: number
  upper: number
  count: number
  meanConfidence: number
  accuracy: number
}

export interface EvaluateOptions {
  view: ViewOptions
  /** Pictures of the data set to look at, in order. Default: all. */
  rows?: Uint32Array
  /** Default 200. */
  batch?: number
  /** As many bytes of logits stay on the device before they are read. Default: what a binding may have. */
  logitBytes?: number
}

/** The size of the batches that `rows` of `n` pictures are looked at in. Throws InputError for none, and for others. */
export function batchOf(op: string, rows: Uint32Array, n: number, batch: number): number {
  if (rows.length === 0) throw new InputError(`${op}: no pictures`)
  checkRows(rows, n, op)
  return Math.min(batch, rows.length, n)
}

/**
 * Selects batches of `size` pictures one after the other and calls `run` with the place of each. The last one is filled up
 * with the last picture; rows beyond the end are for `run` to drop.
 */
export async function everyBatch(
  engine: Engine,
  source: PictureSource,
  rows: Uint32Array,
  size: number,
  run: (at: number) => void | Promise<void>,
): Promise<void> {
  const n = rows.length
  const chosen = (at: number) => Uint32Array.from({ length: size }, (_, i) => rows[Math.min(at + i, n - 1)])
  for (let at = 0; at < n; at += size) {
    const reading = source.select(chosen(at))
    if (reading) await reading
    if (source.prefetch && at + size < n) source.prefetch(chosen(at + size))
    await run(at)
    if ((at / size) % 8 === 7) await engine.settled()
  }
}

/**
 * Runs a network in eval mode over `rows` of a data set. Throws InputError for no pictures, for a row that is not there,
 * and for a label that is no class of the network.
 */
export async function evaluate(
  engine: Engine,
  network: AnyNetwork,
  data: PictureBytes & { labels: ArrayLike<number> },
  options: EvaluateOptions,
): Promise<Evaluation> {
  checkOptions('evaluate', options, ['view', 'rows', 'batch', 'logitBytes'])
  const { view, rows = Uint32Array.from({ length: data.n }, (_, i) => i), batch = 200, logitBytes } = options
  const { gpu } = network.parameters
  const { maxStorageBufferBindingSize: most } = gpu.device.limits
  const n = rows.length
  const size = batchOf('evaluate', rows, data.n, batch)
  const source = pictureSource(gpu, data, size)
  const labels = persistent(gpu, [data.n], data.labels, 'u32', 'row', 'labels')
  const table = persistent(gpu, [COLUMNS.length, n], null, 'f32', 'row', 'metrics of every picture')
  const offset = engine.scalar('row', 0)
  const place = engine.scalar('row of the logits', 0)
  const count = engine.scalar('pictures', size)
  const folded = network.fold?.()
  const step = engine.capture('evaluation', () =>
    noGrad(gpu, () => {
      const logits = network.forward(source.view(view), { train: false, folded })
      const [, classes] = logits.shape
      const room = size * Math.max(1, Math.floor((logitBytes ?? most) / (4 * classes * size)))
      const stored = persistent(gpu, [Math.min(n, room), classes], null, 'f32', 'row', 'logits')
      placeRows(logits, stored, place)
      const into = { table, rowOffset: offset, count }
      distillLoss(logits, { labels: { from: labels, index: source.index }, gradient: false, ...into })
      return stored
    }),
  )
  const stored = step.outputs
  const [room, classes] = stored.shape
  const logits = new Float32Array(n * classes)
  /** Reads the logits of the rows that end there. */
  const keep = async (end: number) => {
    const first = room * Math.floor((end - 1) / room)
    const values = (await stored.read()) as Float32Array
    logits.set(values.subarray(0, (end - first) * classes), first * classes)
  }
  let started = 0
  try {
    const strange = rows.find((row) => !(data.labels[row] < classes))
    if (strange !== undefined) {
      throw new InputError(`evaluate: picture ${strange} has the label ${data.labels[strange]}, of ${classes} classes`)
    }
    await step.compile()
    await engine.settled()
    started = performance.now()
    await everyBatch(engine, source, rows, size, async (at) => {
      offset.value = at
      place.value = at % room
      count.value = Math.min(size, n - at)
      step.run()
      if ((at + size) % room === 0 && at + size < n) await keep(at + size)
    })
  } finally {
    step.release()
    source.release?.()
  }
  const values = (await table.read()) as Float32Array
  const seconds = (performance.now() - started) / 1000
  await keep(n)
  const calibration = ece({ table })
  const [bins, errors, edges] = await Promise.all([
    calibration.bins.read(),
    calibration.errors.read(),
    calibration.edges.read(),
  ])
  const mean = (column: Column) => {
    const first = COLUMNS.indexOf(column) * n
    return values.subarray(first, first + n).reduce((sum, v) => sum + v, 0) / n
  }
  return {
    n,
    classes,
    logits,
    labels: rows.map((row) => data.labels[row]),
    accuracy: mean('hit'),
    top5: mean('top5'),
    nll: mean('nll'),
    brier: mean('brier'),
    entropy: mean('entropy'),
    confidence: mean('confidence'),
    ece: errors[0],
    mce: errors[1],
    signedGap: errors[2],
    bins: Array.from({ length: edges.length - 1 }, (_, k) => ({
      lower: edges[k],
      upper: edges[k + 1],
      count: bins[3 * k],
      meanConfidence: bins[3 * k + 1],
      accuracy: bins[3 * k + 2],
    })),
    seconds,
  }
}
