// How a trained network, without its head, tells identities apart that it was not trained on: cosines of pairs of their
// pictures. The pairs are the same for every network and seed of a study.
import type { Dataset, DatasetPair } from '../data/dataset.ts'
import type { Engine } from '../engine.ts'
import { InputError } from '../errors.ts'
import type { Network } from '../nn/resnet.ts'
import type { ViewOptions } from '../ops/pictures.ts'
import { type RandomStream, stream } from '../random.ts'
import { type Verification, verification } from '../report/verification.ts'
import { embeddings } from '../train/embeddings.ts'

/** Of a stage: how many identities are held out (null: a third), and at most how many pairs of each kind. */
export interface Verify {
  identities: number | null
  pairs: number
}

export interface Pairs {
  /** Couples of rows, flat: [a, b, a, b, …]. */
  same: Uint32Array
  different: Uint32Array
}

/** Throws InputError for data whose identities are all trained on. */
export async function verified(
  engine: Engine,
  network: Network,
  { others }: DatasetPair,
  view: ViewOptions,
  { pairs }: Verify,
): Promise<Verification> {
  if (!others) throw new InputError('verification: the data set has no identities held out')
  const { values, dimensions } = await embeddings(engine, network, others, { view })
  const { same, different } = pairsOf(others, pairs)
  return verification(cosines(values, dimensions, same), cosines(values, dimensions, different))
}

/** All pairs of pictures of one identity and of two, or `most` of each, every one equally likely. */
export function pairsOf({ labels }: Pick<Dataset, 'labels'>, most: number): Pairs {
  const byLabel = new Map<number, number[]>()
  for (const [row, label] of labels.entries()) byLabel.set(label, [...(byLabel.get(label) ?? []), row])
  const blocks = [...byLabel.values()]
  const rows = blocks.flat()
  const starts = blocks.map((_, i) => blocks.slice(0, i).reduce((sum, block) => sum + block.length, 0))
  // A block's pairs within itself, and with every row behind it.
  const within = blocks.map(({ length }) => (length * (length - 1)) / 2)
  const beyond = blocks.map(({ length }, i) => length * (rows.length - starts[i] - length))
  const same = chosen(within, most, stream(0, 'same pairs')).flatMap(([block, place]) => {
    const [a, b] = couple(place)
    return [blocks[block][a], blocks[block][b]]
  })
  const different = chosen(beyond, most, stream(0, 'different pairs')).flatMap(([block, place]) => {
    const { length } = blocks[block]
    return [blocks[block][place % length], rows[starts[block] + length + Math.floor(place / length)]]
  })
  return { same: Uint32Array.from(same), different: Uint32Array.from(different) }
}

/** Of blocks of so many, at most `most`: block and place within it. */
function chosen(counts: number[], most: number, random: RandomStream): [block: number, place: number][] {
  const total = counts.reduce((sum, count) => sum + count, 0)
  const picked = total <= most ? Array.from({ length: total }, (_, i) => i) : sample(total, most, random)
  let [block, before] = [0, 0]
  return picked.map((index) => {
    while (index - before >= counts[block]) before += counts[block++]
    return [block, index - before]
  })
}

/** n different numbers below `total`, rising (Floyd). */
function sample(total: number, n: number, random: RandomStream): number[] {
  const found = new Set<number>()
  for (let last = total - n; last < total; last++) {
    const one = random.below(last + 1)
    found.add(found.has(one) ? last : one)
  }
  return [...found].sort((a, b) => a - b)
}

/** The place-th of the couples (0, 1), (0, 2), (1, 2), (0, 3), … */
function couple(place: number): [number, number] {
  const guess = Math.floor((1 + Math.sqrt(1 + 8 * place)) / 2)
  const b = (guess * (guess - 1)) / 2 > place ? guess - 1 : guess
  return [place - (b * (b - 1)) / 2, b]
}

/** In float64; a vector of zeros has the cosine 0 with all. */
export function cosines(values: Float32Array, dimensions: number, pairs: Uint32Array): Float64Array {
  const dot = (a: number, b: number) => {
    let sum = 0
    for (let i = 0; i < dimensions; i++) sum += values[a * dimensions + i] * values[b * dimensions + i]
    return sum
  }
  const lengths = Float64Array.from({ length: values.length / dimensions }, (_, row) => Math.sqrt(dot(row, row)))
  return Float64Array.from({ length: pairs.length / 2 }, (_, i) => {
    const [a, b] = [pairs[2 * i], pairs[2 * i + 1]]
    return dot(a, b) / (lengths[a] * lengths[b] || 1)
  })
}
