// Calibration errors on the device, from the columns that the loss leaves behind or from logits. A reliability diagram needs
// nothing but the bins.
import source from '../../shaders/calibration.wgsl'
import { checkOptions, InputError, ShapeError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { kernels } from '../gpu/kernel.ts'
import { empty, persistent, sameShape, showShape, type Tensor } from '../tensor.ts'
import { checkFloat, checkTensor } from './axes.ts'
import { fill } from './copy.ts'
import { COLUMNS, distillLoss } from './distillLoss.ts'

const OPTIONS = ['bins', 'equalMass', 'edges', 'zeroInFirst']
const calibration_ = kernels<
  'collect' | 'collectLogits' | 'logitsWhole' | 'finish' | 'rank' | 'probabilities' | 'average'
>(source)

export interface EceOptions {
  /** Default 15. */
  bins?: number
  /** Edges between which equally many confidences lie, in place of equal widths. Equal confidences share a bin. */
  equalMass?: boolean
  /** Edges of your own, rising, in place of equal widths; compared as float32. Sets the number of bins. */
  edges?: ArrayLike<number>
  /** false: a confidence of 0 counts among the pictures but falls in no bin, as in torch-based code. Default true. */
  zeroInFirst?: boolean
}

/**
 * One confidence and 0 or 1 a picture, f32 [N] each; or the table of `distillLoss`, [12, rows]; or logits [N, C] and
 * labels u32 [N].
 */
export type Answers = { confidence: Tensor; correct: Tensor } | { table: Tensor } | { logits: Tensor; labels: Tensor }

export interface Ece {
  /** Of each bin: count, mean confidence, accuracy (0 in an empty bin). [bins, 3]; classwise [classes, bins, 3]. */
  bins: Tensor
  /** ECE, MCE, signed gap (mean confidence - accuracy). [3]; classwise [classes, 3]. */
  errors: Tensor
  /** Bin k is (edge k, edge k + 1]. [bins + 1]; classwise with equal mass [classes, bins + 1]. */
  edges: Tensor
}

/**
 * Expected calibration error over bins (low, high], 0 in the first bin and 1 in the last. Two dispatches, from logits on
 * a processor one; equal mass takes one more than two, and from logits two more than that. No pictures: all zeros. Throws
 * ShapeError for tensors that do not match, InputError for a number of bins or edges that make no bins, and for other
 * dtypes.
 */
export function ece(answers: Answers, options: EceOptions = {}): Ece {
  if (!['logits', 'table', 'confidence'].some((key) => Object.hasOwn(answers ?? {}, key))) {
    throw new InputError('ece: needs { logits, labels }, { confidence, correct } or { table }, as distillLoss has it')
  }
  checkOptions('ece', options, OPTIONS)
  if ('logits' in answers) {
    const { logits, labels } = answers
    checkLogits('ece', logits, labels)
    if (options.equalMass) return ece(distillLoss(logits, { labels, gradient: false }), options)
    const [n, classes] = logits.shape
    const params = { ...NOTHING, n, classes, threads: threadsOf(logits.gpu, n) }
    return finish(logits.gpu, 1, null, params, options, ({ edges, part, ...results }, settings) => {
      const inPairs = n > 0 && classes % 2 === 0
      const { constants } = variantOf(logits.gpu)
      const buffers = { logits, pairs: inPairs ? logits : edges, labels, edges, part }
      const variant = { constants: { ...constants, PAIRS: inPairs ? 1 : 0 } }
      const whole = logits.gpu.info.software
      if (whole) {
        const done = doneOf(logits.gpu)
        calibration_.logitsWhole({ ...buffers, ...results, done }, settings, gridOf(settings, 1), variant)
      } else {
        calibration_.collectLogits(buffers, settings, gridOf(settings, 1), variant)
      }
      return whole
    })
  }
  const { confidence, correct, n, starts } = columnsOf(answers)
  return collect(
    confidence,
    correct,
    null,
    { ...NOTHING, ...starts, n, classes: 1, threads: threadsOf(confidence.gpu, n) },
    options,
  )
}

/**
 * For every class the ECE of its probability against 'is this the label', and `average`, [3]: the classes' mean ECE,
 * largest MCE, mean signed gap. `logits` is [N, C], `labels` u32 [N]. Throws ShapeError, InputError.
 */
export function classwiseEce(logits: Tensor, labels: Tensor, options: EceOptions = {}): Ece & { average: Tensor } {
  checkOptions('classwiseEce', options, OPTIONS)
  checkLogits('classwiseEce', logits, labels)
  const { gpu } = logits
  const [n, classes] = logits.shape
  const params = { ...NOTHING, n, classes, threads: 64, labelled: 1 }
  const probabilities = empty(gpu, [classes, n], 'f32', 'row', 'probabilities')
  calibration_.probabilities({ logits, chosen: probabilities }, params, { threads: [n] })
  const result = collect(probabilities, probabilities, labels, params, options)
  const average = empty(gpu, [3], 'f32', 'row', 'classwise errors')
  calibration_.average({ each: result.errors, chosen: average }, params, { groups: [1] })
  return { ...result, average }
}

/** The shader's parameters where they say nothing; `threads` is the number of partial sums. */
const NOTHING = {
  n: 0,
  bins: 0,
  classes: 0,
  threads: 0,
  labelled: 0,
  confidenceStart: 0,
  correctStart: 0,
  edgeStride: 0,
  skipZero: 0,
}
type Params = typeof NOTHING

/** Bins that an invocation counts, as in the shader. */
const MOST = 16

/** Of a workgroup: a processor is full with few invocations. */
const sizeOf = (gpu: Gpu) => (gpu.info.software ? 8 : 64)
const variantOf = (gpu: Gpu) => ({ constants: { SIZE: sizeOf(gpu) } })

/** Partial sums, of whole workgroups. On a processor one for every 2,500 pictures, from two to eight: few add them up. */
function threadsOf(gpu: Gpu, n: number): number {
  const groups = gpu.info.software ? Math.min(8, Math.max(2, Math.ceil(n / 2500))) : 4
  return groups * sizeOf(gpu)
}
const gridOf = ({ threads, bins }: Params, classes: number) => ({ threads: [threads, classes, Math.ceil(bins / MOST)] })

function collect(confidence: Tensor, correct: Tensor, labels: Tensor | null, params: Params, options: EceOptions): Ece {
  const { n, classes } = params
  const rank = (edges: Tensor, settings: Params) => {
    if (n === 0) fill(edges, 0)
    else calibration_.rank({ confidence, chosen: edges }, settings, { threads: [Math.ceil(n / 4), classes] })
  }
  return finish(confidence.gpu, classes, labels, params, options, ({ edges, part }, settings) => {
    if (options.equalMass) rank(edges, settings)
    // Where there are no labels the binding is there and not read: the edges serve.
    const buffers = { confidence, correct, labels: labels ?? edges, edges, part }
    calibration_.collect(buffers, settings, gridOf(settings, classes), variantOf(confidence.gpu))
    return false
  })
}

/** Edges, partial sums by `gather`, and the sums of these, where it says that it has not added them up itself. */
function finish(
  gpu: Gpu,
  classes: number,
  labels: Tensor | null,
  params: Params,
  options: EceOptions,
  gather: (tensors: Record<'edges' | 'part' | 'bins' | 'errors', Tensor>, settings: Params) => boolean,
): Ece {
  const { equalMass = false, zeroInFirst = true } = options
  const count = options.edges ? options.edges.length - 1 : (options.bins ?? 15)
  if (!(Number.isInteger(count) && count > 0)) throw new InputError(`ece: ${count} bins, needs a whole number above 0`)
  if (equalMass && options.edges) throw new InputError('ece: edges and equalMass exclude each other')
  const outer = labels ? [classes] : []
  const edges = equalMass
    ? empty(gpu, [...outer, count + 1], 'f32', 'row', 'equal-mass edges')
    : options.edges
      ? edgesFrom(gpu, options.edges)
      : equalEdges(gpu, count)
  const settings = { ...params, bins: count, edgeStride: equalMass ? count + 1 : 0, skipZero: zeroInFirst ? 0 : 1 }
  const part = empty(gpu, [classes, count, 3, params.threads], 'f32', 'row', 'partial bins')
  const bins = empty(gpu, [...outer, count, 3], 'f32', 'row', 'bins')
  const errors = empty(gpu, [...outer, 3], 'f32', 'row', 'calibration errors')
  if (!gather({ edges, part, bins, errors }, settings)) {
    calibration_.finish({ part, bins, errors }, settings, { groups: [classes] }, variantOf(gpu))
  }
  return { bins, errors, edges }
}

function checkLogits(op: string, logits: Tensor, labels: Tensor): void {
  checkTensor(`${op}: logits`, logits)
  checkTensor(`${op}: labels`, labels)
  const [n, classes = 0] = logits.shape
  if (logits.shape.length !== 2 || classes === 0 || !sameShape(labels.shape, [n])) {
    const found = `${showShape(logits.shape)} and ${showShape(labels.shape)}`
    throw new ShapeError(`${op}: logits are [N, C] and labels [N], got ${found}`)
  }
  checkFloat(op, logits)
  if (labels.dtype === 'f32') throw new InputError(`${op}: labels of type f32, need u32`)
}

function columnsOf(answers: Exclude<Answers, { logits: Tensor }>) {
  if ('table' in answers) {
    const { table } = answers
    if (table.shape.length !== 2 || table.shape[0] !== COLUMNS.length) {
      throw new ShapeError(`ece: the table is [${COLUMNS.length}, rows], got ${showShape(table.shape)}`)
    }
    checkFloat('ece', table)
    const n = table.shape[1]
    const starts = { confidenceStart: n * COLUMNS.indexOf('confidence'), correctStart: n * COLUMNS.indexOf('hit') }
    return { confidence: table, correct: table, n, starts }
  }
  const { confidence, correct } = answers
  checkTensor('ece: confidence', confidence)
  checkTensor('ece: correct', correct)
  if (confidence.shape.length !== 1 || !sameShape(confidence.shape, correct.shape)) {
    const found = `${showShape(confidence.shape)} and ${showShape(correct.shape)}`
    throw new ShapeError(`ece: confidence and correct are [N], got ${found}`)
  }
  checkFloat('ece', confidence, correct)
  return { confidence, correct, n: confidence.size, starts: { confidenceStart: 0, correctStart: 0 } }
}

function edgesFrom(gpu: Gpu, edges: ArrayLike<number>): Tensor {
  for (let k = 1; k < edges.length; k++) {
    if (!(edges[k - 1] < edges[k])) throw new InputError(`ece: edges rise, got ${edges[k - 1]} before ${edges[k]}`)
  }
  return persistent(gpu, [edges.length], edges, 'f32', 'row', 'edges of bins')
}

const counters = new WeakMap<Gpu, Tensor>()

/** The counter of workgroups that are done, 0 between dispatches, made once for an engine. */
function doneOf(gpu: Gpu): Tensor {
  const known = counters.get(gpu) ?? persistent(gpu, [1], [0], 'u32', 'row', 'workgroups done')
  counters.set(gpu, known)
  return known
}

const edgesOf = new WeakMap<Gpu, Map<number, Tensor>>()

/** The float32 edges k / bins, made once for an engine. */
function equalEdges(gpu: Gpu, bins: number): Tensor {
  const known = edgesOf.get(gpu) ?? new Map<number, Tensor>()
  edgesOf.set(gpu, known)
  let edges = known.get(bins)
  if (!edges) {
    const values = Float32Array.from({ length: bins + 1 }, (_, k) => k / bins)
    edges = persistent(gpu, [bins + 1], values, 'f32', 'row', `edges of ${bins} bins`)
    known.set(bins, edges)
  }
  return edges
}
