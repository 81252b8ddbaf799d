// Tensor: a logical shape over memory that only `gpu/` opens. No methods that compute: ops are functions.
import { InputError, ShapeError } from './errors.ts'
import type { Gpu } from './gpu/gpu.ts'
import { type Bindable, Storage } from './gpu/memory.ts'

export type Shape = readonly number[]
export type DType = 'f32' | 'i32' | 'u32'
/** `row`: row-major. `chwn`: rank 4 only, logical [N, C, H, W] lying as [C][H][W][N], the batch innermost. */
export type Layout = 'row' | 'chwn'
export type TensorData = Float32Array | Int32Array | Uint32Array

/** Where an op's backward puts the gradient of one input. */
export interface Destination {
  /** The tensor to write: shape and layout of the input. Asking for it claims it. */
  readonly to: Tensor
  /** 1 to add to what `to` holds, 0 to overwrite it: pass it to the kernel. */
  readonly add: 0 | 1
  /** Hands a finished gradient on, without copying where possible. Others may be added to it, unless it is `kept`. */
  pass(gradient: Tensor, kept?: boolean): void
}

/** Gets dy and one destination per input, null where no gradient is wanted. */
export type Backward = (dy: Tensor, to: (Destination | null)[]) => void

/** How a result came to be. Filled by `autograd.record`; `backward` is null once it has run. */
export interface GraphNode {
  op: string
  inputs: readonly Tensor[]
  backward: Backward | null
}

export const sizeOf = (shape: Shape): number => shape.reduce((n, d) => n * d, 1)
export const showShape = (shape: Shape): string => `[${shape.join(', ')}]`
export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i])

/** Elements between neighbours along each logical axis. */
export function stridesOf(shape: Shape, layout: Layout): number[] {
  if (layout === 'chwn') {
    const [n, , h, w] = shape
    return [1, h * w * n, w * n, n]
  }
  const strides = new Array<number>(shape.length)
  let step = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step
    step *= shape[i]
  }
  return strides
}

export class Tensor implements Bindable {
  /** Whether `backward` computes a gradient for it. */
  requiresGrad = false
  /** The gradient of a leaf after `backward`. For a parameter: its slice of the network's flat gradient. */
  grad: Tensor | null = null
  /** True while `grad` holds nothing yet: the next backward overwrites it instead of adding. */
  gradEmpty = true
  node: GraphNode | null = null

  constructor(
    readonly storage: Storage,
    /** Bytes from the start of the storage, a multiple of 256. */
    readonly offset: number,
    readonly shape: Shape,
    readonly dtype: DType = 'f32',
    readonly layout: Layout = 'row',
  ) {
    if (layout === 'chwn' && shape.length !== 4) throw new ShapeError(`chwn needs rank 4, got ${showShape(shape)}`)
  }

  get gpu(): Gpu {
    return this.storage.gpu
  }
  /** For messages. */
  toString(): string {
    return `${this.dtype} ${showShape(this.shape)}`
  }
  toJSON(): string {
    return `${this}`
  }
  get size(): number {
    return sizeOf(this.shape)
  }
  get bytes(): number {
    return 4 * this.size
  }
  get strides(): number[] {
    return stridesOf(this.shape, this.layout)
  }

  /** The values in logical (row-major) order. The only way to the host: there is no synchronous read. */
  async read(): Promise<TensorData> {
    const raw = view(this.dtype, await this.gpu.read(this))
    return this.layout === 'row' ? raw : permute(raw, this.shape, 'chwn', 'row')
  }

  /** The value of a tensor with one element. Throws ShapeError for any other. */
  async item(): Promise<number> {
    if (this.size !== 1) throw new ShapeError(`item: needs one element, got ${showShape(this.shape)}`)
    return (await this.read())[0]
  }
}

const ARRAYS = { f32: Float32Array, i32: Int32Array, u32: Uint32Array }

function view(dtype: DType, bytes: ArrayBuffer): TensorData {
  return new ARRAYS[dtype](bytes)
}

/** The same logical tensor laid out differently. */
export function permute<T extends TensorData>(data: T, shape: Shape, from: Layout, to: Layout): T {
  if (from === to) return data
  const [n, c, h, w] = shape
  const [s, t] = [stridesOf(shape, from), stridesOf(shape, to)]
  const out = data.slice() as T
  for (let i = 0; i < n; i++)
    for (let j = 0; j < c; j++)
      for (let y = 0; y < h; y++)
        for (let x = 0; x < w; x++)
          out[i * t[0] + j * t[1] + y * t[2] + x * t[3]] = data[i * s[0] + j * s[1] + y * s[2] + x * s[3]]
  return out
}

