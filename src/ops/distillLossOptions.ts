// What distillLoss is asked for, and what of that it refuses.
import { checkOptions, InputError, ShapeError } from '../errors.ts'
import { numberOf, type Scalar } from '../gpu/scalar.ts'
import { type Shape, sameShape, showShape, type Tensor } from '../tensor.ts'
import { checkTensor } from './axes.ts'

/**
 * What the table holds of every picture, in this order; `parts` and `metrics` hold the same, summed up. kl0 … kl3 are
 * the terms of the edges without their weights, top5 is true where fewer than 5 classes rank before the label.
 */
export const COLUMNS = [
  'total',
  'ce',
  'kl0',
  'kl1',
  'kl2',
  'kl3',
  'hit',
  'top5',
  'confidence',
  'entropy',
  'nll',
  'brier',
] as const
export type Column = (typeof COLUMNS)[number]

/** Equal-width bins of confidence; the outer two take whatever lies beyond them. */
export const BINS = 15
export const EDGES = Array.from({ length: BINS + 1 }, (_, k) => (k === 0 ? -1 : k === BINS ? 2 : k / BINS))

/** As many edges, from as many different tensors, as one call takes. */
export const MOST_EDGES = 4
export const MOST_TEACHERS = 3

/** Length of `metrics`. */
export const SUMS = COLUMNS.length + 1 + BINS

/** A number, or a Scalar where it changes between the runs of a captured step. */
export type Value = number | Scalar

/** Row n for picture n, or row `index[n]` of something stored. `index` is u32 [N]; a call has one for all. */
export type Rows = Tensor | { from: Tensor; index: Tensor }

/** weight · T² · KL(softmax(logits / (tau T)) ‖ softmax(student / T)). The teacher gets no gradient. */
export interface TeacherEdge {
  /** [rows, C], or several stacked [K, rows, C]. */
  logits: Rows
  /** Which of the stacked ones. Default 0. */
  slice?: number
  /** T > 0, of both softmaxes. Default 1. */
  temperature?: Value
  /** The teacher's own temperature from calibration, above 0. Default 1. */
  tau?: Value
  /** Default 1. At 0 the KL is still measured. */
  weight?: Value
}

export interface DistillLossOptions {
  /**
   * Class of each picture, u32 [N], or of stored ones, u32 [rows]. One that is no class makes the loss NaN and has no
   * gradient.
   */
  labels: Rows
  /** From 0 to 1. Default 0. */
  labelSmoothing?: Value
  /** Weight of the cross-entropy. Default 1. */
  ceWeight?: Value
  /** At most 4, from at most 3 different tensors. */
  edges?: readonly TeacherEdge[]
  /** `none` leaves the factor T² out of every edge. Default `t2`. */
  scale?: 't2' | 'none'
  /** Over the pictures. Default `mean`. */
  reduction?: 'mean' | 'sum'
  /** Only the first so many pictures count, for a last batch that is not full. Default N. */
  count?: Value
  /** Where to write the table, f32 [12, rows]; rows beyond it are dropped. Default: a tensor of its own, [12, N]. */
  table?: Tensor
  /** The table's row for the first picture. Default 0. */
  rowOffset?: Value
  /** Running sums, f32 [28], that are added to: every column's, the number of pictures, 15 bins'. See `meansOf`. */
  metrics?: Tensor
  /** Whether to compute the gradient. Default: where `logits` asks for one. */
  gradient?: boolean
  /** Invocations that share a row: a power of two up to 32. Default by adapter and number of classes. */
  lanes?: number
}

const OPTIONS = [
  ...['labels', 'labelSmoothing', 'ceWeight', 'edges', 'scale', 'reduction', 'count', 'table', 'rowOffset', 'metrics'],
  ...['gradient', 'lanes'],
]

export const tensorOf = (rows: Rows): Tensor => ('from' in rows ? rows.from : rows)
export const indexOf = (rows: Rows): Tensor | undefined => ('from' in rows ? rows.index : undefined)

