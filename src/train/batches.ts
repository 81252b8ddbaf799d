// Which pictures a training run consists of, batch by batch: a function of the seed and the place in the run.
import { InputError } from '../errors.ts'
import { stream } from '../random.ts'

/** Which pictures a run consists of, and in which order. */
export interface Batches {
  batch: number
  /** Pictures of an epoch, and those of its last batch where that one is smaller. */
  pictures: number
  ragged: number
  perEpoch: number
  steps: number
  /** Pictures seen before a step. */
  before(step: number): number
  /** The rows of the batch, or part of one, that begins with the run's picture `at`. */
  chosen(at: number): Uint32Array
}

/** As of `FitOptions`; `part` is the size of a batch, or of a part of one. */
interface Run {
  rows: Uint32Array
  part: number
  epochs: number
  seed: number
  microBatches?: number
  dropLast?: boolean
}

/** Throws InputError for a batch larger than all of it. */
export function batchesOf({ rows, part, epochs, seed, microBatches = 1, dropLast = true }: Run): Batches {
  const batch = part * microBatches
  const pictures = dropLast ? rows.length - (rows.length % batch) : rows.length
  const perEpoch = Math.ceil(pictures / batch)
  if (perEpoch === 0)
    throw new InputError(`batch ${batch} is larger than the training set, which holds ${rows.length} pictures`)
  let known = { epoch: -1, order: rows }
  return {
    batch,
    pictures,
    ragged: pictures % batch,
    perEpoch,
    steps: perEpoch * epochs,
    before: (step) => Math.floor(step / perEpoch) * pictures + (step % perEpoch) * batch,
    chosen(at) {
      const epoch = Math.floor(at / pictures)
      // An epoch's order depends on the seed and the epoch alone, so a resumed run needs no generator state.
      if (known.epoch !== epoch) known = { epoch, order: stream(seed, `shuffle ${epoch}`).permutation(rows.length) }
      const first = at % pictures
      return known.order.subarray(first, Math.min(first + part, pictures)).map((row) => rows[row])
    },
  }
}