export function checkShape(op: string, shape: Shape): void {
  if (Array.isArray(shape) && shape.every((d) => Number.isInteger(d) && d >= 0)) return
  const got = Array.isArray(shape) ? showShape(shape) : shape
  throw new ShapeError(`${op}: a shape is a list of whole numbers from 0, got ${got}`)
}

/**
 * `data` as the dtype's own array. Throws InputError for what is no number (nested lists, bigints, holes), and for
 * numbers that an integer dtype can't hold.
 */
function typed(op: string, data: ArrayLike<number>, dtype: DType): TensorData {
  const Typed = ARRAYS[dtype]
  if (data instanceof Typed) return data
  const noNumber = (value: unknown) => typeof value !== 'number'
  // An array of numbers has one type throughout.
  const wrong = Array.isArray(data) ? data.findIndex(noNumber) : data.length > 0 && noNumber(data[0]) ? 0 : -1
  if (wrong >= 0) {
    const value = Array.isArray(data[wrong]) ? 'a list' : `${data[wrong]} (${typeof data[wrong]})`
    throw new InputError(
      `${op}: value ${wrong} is ${value}; needs numbers in one flat list, nested ones as list.flat(9)`,
    )
  }
  const result = Typed.from(data)
  const lost = dtype === 'f32' ? -1 : result.findIndex((value, i) => value !== data[i])
  if (lost >= 0) throw new InputError(`${op}: value ${lost} is ${data[lost]}, which ${dtype} can't hold`)
  return result
}

/** A tensor for a result: memory without a buffer yet, planned by the tape that writes it. */
export function empty(gpu: Gpu, shape: Shape, dtype: DType = 'f32', layout: Layout = 'row', label = 'tensor'): Tensor {
  checkShape(label, shape)
  return new Tensor(new Storage(gpu, Math.max(4, 4 * sizeOf(shape)), label), 0, shape, dtype, layout)
}

/** A tensor with memory of its own from the start, zero where `data` is not given. */
export function persistent(
  gpu: Gpu,
  shape: Shape,
  data: ArrayLike<number> | null = null,
  dtype: DType = 'f32',
  layout: Layout = 'row',
  label = 'tensor',
): Tensor {
  checkShape(label, shape)
  if (!Object.hasOwn(ARRAYS, dtype)) throw new InputError(`${label}: dtype '${dtype}', needs f32, i32 or u32`)
  if (layout !== 'row' && layout !== 'chwn') throw new InputError(`${label}: layout '${layout}', needs row or chwn`)
  const size = sizeOf(shape)
  const values = data && typed(label, data, dtype)
  if (data && data.length !== size) {
    throw new ShapeError(`${label}: ${data.length} values for shape ${showShape(shape)}, which holds ${size}`)
  }
  const result = new Tensor(gpu.allocate(Math.max(4, 4 * size), label), 0, shape, dtype, layout)
  if (size > 0) gpu.write(result, permute(values ?? new ARRAYS[dtype](size), shape, 'row', layout))
  return result
}

/**
 * Overwrites a tensor's values, in logical order: after whatever was called before it, before whatever is called after
 * it. Throws InputError for another number of values, and inside a step that is being recorded.
 */
export function assign(target: Tensor, data: ArrayLike<number>): void {
  target.gpu.refuseInStep('assign')
  if (data instanceof Tensor) throw new InputError('assign: values come from the host; lerpInto copies a tensor')
  if (data.length !== target.size) {
    throw new InputError(`assign: ${data.length} values for shape ${showShape(target.shape)}`)
  }
  target.gpu.write(target, permute(typed('assign', data, target.dtype), target.shape, 'row', target.layout))
}

/** Another shape over the same memory; both must be row-major and hold as many elements. */
export function viewAs(x: Tensor, shape: Shape): Tensor {
  if (x.layout !== 'row' || sizeOf(shape) !== x.size) {
    throw new ShapeError(`view: ${showShape(x.shape)} (${x.layout}) can't be seen as ${showShape(shape)}`)
  }
  return new Tensor(x.storage, x.offset, shape, x.dtype, 'row')
}
