// What is timed: an op at a shape, as something that can be recorded again and again and whose results are known.

import { deviationOf } from '../deviation.ts'
import type { Engine } from '../engine.ts'
import { checkSize } from '../gpu/memory.ts'
import { stream } from '../random.ts'
import { type Layout, type Shape, sizeOf, type Tensor, type TensorData } from '../tensor.ts'

/** The expected value at a logical (row-major) index, in float64. */
export type Expected = (index: number) => number

export interface Work {
  /** Multiply-adds count two; 0 where nobody counts them. */
  flops: number
  /** The fewest bytes there can be: every input read once, every output written once. */
  bytes: number
  /** Records one call and returns what it computes. The first call starts from the state that `want` assumes. */
  record: () => Tensor[]
  want: Expected[]
  /** What a kernel of a user's is given in place of ours. */
  open?: OpenWork
}

/** Inputs by the names of bindings, the one output, and the numbers a `Params` may ask for. */
export interface OpenWork {
  inputs: Record<string, Tensor>
  output: { name: string; shape: Shape; layout: Layout }
  numbers: Record<string, number>
}

export interface Family {
  op: string
  /** How a shape is written, with an example. */
  syntax: string
  pattern: RegExp
  passes: readonly string[]
  /** Shapes of the networks, batch 64; `!` keeps a pass out: '64x1x28x28:16:3 !dX'. */
  shapes: readonly string[]
  /** Those that `--quick` times. */
  quick: readonly string[]
  /** `sizes`: the groups of the pattern, 0 where one is absent. */
  make: (inputs: Inputs, sizes: readonly number[], pass: string) => Work
}

/** How a family writes the shape of an activation; those of the networks. */
export const PICTURE = { syntax: 'NxCxHxW; 64x16x28x28', pattern: /^(\d+)x(\d+)x(\d+)x(\d+)$/ }
export const ACTIVATIONS = ['64x16x28x28', '64x32x14x14', '64x64x7x7']

export interface Given {
  tensor: Tensor
  /** In logical order: the bits the device has. */
  values: Float32Array
}

/** Seeded inputs: the same bits for the same purpose and size. */
export class Inputs {
  constructor(readonly engine: Engine) {}

  /** Uniform in offset ± scale. */
  uniform(
    purpose: string,
    shape: Shape,
    { scale = 1, offset = 0, grad = false, layout = 'row' as Layout } = {},
  ): Given {
    const random = stream(1, purpose)
    checkSize(this.engine.gpu.device.limits, 4 * sizeOf(shape), purpose)
    const values = Float32Array.from({ length: sizeOf(shape) }, () => offset + scale * (2 * random.uniform() - 1))
    const tensor = this.engine.tensor(values, shape, { layout, requiresGrad: grad, label: purpose })
    return { tensor, values }
  }

  /** An activation [N, C, H, W], channel-major. */
  picture(purpose: string, shape: Shape, grad = false): Given {
    return this.uniform(purpose, shape, { layout: 'chwn', grad })
  }

  labels(n: number, classes: number): { tensor: Tensor; values: Uint32Array } {
    const random = stream(1, 'labels')
    const values = Uint32Array.from({ length: n }, () => Math.floor(random.uniform() * classes))
    return { tensor: this.engine.tensor(values, [n], { dtype: 'u32', label: 'labels' }), values }
  }
}

/** Bytes of all of them together. */
export const bytesOf = (...tensors: Tensor[]): number => tensors.reduce((sum, { bytes }) => sum + bytes, 0)

export interface Checked {
  ok: boolean
  /** Largest deviation over the largest expected value, of the worst output. */
  error: number
  tolerance: number
  /** Values compared. */
  samples: number
}

export const TOLERANCE = 1e-4
const SAMPLES = 32

/** Compares values of every output, `most` of them at random, with what is expected. */
export async function checkOutputs(
  outputs: readonly Tensor[],
  want: readonly Expected[],
  most = SAMPLES,
): Promise<Checked> {
  return checkValues(await Promise.all(outputs.map((output) => output.read())), want, { most })
}

/** The same of values that were read; where another's results are `known`, all of them are compared with these, too. */
export function checkValues(
  values: readonly TensorData[],
  want: readonly Expected[],
  { most = SAMPLES, known = [] }: { most?: number; known?: readonly TensorData[] } = {},
): Checked {
  let [error, samples] = [0, 0]
  for (const [k, got] of values.entries()) {
    const count = Math.min(most, got.length)
    const random = stream(1, `samples ${k}`)
    const places = Uint32Array.from({ length: count }, (_, i) => {
      return count === got.length ? i : Math.floor(random.uniform() * got.length)
    })
    error = Math.max(error, deviationOf(got, want[k], places))
    const all = known[k]
    if (all)
      error = Math.max(
        error,
        deviationOf(got, (i) => all[i], got.keys()),
      )
    samples += all ? got.length : count
  }
  return { ok: samples > 0 && error <= TOLERANCE, error, tolerance: TOLERANCE, samples }
}
