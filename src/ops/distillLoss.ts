// The one loss of the project: supervised training, KD, CQKD, DML and TriKD are this call with other inputs.
import backwardSource from '../../shaders/distillLoss.backward.wgsl'
import source from '../../shaders/distillLoss.wgsl'
import { isUnit, record } from '../autograd.ts'
import { InputError, ShapeError } from '../errors.ts'
import { MOST_BOUND } from '../gpu/device.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { kernels } from '../gpu/kernel.ts'
import type { ParamValue } from '../gpu/scalar.ts'
import { empty, showShape, Tensor } from '../tensor.ts'
import { checkFloat } from './axes.ts'
import {
  BINS,
  COLUMNS,
  type Column,
  checkDistillLoss,
  type DistillLossOptions,
  EDGES,
  indexOf,
  MOST_TEACHERS,
  SUMS,
  type TeacherEdge,
  tensorOf,
  type Value,
} from './distillLossOptions.ts'

export {
  COLUMNS,
  type Column,
  type DistillLossOptions,
  MOST_EDGES,
  MOST_TEACHERS,
  type Rows,
  SUMS,
  type TeacherEdge,
  type Value,
} from './distillLossOptions.ts'

const loss_ = kernels<'forward' | 'sums' | 'whole'>(source)
const backward_ = kernels<'main'>(backwardSource)

/** What the kernel reads at once, where the number of classes is a multiple of 4 and where it is not. */
const FOUR_CLASSES = { Value: 'vec4f', WIDTH: 4, Classes: 'vec4u', FIRST: [0, 1, 2, 3] } as const
const ONE_CLASS = { Value: 'f32', WIDTH: 1, Classes: 'u32', FIRST: 0 } as const

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
 * ceWeight · CE + Σ weight · T² · KL over the batch, its gradient and a table of metrics, in two dispatches (a small batch
 * on a processor in one). `logits` is [N, C]. Throws ShapeError where shapes do not fit, InputError for a temperature or τ
 * that is not above 0, a smoothing outside 0 … 1, or too many teachers.
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
  checkDistillLoss(logits, options, table)
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
    labelRows: labels.size,
    labelsByIndex: 'from' in options.labels ? 1 : 0,
    smoothing: options.labelSmoothing ?? 0,
    ceWeight: options.ceWeight ?? 1,
    nan: Number.NaN,
    keep: metrics ? 1 : 0,
    bins: BINS,
    edges: EDGES,
    ...numbers,
  }
  // A binding that nothing is read from gets a tensor that is bound anyway.
  const [teacher0 = logits, teacher1 = logits, teacher2 = logits] = tensors
  const buffers = { logits, labels, index, teacher0, teacher1, teacher2, dlogits: gradient, table }
  const LANES = options.lanes ?? lanesFor(gpu, C)
  const header = C % 4 === 0 ? FOUR_CLASSES : ONE_CLASS
  const parts = empty(gpu, [columns], 'f32', 'row', 'loss parts')
  const running = metrics ?? empty(gpu, [SUMS], 'f32', 'row', 'unused sums')
  const own = { LANES, EDGES: edges.length, TENSORS: Math.max(1, tensors.length) }
  if (isSmall(gpu, N, C) && LANES === 1) {
    const SIZE = Math.max(COLUMNS_AND_BINS * SHARE, N)
    loss_.whole({ ...buffers, parts, running }, params, { groups: [1] }, { header, constants: { ...own, SIZE, SHARE } })
  } else {
    // A processor runs the invocations of a workgroup one vector after another: few of them keep all its cores busy.
    const SIZE = gpu.info.software ? Math.max(16, LANES) : 32
    loss_.forward(buffers, params, { threads: [N * LANES] }, { header, constants: { ...own, SIZE } })
    const PER = gpu.info.software ? SHARE : 64
    const groups = [columns + (metrics ? 1 : 0)]
    loss_.sums({ table, parts, running }, params, { groups }, { header, constants: { SIZE: PER, SHARE: PER } })
  }

  const loss = new Tensor(parts.storage, 0, [])
  if (!wanted) return { loss, parts, table, gradient: null }
  record('distillLoss', loss, [logits], (dy, [dx]) => {
    if (!dx) return
    if (isUnit(dy)) return dx.pass(gradient, true)
    const n = (N * C) / header.WIDTH
    backward_.main({ dy, unit: gradient, dlogits: dx.to }, { n, add: dx.add }, { threads: [n] }, { header })
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

/** Invocations that add up a column on a processor; of one column more each has a bin. */
const SHARE = 16
const COLUMNS_AND_BINS = COLUMNS.length + 1

/** As many logits take less time than a processor needs to begin a second dispatch. */
const SMALL = 4096

/** Whether one workgroup does it all, which binds MOST_BOUND tensors, two more than the default limit allows. */
function isSmall({ info, device }: Gpu, N: number, C: number): boolean {
  const { maxStorageBuffersPerShaderStage: bound, maxComputeInvocationsPerWorkgroup: most } = device.limits
  return info.software && bound >= MOST_BOUND && N > 0 && N <= most && N * C <= SMALL
}

/** On a CPU a row an invocation is best; a GPU has lanes to spare, and reads a long row in one piece with many. */
function lanesFor(gpu: Gpu, classes: number): number {
  return gpu.info.software || classes <= 64 ? 1 : 32
}

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
