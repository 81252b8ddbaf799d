// GPU buffers: what exists, what is free, who holds it. A Storage is memory an op may write before any GPUBuffer
// stands behind it; the tape that first uses it gives it one when it is sealed.
import { DistillError, OutOfMemoryError } from '../errors.ts'
import type { Gpu } from './gpu.ts'

let nextId = 1

/** The collector runs often enough for weights of this size; heavier ones would only cost address space. */
const HEAVIEST = 2 ** 26

export class Storage {
  readonly id = nextId++
  buffer: GPUBuffer | null = null
  /** Why the storage can't be used any more, or null. */
  ended: string | null = null
  /** The captured step that has yet to write it, until that runs. */
  awaits: string | null = null
  private weight: ArrayBuffer | null = null

  constructor(
    readonly gpu: Gpu,
    readonly bytes: number,
    readonly label: string,
  ) {}

  /**
   * Tells the garbage collector what it would free: it sees a small object, and else lets gigabytes of buffers pile up
   * behind tensors that nobody refers to. Memory that is never touched takes up addresses only.
   */
  weigh(): void {
    this.weight ??= new ArrayBuffer(Math.min(this.bytes, HEAVIEST))
  }

  /** Throws for memory that is others' by now. */
  checkLasts(where: string): void {
    if (this.ended !== null) throw new DistillError('ended', `${where}: ${this.label} ${this.ended}`)
  }

  /** Throws where a captured step has yet to write it. */
  checkWritten(where: string): void {
    if (this.awaits === null) return
    const how = `of the step '${this.awaits}', which has not run yet; call run() first`
    throw new DistillError('ended', `${where}: ${this.label} is a result ${how}`)
  }
}

/** Anything a kernel can take: a range of a storage. `Tensor` is one. */
export interface Bindable {
  readonly storage: Storage
  /** Bytes from the start of the storage; a multiple of 256. */
  readonly offset: number
  readonly bytes: number
}

/** Throws OutOfMemoryError for more than a tensor can hold. */
export function checkSize(
  { maxStorageBufferBindingSize: most }: GPUSupportedLimits,
  bytes: number,
  label: string,
): void {
  if (bytes <= most) return
  throw new OutOfMemoryError(
    `${label}: ${bytes} bytes in one tensor, the adapter binds at most ${most}; ` +
      'use a smaller batch, smaller pictures or a smaller network',
  )
}

/** Sizes are rounded up to a quarter of their power of two, so that freed buffers fit their successors. */
function sizeClass(bytes: number): number {
  const least = Math.max(bytes, 256)
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(least)) - 2))
  return Math.ceil(least / step) * step
}

/** Buffers of one usage, reused by size. Nothing is destroyed before the engine is. */
export class Pool {
  private free = new Map<number, GPUBuffer[]>()
  private all = new Set<GPUBuffer>()
  bytes = 0

  constructor(
    private gpu: Gpu,
    readonly name: string,
    private usage: GPUBufferUsageFlags,
  ) {}

  get count(): number {
    return this.all.size
  }

  take(bytes: number, label: string): GPUBuffer {
    const { limits } = this.gpu.device
    checkSize(limits, bytes, label)
    // The adapter's largest buffer is the class of what is rounded beyond it.
    const size = Math.min(sizeClass(bytes), Math.floor(limits.maxBufferSize / 4) * 4)
    const waiting = this.free.get(size)
    if (waiting?.length) return waiting.pop() as GPUBuffer
    const make = () => this.gpu.device.createBuffer({ label: `${this.name} ${label}`, size, usage: this.usage })
    const buffer = this.gpu.faults.scoped('out-of-memory', make, (message) => {
      const held = (this.gpu.memory().bytes / 2 ** 20).toFixed(0)
      return new OutOfMemoryError(`${label}: no memory for ${bytes} bytes (${held} MiB held): ${message}`)
    })
    this.all.add(buffer)
    this.bytes += buffer.size
    return buffer
  }

  give(buffer: GPUBuffer): void {
    const size = buffer.size
    const waiting = this.free.get(size)
    if (waiting) waiting.push(buffer)
    else this.free.set(size, [buffer])
  }

  destroy(): void {
    for (const buffer of this.all) buffer.destroy()
    this.all.clear()
    this.free.clear()
    this.bytes = 0
  }
}
