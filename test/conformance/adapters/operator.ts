// ONNX operators as functions of tensors, so that single cases and graphs of nodes share one table.
import type { Tensor } from '../../../src/tensor.ts'

/** Every ONNX attribute that some operator of ours reads. */
export interface Attributes {
  axis: number
  axes: number[] | null
  keepdims: 0 | 1
  noop_with_empty_axes: 0 | 1
  auto_pad: 'NOTSET' | 'VALID' | 'SAME_UPPER' | 'SAME_LOWER'
  kernel_shape: number[]
  strides: number[]
  pads: number[]
  dilations: number[]
  group: number
  output_padding: number[]
  output_shape: number[]
  ceil_mode: 0 | 1
  count_include_pad: 0 | 1
  output_sizes: number[]
  alpha: number
  beta: number
  transA: 0 | 1
  transB: 0 | 1
  epsilon: number
  momentum: number
  training_mode: 0 | 1
  perm: number[] | null
  shape: number[]
  allowzero: 0 | 1
  starts: number[]
  ends: number[]
  steps: number[]
  mode: string
  constant_value: number
  min: number | null
  max: number | null
  split: number[]
  num_outputs: number
  repeats: number[]
  k: number
  largest: 0 | 1
  sorted: 0 | 1
  select_last_index: 0 | 1
  coordinate_transformation_mode: string
  nearest_mode: string
  antialias: 0 | 1
  exclude_outside: 0 | 1
  keep_aspect_ratio_policy: string
  scales: number[]
  sizes: number[]
  reduction: 'none' | 'mean' | 'sum'
  ignore_index: number | null
  depth: number
  values: [off: number, on: number]
}

/** `outputs` is how many results the caller names. */
export type Operator = (inputs: Tensor[], attributes: Attributes, outputs: number) => Tensor | Tensor[]
export type Operators = Record<string, Operator>

/** Axes from the front, all of them where none are named. */
export function allAxes({ axes, noop_with_empty_axes }: Attributes, rank: number): number[] {
  if (axes && (axes.length > 0 || noop_with_empty_axes === 1)) return axes
  return Array.from({ length: rank }, (_, i) => i)
}
