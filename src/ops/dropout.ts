import source from '../../shaders/dropout.wgsl'
import { record } from '../autograd.ts'
import { checkOptions, InputError } from '../errors.ts'
import { kernels } from '../gpu/kernel.ts'
import { Scalar } from '../gpu/scalar.ts'
import type { RandomStream } from '../random.ts'
import { empty, type Tensor } from '../tensor.ts'
import { checkFloat } from './axes.ts'

const dropout_ = kernels<'apply'>(source)
/** Random numbers have 24 bits. */
const STEPS = 2 ** 24

export interface DropoutOptions {
  /** The probability that an element becomes 0, from 0 to 1. Default 0.5. */
  p?: number
  /** Names the numbers: give each dropout of a network a stream of its own. Nothing is drawn from it. */
  random: RandomStream
  /** Which mask of the stream's; in a captured step a Scalar that moves on with every step. */
  count: number | Scalar
}

/**
 * x with elements set to 0 at random and the others divided by 1 - p, for training; in evaluation leave it out
 * (Srivastava et al. 2014). The same stream, count and layout drop the same elements, on every adapter. Throws
 * InputError for a p outside 0 … 1, without a stream, and for a count that is no whole number from 0 to 2³² - 1.
 */
export function dropout(x: Tensor, options: DropoutOptions): Tensor {
  checkOptions('dropout', options, ['p', 'random', 'count'])
  const { p = 0.5, random, count } = options
  checkFloat('dropout', x)
  if (!(p >= 0 && p <= 1)) throw new InputError(`dropout: p ${p}; from 0 to 1`)
  const known = count instanceof Scalar || (Number.isInteger(count) && count >= 0 && count < 2 ** 32)
  if (!known) throw new InputError(`dropout: count ${count}; a whole number from 0, or a Scalar`)
  if (!random?.key) throw new InputError('dropout: random: needs a stream, as `stream(seed, name)` makes it')
  const [key0, key1] = random.key
  const scale = p === 1 ? 0 : 1 / (1 - p)
  const mask = { key0, key1, count: x.gpu.tape.atCall(count), threshold: Math.round(p * STEPS) }
  const params = { n: x.size, ...mask, scale }
  const grid = { threads: [Math.ceil(x.size / 2)] }
  const y = empty(x.gpu, x.shape, 'f32', x.layout, 'dropout')
  dropout_.apply({ x, y }, { ...params, add: 0 }, grid)
  return record('dropout', y, [x], (dy, [dx]) => {
    if (dx) dropout_.apply({ x: dy, y: dx.to }, { ...params, add: dx.add }, grid)
  })
}
