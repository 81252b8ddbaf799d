// The device and everything that lives as long as it: pools, pipelines, faults, the tape being recorded. The public
// `Engine` adds tensors on top; nothing outside `gpu/` touches a GPU object.
import { DistillError, InputError } from '../errors.ts'
import type { Compiling } from './compiling.ts'
import { Faults } from './faults.ts'
import { type Bindable, Pool, Storage } from './memory.ts'
import { Pace } from './pace.ts'
import type { Pipeline } from './pipelines.ts'
import { Tape } from './tape.ts'

const COPY_SRC = 0x4
const COPY_DST = 0x8
const MAP_READ = 0x1
const UNIFORM = 0x40
const STORAGE = 0x80

const wholeWords = (bytes: number): number => Math.ceil(bytes / 4) * 4

export interface GpuInfo {
  /** The adapter's own description, for people and run records. */
  adapter: string
  software: boolean
  features: string[]
  /** What the driver says of itself; empty where it keeps that to itself, as in browsers. */
  driver: string
  /** Lanes of a subgroup where subgroups are present and of one known size, else 0. */
  subgroupSize: number
}

/** What the function of a step returns. Throws InputError for a function that is not synchronous. */
export function synchronous<T>(label: string, fn: () => T): T {
  if (typeof fn !== 'function') throw new InputError(`${label}: needs a function, got ${typeof fn}`)
  const result = fn()
  if (result instanceof Promise) throw new InputError(`${label}: a step takes a synchronous function, got a promise`)
  return result
}

/** Kernels by pass and shape, as `tune` names them, in place of the defaults. */
export type Choices = Readonly<Record<string, string>>

export class Gpu {
  readonly faults: Faults
  readonly buffers: Pool
  readonly scratch: Pool
  readonly uniforms: Pool
  private staging: Pool
  readonly pipelines = new Map<string, Pipeline>()
  /** By their text; a file's entry points and overrides share one. */
  readonly modules = new Map<string, GPUShaderModule>()
  /** Storages that outlive every step: parameters, data, results. */
  readonly persistent = new WeakSet<Storage>()
  private pace = new Pace()
  /** Steps being recorded, innermost last; and what is recorded outside of any. */
  private tapes: Tape[] = []
  private eager: Tape | null = null
  /** Off inside noGrad. Lives here, not in a module, so that two engines never share it. */
  recording = true
  private reads: Promise<unknown> = Promise.resolve()
  private collected = new FinalizationRegistry<GPUBuffer>((buffer) => {
    if (!this.faults.closing) this.buffers.give(buffer)
  })
  submits = 0
  /** Set by `setChoices` of ops/choices.ts, which checks them. */
  choices: Choices = {}
  /** Hears of new pipelines; see Engine.onCompiling. */
  onCompiling: ((compiling: Compiling) => void) | null = null
  /**
   * How to wait for a promise of the device's where that polls the device: Node's entry sets a wait that leaves the
   * processor to the work. Null elsewhere, and then no timer is set before it, either: those of a hidden page are a second
   * late, after a while a minute.
   */
  calm: (<T>(promise: Promise<T>) => Promise<T>) | null = null

  constructor(
    readonly device: GPUDevice,
    readonly info: GpuInfo,
    private own: boolean,
  ) {
    this.faults = new Faults(device)
    this.buffers = new Pool(this, 'kept', STORAGE | COPY_SRC | COPY_DST)
    this.scratch = new Pool(this, 'scratch', STORAGE | COPY_SRC | COPY_DST)
    this.uniforms = new Pool(this, 'uniforms', UNIFORM | COPY_DST)
    this.staging = new Pool(this, 'staging', MAP_READ | COPY_DST)
  }

  /** The tape that ops record on: the innermost step or capture, else the eager one. */
  get tape(): Tape {
    this.faults.check()
    const recorded = this.tapes.at(-1)
    if (recorded) return recorded
    this.eager ??= new Tape(this, 'eager', true)
    return this.eager
  }

  /** Throws InputError where a step is being recorded: `what` would be done at once there, and in no later run. */
  refuseInStep(what: string): void {
    const recorded = this.tapes.at(-1)
    if (!recorded) return
    throw new InputError(
      `${what} inside the step '${recorded.label}' would be done at once and in no later run: do it before the step runs`,
    )
  }

  /** Memory that lives until nothing refers to it: backed at once, filled by `write` or by dispatches. */
  allocate(bytes: number, label: string): Storage {
    this.faults.check()
    const storage = new Storage(this, bytes, label)
    storage.buffer = this.buffers.take(bytes, label)
    this.adopt(storage)
    return storage
  }

  /** Copies host bytes into a storage, before anything submitted later. `bytes` is a multiple of 4 long. */
  write(target: Bindable, data: ArrayBufferView, byteOffset = 0): void {
    this.faults.check()
    if (data.byteLength + byteOffset > wholeWords(target.bytes)) {
      throw new InputError(`write: ${data.byteLength} bytes at ${byteOffset} into ${target.bytes} bytes`)
    }
    this.flush()
    const { storage } = target
    storage.checkLasts('write')
    if (!storage.buffer) throw new InputError(`write: ${storage.label} belongs to a step being recorded`)
    storage.awaits = null
    const { buffer, byteOffset: start, byteLength } = data
    this.device.queue.writeBuffer(storage.buffer, target.offset + byteOffset, buffer, start, byteLength)
  }

  /** Whether a step is being recorded. */
  get inStep(): boolean {
    return this.tapes.length > 0
  }

