/// <reference lib="esnext.disposable" preserve="true" />
// The engine: what a user holds. Creators, steps and captures are its methods; ops take the engine from their inputs.
import { noGrad } from './autograd.ts'
import { checkOptions, InputError } from './errors.ts'
import type { Compiling } from './gpu/compiling.ts'
import { type Gpu, type GpuInfo, synchronous } from './gpu/gpu.ts'
import type { Storage } from './gpu/memory.ts'
import { Scalar } from './gpu/scalar.ts'
import type { Tape } from './gpu/tape.ts'
import { checkShape, type DType, type Layout, persistent, type Shape, sizeOf, Tensor } from './tensor.ts'

export interface TensorOptions {
  dtype?: DType
  layout?: Layout
  requiresGrad?: boolean
  label?: string
}

const TENSOR = ['dtype', 'layout', 'requiresGrad', 'label']

/** A captured step: `run` does again what `fn` did, without making a single object. */
export interface Step<T> {
  /** What `fn` returned. Its tensors are overwritten by every run. */
  readonly outputs: T
  readonly dispatches: number
  /** Compiles all pipelines, so that the first run takes no longer than the others; else that one compiles them. */
  compile(): Promise<void>
  /** After whatever was called before it, before whatever is called after it. Not inside another step. */
  run(): void
  /** Frees the step's uniform buffer; its outputs stay readable. */
  release(): void
}

function* tensorsIn(value: unknown): Generator<Tensor> {
  if (value instanceof Tensor) yield value
  else if (Array.isArray(value)) for (const item of value) yield* tensorsIn(item)
  else if (value && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype)
    for (const item of Object.values(value)) yield* tensorsIn(item)
}

function* storagesIn(value: unknown): Generator<Storage> {
  for (const tensor of tensorsIn(value)) yield tensor.storage
}

export class Engine {
  constructor(readonly gpu: Gpu) {}

  get info(): GpuInfo {
    return this.gpu.info
  }

  /**
   * Hears how far the device is with pipelines that are new to it, of captures, eager code, `fit` and `evaluate`: at the
   * start, and as each is compiled and has run for the first time. While somebody listens the first run of eager code, and
   * of a step that was not compiled before, is a submit a new pipeline; its bits are the same.
   */
  get onCompiling(): ((compiling: Compiling) => void) | null {
    return this.gpu.onCompiling
  }

  set onCompiling(told: ((compiling: Compiling) => void) | null) {
    this.gpu.onCompiling = told
  }

  /**
   * A tensor from host values in one list, row-major. Throws ShapeError when the count does not fit the shape, InputError
   * for what is no number or what `dtype` can't hold.
   */
  tensor(data: ArrayLike<number>, shape: Shape = [data?.length], options: TensorOptions = {}): Tensor {
    if (typeof data?.length !== 'number') throw new InputError(`tensor: needs a list of numbers, got ${data}`)
    checkOptions('tensor', options, TENSOR)
    const { dtype = 'f32', layout = 'row', requiresGrad = false, label = 'tensor' } = options
    const t = persistent(this.gpu, shape, data, dtype, layout, label)
    t.requiresGrad = requiresGrad
    return t
  }

  zeros(shape: Shape, options: TensorOptions = {}): Tensor {
    checkOptions('zeros', options, TENSOR)
    const { dtype = 'f32', layout = 'row', requiresGrad = false, label = 'zeros' } = options
    const t = persistent(this.gpu, shape, null, dtype, layout, label)
    t.requiresGrad = requiresGrad
    return t
  }

  full(shape: Shape, value: number, options: TensorOptions = {}): Tensor {
    checkShape('full', shape)
    return this.tensor(new Float64Array(sizeOf(shape)).fill(value), shape, options)
  }

  /** A number that may change between the runs of a captured step. */
  scalar(name: string, value: number): Scalar {
    return new Scalar(name, value)
  }

  noGrad<T>(fn: () => T): T {
    return noGrad(this.gpu, fn)
  }

  /**
   * Runs `fn` once, in one submit. What is made inside ends with it, except parameters and what `fn` returns. Inside
   * another step it is a part of that.
   */
  step<T>(fn: () => T): T {
    if (this.gpu.inStep) return synchronous('step', fn)
    const { tape, result } = this.gpu.trace('step', fn, storagesIn, true)
    tape.replay()
    tape.release()
    return result
  }

  /**
   * Records `fn` once and returns a step that replays it. The same code run by `step` gives the same bits. `fn` is
   * synchronous; numbers that change between runs are Scalars, tensors that change are written with `assign`.
   */
  capture<T>(label: string, fn: () => T): Step<T> {
    if (typeof fn !== 'function') throw new InputError(`capture: needs a label and a function, got ${typeof fn}`)
    const { tape, result } = this.gpu.trace(label, fn, storagesIn)
    return captured(tape, result)
  }

  /** Resolves when everything submitted has run; throws what went wrong on the device. */
  settled(): Promise<void> {
    return this.gpu.settled()
  }

  /** Bytes and buffers held on the device, free ones in its pools included. */
  memory(): { bytes: number; buffers: number } {
    return this.gpu.memory()
  }

  destroy(): void {
    this.gpu.destroy()
  }

  /** For `using engine = await init()`. */
  [Symbol.dispose](): void {
    this.destroy()
  }
}

function captured<T>(tape: Tape, outputs: T): Step<T> {
  return {
    outputs,
    dispatches: tape.commands.length,
    compile: () => tape.compile(),
    run() {
      const { gpu, label } = tape
      gpu.refuseInStep(`${label}: run`)
      gpu.flush()
      tape.replay()
    },
    release: () => tape.release(),
  }
}