export function checkDistillLoss(logits: Tensor, options: DistillLossOptions, table: Tensor): void {
  const { labelSmoothing = 0, ceWeight = 1, edges = [], metrics, lanes = 1, reduction = 'mean', scale = 't2' } = options
  const [N, C] = logits.shape
  const [count, first] = [numberOf(options.count ?? N), numberOf(options.rowOffset ?? 0)]
  checkOptions('distillLoss', options, OPTIONS)
  if (reduction !== 'mean' && reduction !== 'sum')
    throw new InputError(`distillLoss: reduction '${reduction}', needs mean or sum`)
  if (scale !== 't2' && scale !== 'none') throw new InputError(`distillLoss: scale '${scale}', needs t2 or none`)
  checkRows('labels', options.labels, N, (shape) => (shape.length === 1 ? shape[0] : null), '[rows]')
  checkFinite('ceWeight', numberOf(ceWeight))
  if (!(numberOf(labelSmoothing) >= 0 && numberOf(labelSmoothing) <= 1)) {
    throw new InputError(`distillLoss: labelSmoothing ${numberOf(labelSmoothing)}, needs 0 … 1`)
  }
  if (!(Number.isInteger(count) && count >= 0 && count <= N)) {
    throw new InputError(`distillLoss: count ${count} of ${N} pictures`)
  }
  if (!(Number.isInteger(first) && first >= 0)) throw new InputError(`distillLoss: rowOffset ${first}`)
  if (![1, 2, 4, 8, 16, 32].includes(lanes)) throw new InputError(`distillLoss: ${lanes} lanes, needs 1, 2, 4 … 32`)
  checkShape('the table is', table, [COLUMNS.length, table.shape[1]])
  if (metrics) checkShape('metrics are', metrics, [SUMS])
  if (edges.length > MOST_EDGES) throw new InputError(`distillLoss: ${edges.length} edges, at most ${MOST_EDGES}`)
  for (const edge of edges) checkEdge(edge, N, C)
}

function checkEdge(edge: TeacherEdge, N: number, C: number): void {
  checkOptions('distillLoss: an edge', edge, ['logits', 'slice', 'temperature', 'tau', 'weight'])
  const { logits, slice = 0, temperature = 1, tau = 1, weight = 1 } = edge
  const fits = (shape: Shape) => (shape.length === 2 || shape.length === 3) && shape.at(-1) === C
  checkRows('teachers', logits, N, (shape) => (fits(shape) ? shape.at(-2)! : null), `[rows, ${C}] or [K, rows, ${C}]`)
  const { shape } = tensorOf(logits)
  const slices = shape.length === 3 ? shape[0] : 1
  if (!(Number.isInteger(slice) && slice >= 0 && slice < slices)) {
    throw new InputError(`distillLoss: slice ${slice} of ${slices} teachers`)
  }
  checkPositive('temperature', numberOf(temperature))
  checkPositive('tau', numberOf(tau))
  checkFinite('weight', numberOf(weight))
}

function checkPositive(name: string, value: number): void {
  if (value > 0 && value < Number.POSITIVE_INFINITY) return
  throw new InputError(`distillLoss: ${name} ${value}, needs a number above 0`)
}

function checkFinite(name: string, value: number): void {
  if (!Number.isFinite(value)) throw new InputError(`distillLoss: ${name} ${value}`)
}

/** `rowsOf` tells how many rows a shape has, null where it does not fit at all. */
function checkRows(what: string, rows: Rows, N: number, rowsOf: (s: Shape) => number | null, needs: string): void {
  if (!rows) throw new InputError(`distillLoss: ${what}: needs a tensor, or { from, index }, got ${rows}`)
  const index = indexOf(rows)
  checkTensor(`distillLoss: ${what}`, tensorOf(rows))
  if (index) checkTensor(`distillLoss: the index of ${what}`, index)
  const { shape, dtype } = tensorOf(rows)
  const count = rowsOf(shape)
  if ((dtype === 'f32') !== (what === 'teachers'))
    throw new InputError(`distillLoss: ${what} of type ${dtype}, need ${what === 'teachers' ? 'f32' : 'u32'}`)
  if (index?.dtype === 'f32') throw new InputError(`distillLoss: the index of ${what} is of type f32, needs u32`)
  if (count === null) throw new ShapeError(`distillLoss: ${what} are ${needs}, got ${showShape(shape)}`)
  if (index) checkShape(`the index of ${what} is`, index, [N])
  if (index ? count > 0 || N === 0 : count === N) return
  throw new ShapeError(`distillLoss: ${what} ${showShape(shape)} for ${N} pictures${index ? '' : ' without an index'}`)
}

function checkShape(what: string, tensor: Tensor, shape: Shape): void {
  if (sameShape(tensor.shape, shape)) return
  throw new ShapeError(`distillLoss: ${what} ${showShape(shape)}, got ${showShape(tensor.shape)}`)
}
