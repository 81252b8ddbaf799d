import source from '../../shaders/conv2d.total.wgsl'
import { kernels } from '../gpu/kernel.ts'
import type { Tensor } from '../tensor.ts'

const total_ = kernels<'total'>(source)

/** Sums the parts [parts, ...] of a weight gradient into dw, or adds their sum to it. */
export function totalParts(partial: Tensor, dw: Tensor, add: 0 | 1): void {
  total_.total({ partial, dw }, { size: dw.size, parts: partial.shape[0], add }, { threads: [dw.size] })
}
