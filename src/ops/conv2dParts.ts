// Sums in parts: weight gradients by place, what adds up channels by channel.
import source from '../../shaders/conv2d.total.wgsl'
import { accumulate } from '../autograd.ts'
import { DistillError } from '../errors.ts'
import { kernels } from '../gpu/kernel.ts'
import { empty, type Tensor } from '../tensor.ts'
import type { Geometry } from './conv2dGeometry.ts'
import type { Finish, Terms } from './conv2dKernel.ts'

const total_ = kernels<'total'>(source)

/** So many parts one invocation sums; more of them are summed in so many groups first. */
const FEW = 16

/** The most parts up to `most` that `byParts` can sum. */
export const partsUpTo = (most: number): number => (most > FEW ? most - (most % FEW) : most)

/**
 * Has `write` fill the parts of a weight gradient, each like dw, and sums them into dw, or adds their sum to it. More
 * than 16 parts come in multiples of 16. One part is dw itself.
 */
export function byParts(parts: number, dw: Tensor, add: 0 | 1, write: (partial: Tensor) => void): void {
  if (parts === 1) {
    addOrWrite(dw, add, write)
    return
  }
  const partial = empty(dw.gpu, [parts, ...dw.shape], 'f32', 'row', 'conv2d weight gradient parts')
  write(partial)
  if (parts <= FEW) {
    total_.total({ partial, dw }, { size: dw.size, parts, add }, { threads: [dw.size] })
    return
  }
  byParts(FEW, dw, add, (groups) => {
    const [size, each] = [FEW * dw.size, parts / FEW]
    total_.total({ partial, dw: groups }, { size, parts: each, add: 0 }, { threads: [size] })
  })
}

/**
 * Has `write` fill `to`, or, to be added, a tensor like it. Kernels that add would be pipelines of their own, which cost
 * seconds to compile on software adapters, or store behind a branch, which costs as much as the sweep that this makes.
 */
export function addOrWrite(to: Tensor, add: 0 | 1, write: (to: Tensor) => void): void {
  const term = add === 0 ? to : empty(to.gpu, to.shape, 'f32', to.layout, 'conv2d, to be added')
  write(term)
  if (term !== to) accumulate(term, to, 1)
}

/** The tensors of a kernel that may add a bias and a residual; what there is none of is not read. */
export const bound = ({ x, w, b, y }: Terms, { residual }: Finish) => ({ x, w, b: b ?? w, r: residual ?? x, y })

/** Does `byChannels` take one part? Only then can that part finish the sum. */
export const inOnePart =
  (kept: number) =>
  ({ c }: Pick<Geometry, 'c'>): boolean =>
    c <= kept

/**
 * Has `write` sum up to `kept` of the c input channels at a time, each time added to what was there. Throws where there
 * are several parts and something to finish: the last part is not the whole sum, so its caller has to do it after.
 */
export function byChannels(
  kept: number,
  c: number,
  terms: Terms,
  add: 0 | 1,
  finish: Finish,
  write: (tensors: ReturnType<typeof bound>, part: Record<'c0' | 'channels' | 'bias' | 'relu', number>) => void,
): void {
  if ((finish.residual || finish.relu) && !inOnePart(kept)({ c }))
    throw new DistillError('kernel', `conv2d: ${c} channels in parts of ${kept} can't add a residual or rectify`)
  for (let c0 = 0; c0 < c; c0 += kept) {
    const first = c0 === 0
    const part = { c0, channels: Math.min(kept, c - c0), bias: terms.b && first ? 1 : 0, relu: finish.relu ? 1 : 0 }
    addOrWrite(terms.y, first ? add : 1, (y) => write(bound({ ...terms, y }, finish), part))
  }
}
