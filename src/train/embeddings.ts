// A trained network without its head over a data set: what it makes of a picture before it names a class.
import { noGrad } from '../autograd.ts'
import type { Engine } from '../engine.ts'
import { architecture } from '../nn/architecture.ts'
import type { Network } from '../nn/resnet.ts'
import { type PictureBytes, pictureSource } from '../ops/pictures.ts'
import { placeRows } from '../ops/rows.ts'
import { persistent } from '../tensor.ts'
import { batchOf, type EvaluateOptions, everyBatch } from './evaluate.ts'

export interface Embeddings {
  n: number
  dimensions: number
  /** [n, dimensions], in the order of `rows`; of length 1 where the network has an embedding head. */
  values: Float32Array
}

/**
 * Runs a network in eval mode over `rows` of a data set: its embedding, or its features where it has no such head. Throws
 * InputError for no pictures and for a row that is not there.
 */
export async function embeddings(
  engine: Engine,
  network: Network,
  data: PictureBytes,
  { view, rows = Uint32Array.from({ length: data.n }, (_, i) => i), batch = 200 }: EvaluateOptions,
): Promise<Embeddings> {
  const { gpu } = network.parameters
  const n = rows.length
  const size = batchOf('embeddings', rows, data.n, batch)
  const source = pictureSource(gpu, data, size)
  const dimensions = network.config.embedding ?? architecture(network.config).features
  const stored = persistent(gpu, [n, dimensions], null, 'f32', 'row', 'embeddings')
  const offset = engine.scalar('row', 0)
  const folded = network.fold()
  const without = network.config.embedding ? network.embed : network.features
  const step = engine.capture('embeddings', () =>
    noGrad(gpu, () => placeRows(without(source.view(view), { train: false, folded }), stored, offset)),
  )
  try {
    await step.compile()
    await everyBatch(engine, source, rows, size, (at) => {
      offset.value = at
      step.run()
    })
  } finally {
    step.release()
    source.release?.()
  }
  return { n, dimensions, values: (await stored.read()) as Float32Array }
}