  /**
   * Records what `fn` does on a tape of its own, with the storages of `keep(result)` kept. Not yet run; `once` for what
   * is run at once, and never again.
   */
  trace<T>(label: string, fn: () => T, keep: (result: T) => Iterable<Storage>, once = false) {
    this.flush()
    const tape = new Tape(this, label, once)
    const kept = new Set<Storage>()
    let result: T
    try {
      result = this.recordOn(tape, fn)
      for (const storage of keep(result)) {
        if (storage.gpu !== this) throw new InputError(`${label}: ${storage.label} belongs to another engine`)
        storage.checkLasts(label)
        kept.add(storage)
      }
      tape.seal(kept)
    } catch (error) {
      tape.giveUp()
      throw error
    }
    tape.results = [...kept].filter((storage) => !this.persistent.has(storage))
    for (const storage of tape.results) {
      storage.awaits = label
      this.adopt(storage)
    }
    return { tape, result }
  }

  private recordOn<T>(tape: Tape, fn: () => T): T {
    this.tapes.push(tape)
    try {
      return synchronous(tape.label, fn)
    } finally {
      this.tapes.splice(this.tapes.indexOf(tape), 1)
    }
  }

  private adopt(storage: Storage): void {
    if (!storage.buffer || this.persistent.has(storage)) return
    this.persistent.add(storage)
    storage.weigh()
    this.collected.register(storage, storage.buffer)
  }

  /** Runs what has been recorded eagerly. Every storage it made is kept until nobody refers to it. */
  flush(): void {
    const tape = this.eager
    if (!tape) return
    this.faults.check()
    this.eager = null
    const kept = new Set<Storage>()
    for (const { uses } of tape.commands) for (const { bindable } of uses) kept.add(bindable.storage)
    tape.seal(kept)
    for (const storage of kept) this.adopt(storage)
    tape.replay()
    tape.release()
  }

  submit(commands: GPUCommandBuffer, tape: Tape | null): void {
    this.device.queue.submit([commands])
    this.submits++
    if (tape) {
      this.faults.running = tape.label
      this.pace.submitted(tape)
    }
  }

  /** What was asked of the device, waited for calmly, or undefined where it is lost before. */
  orLost<T>(asked: Promise<T>): Promise<T | undefined> {
    const answer = this.faults.orLost(asked)
    return this.calm ? this.calm(answer) : answer
  }

  /** Waits for what `ask` asks the device for, or for its loss. */
  private async wait<T>(ask: () => Promise<T>): Promise<T | undefined> {
    if (this.calm) await this.pace.sleep()
    // Of an engine that was destroyed meanwhile the device, which may be others', is asked nothing.
    this.faults.check()
    const found = await this.orLost(ask())
    this.pace.idle()
    await this.faults.settle()
    return found
  }

  /** Waits until everything submitted so far has run, and throws what went wrong. */
  async settled(): Promise<void> {
    this.flush()
    await this.wait(() => this.device.queue.onSubmittedWorkDone())
  }

  /** Copies a range back to the host, as it is now: what runs later changes nothing in it. */
  async read(source: Bindable): Promise<ArrayBuffer> {
    const staging = this.copyOut(source)
    if (!staging) return new ArrayBuffer(0)
    // Copies are made at once, and waited for one after another.
    const turn = this.reads.then(() => this.mapped(staging, source))
    this.reads = turn.catch(() => {})
    return turn
  }

  /** Submits a copy of a range to a buffer that can be mapped; null where there is nothing to copy. */
  private copyOut({ storage, offset, bytes }: Bindable): GPUBuffer | null {
    this.flush()
    this.faults.check()
    storage.checkLasts('read')
    if (bytes === 0) return null
    if (!storage.buffer) {
      const why = this.inStep ? 'belongs to a step being recorded; read it after' : 'was never written'
      throw new DistillError('ended', `read: ${storage.label} ${why}`)
    }
    storage.checkWritten('read')
    const staging = this.staging.take(wholeWords(bytes), 'read')
    const encoder = this.device.createCommandEncoder({ label: 'read' })
    encoder.copyBufferToBuffer(storage.buffer, offset, staging, 0, wholeWords(bytes))
    this.submit(encoder.finish({ label: 'read' }), null)
    return staging
  }

  private async mapped(staging: GPUBuffer, { storage, bytes }: Bindable): Promise<ArrayBuffer> {
    const ready = await this.wait(() =>
      staging.mapAsync(MAP_READ, 0, wholeWords(bytes)).then(
        () => true,
        () => false,
      ),
    )
    if (!ready) {
      // Some implementations refuse to map before they say that the device is lost.
      await Promise.race([this.faults.lost, new Promise((resolve) => setTimeout(resolve, 200))])
      this.faults.check()
      throw new DistillError('device', `read: ${storage.label} could not be mapped`)
    }
    const copy = staging.getMappedRange(0, wholeWords(bytes)).slice(0, bytes)
    staging.unmap()
    this.staging.give(staging)
    return copy
  }

  /** Bytes and buffers the engine holds, free ones in its pools included. */
  memory(): { bytes: number; buffers: number } {
    const pools = [this.buffers, this.scratch, this.uniforms, this.staging]
    return { bytes: pools.reduce((n, p) => n + p.bytes, 0), buffers: pools.reduce((n, p) => n + p.count, 0) }
  }

  /** Frees everything. A device that was handed in stays alive. */
  destroy(): void {
    this.faults.keep(new DistillError('ended', 'the engine was destroyed'))
    this.faults.close()
    for (const pool of [this.buffers, this.scratch, this.uniforms, this.staging]) pool.destroy()
    if (this.own) this.device.destroy()
  }
}
