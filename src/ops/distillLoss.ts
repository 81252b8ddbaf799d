// The one loss of the project: supervised training, KD, CQKD, DML and TriKD are this call with other inputs.
import source from '../../shaders/distillLoss.wgsl'
import metricsSource from '../../shaders/metrics.wgsl'
import { isUnit, record } from '../autograd.ts'
import { checkOptions, InputError, ShapeError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { kernels } from '../gpu/kernel.ts'
import { numberOf, type ParamValue, type Scalar } from '../gpu/scalar.ts'
import { empty, type Shape, sameShape, showShape, Tensor } from '../tensor.ts'
import { checkFloat, checkTensor } from './axes.ts'

const loss_ = kernels<'forward' | 'backward'>(source)
const metrics_ = kernels<'sums'>(metricsSource)

/** What the kernel reads at once, where the number of classes is a multiple of 4 and where it is not. */
const FOUR_CLASSES = { Value: 'vec4f', WIDTH: 4, Classes: 'vec4u', FIRST: [0, 1, 2, 3] } as const
const ONE_CLASS = { Value: 'f32', WIDTH: 1, Classes: 'u32', FIRST: 0 } as const

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
const BINS = 15
const EDGES = Array.from({ length: BINS + 1 }, (_, k) => (k === 0 ? -1 : k === BINS ? 2 : k / BINS))

const PLACES = { confidence: COLUMNS.indexOf('confidence'), hit: COLUMNS.indexOf('hit') }

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

export interface DistillLoss {
  /** The loss, []: call `backward` on it. */
  loss: Tensor
  /** Every column reduced over the pictures, [12]. */
  parts: Tensor
  /** [12, rows], see COLUMNS. */
  table: Tensor
  /** d(loss)/d(logits), [N, C], or null where none was asked for. */
  gradient: Tensor | null
}

/**
 * ceWeight · CE + Σ weight · T² · KL over the batch, its gradient and a table of metrics, in two dispatches. `logits` is
 * [N, C]. Throws ShapeError where shapes do not fit, InputError for a temperature or τ that is not above 0, a smoothing
 * outside 0 … 1, or too many teachers.
 */
export function distillLoss(logits: Tensor, options: DistillLossOptions): DistillLoss {
  const { gpu } = logits
  const { edges = [], reduction = 'mean', rowOffset = 0, metrics } = options
  if (logits.shape.length !== 2 || logits.shape[1] === 0) {
    throw new ShapeError(`distillLoss: logits are [N, C] with C > 0, got ${showShape(logits.shape)}`)
  }
  checkFloat('distillLoss', logits)
  const [N, C] = logits.shape
  const columns = COLUMNS.length
  const { count = N, table = empty(gpu, [columns, N], 'f32', 'row', 'metrics of every picture') } = options
  check(logits, options, table)
  const { labels, index, tensors, numbers } = gather(options, C)

  const wanted = options.gradient ?? (gpu.recording && logits.requiresGrad)
  const gradient = empty(gpu, wanted ? [N, C] : [4], 'f32', 'row', 'dlogits')
  const tableRows = table.shape[1]
  const mean = reduction === 'mean' ? 1 : 0
  const params = {
    count,
    rows: N,
    classes: C,
    first: rowOffset,
    tableRows,
    mean,
    gradient: wanted ? 1 : 0,
    squared: options.scale === 'none' ? 0 : 1,
    add: 0,
    labelRows: labels.size,
    labelsByIndex: 'from' in options.labels ? 1 : 0,
    smoothing: options.labelSmoothing ?? 0,
    ceWeight: options.ceWeight ?? 1,
    nan: Number.NaN,
    ...numbers,
  }
  // A binding that nothing is read from gets a tensor that is bound anyway.
  const [teacher0 = logits, teacher1 = logits, teacher2 = logits] = tensors
  const buffers = { logits, labels, index, teacher0, teacher1, teacher2, dlogits: gradient, table }
  const LANES = options.lanes ?? lanesFor(gpu, C)
  // A processor runs the invocations of a workgroup one vector after another: few of them keep all its cores busy.
  const constants = {
    SIZE: gpu.info.software ? Math.max(16, LANES) : 32,
    LANES,
    EDGES: edges.length,
    TENSORS: Math.max(1, tensors.length),
  }
  const header = C % 4 === 0 ? FOUR_CLASSES : ONE_CLASS
  loss_.forward(buffers, params, { threads: [N * LANES] }, { header, constants })

  const parts = empty(gpu, [columns], 'f32', 'row', 'loss parts')
  const running = metrics ?? empty(gpu, [SUMS], 'f32', 'row', 'unused sums')
  const keep = metrics ? 1 : 0
  const sums = { count, first: rowOffset, tableRows, columns, mean, keep, bins: BINS, ...PLACES, edges: EDGES }
  const summing = { constants: { SIZE: gpu.info.software ? 16 : 64 } }
  metrics_.sums({ table, parts, running }, sums, { groups: [columns + keep] }, summing)

  const loss = new Tensor(parts.storage, 0, [])
  if (!wanted) return { loss, parts, table, gradient: null }
  record('distillLoss', loss, [logits], (dy, [dx]) => {
    if (!dx) return
    if (isUnit(dy)) return dx.pass(gradient, true)
    const threads = [(N * C) / header.WIDTH]
    loss_.backward({ dy, unit: gradient, dlogits: dx.to }, { ...params, add: dx.add }, { threads }, { header })
  })
  return { loss, parts, table, gradient }
}

/** What running sums, `metrics`, say of their pictures: every column's mean, and the ECE of 15 equal-width bins. */
export function meansOf(sums: ArrayLike<number>): Record<Column | 'ece', number> {
  const count = sums[COLUMNS.length]
  const gaps = Array.from({ length: BINS }, (_, k) => Math.abs(sums[COLUMNS.length + 1 + k]))
  const means = Object.fromEntries(COLUMNS.map((column, i) => [column, sums[i] / count])) as Record<Column, number>
  return { ...means, ece: gaps.reduce((sum, gap) => sum + gap, 0) / count }
}

/** On a CPU a row an invocation is best; a GPU has lanes to spare, and reads a long row in one piece with many. */
function lanesFor(gpu: Gpu, classes: number): number {
  return gpu.info.software || classes <= 64 ? 1 : 32
}

const tensorOf = (rows: Rows): Tensor => ('from' in rows ? rows.from : rows)
const indexOf = (rows: Rows): Tensor | undefined => ('from' in rows ? rows.index : undefined)

/** The tensors behind labels and teachers, each bound once, and what the shader is told of every edge. */
function gather({ labels, edges = [] }: DistillLossOptions, C: number) {
  const tensors = [...new Set(edges.map((e) => tensorOf(e.logits)))]
  const indexes = new Set([labels, ...edges.map((e) => e.logits)].map(indexOf).filter((t) => t !== undefined))
  if (tensors.length > MOST_TEACHERS)
    throw new InputError(`distillLoss: ${tensors.length} teacher tensors, at most ${MOST_TEACHERS}; stack them`)
  if (indexes.size > 1) throw new InputError(`distillLoss: ${indexes.size} index tensors, one has to serve all`)
  const four = (of: (e: TeacherEdge) => Value, none: number): ParamValue =>
    [0, 1, 2, 3].map((k) => (edges[k] ? of(edges[k]) : none))
  const rowsOf = (e: TeacherEdge) => tensorOf(e.logits).shape.at(-2)!
  const numbers = {
    temperature: four((e) => e.temperature ?? 1, 1),
    tau: four((e) => e.tau ?? 1, 1),
    weight: four((e) => e.weight ?? 1, 0),
    source: four((e) => tensors.indexOf(tensorOf(e.logits)), 0),
    start: four((e) => (e.slice ?? 0) * rowsOf(e) * C, 0),
    teacherRows: four(rowsOf, 1),
    byIndex: four((e) => (indexOf(e.logits) ? 1 : 0), 0),
  }
  const [index = tensorOf(labels)] = indexes
  return { labels: tensorOf(labels), index, tensors, numbers }
}

function check(logits: Tensor, options: DistillLossOptions, table: Tensor): void {
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
