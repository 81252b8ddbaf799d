// A step as a recorded list of dispatches. Recording touches no GPU object; `seal` plans memory by liveness and makes
// the bind groups; `replay` is one uniform upload, one encoder, one pass, one submit.
import { DistillError, InputError } from '../errors.ts'
import { compileAll, tally } from './compiling.ts'
import type { Gpu } from './gpu.ts'
import { type Bindable, checkSize, type Storage } from './memory.ts'
import type { Pipeline } from './pipelines.ts'
import { type ParamValue, Scalar } from './scalar.ts'
import type { Field } from './shader.ts'

interface Use {
  index: number
  bindable: Bindable
}

interface Command {
  pipeline: Pipeline
  uses: Use[]
  /** Offset of the uniform slot, or -1. */
  slot: number
  slotBytes: number
  paramsIndex: number
  groups: [number, number, number]
  bindGroup: GPUBindGroup | null
}

interface Patch {
  offset: number
  type: Field['type']
  scalar: Scalar
  last: number
}

const SLOT = 256

export class Tape {
  readonly commands: Command[] = []
  private view = new DataView(new ArrayBuffer(64 * SLOT))
  private used = 0
  private patches: Patch[] = []
  private uniforms: GPUBuffer | null = null
  private sealed = false
  private ran = false
  /** What it made and its caller keeps; holds nothing before the first run. */
  results: readonly Storage[] = []
  /** Results of other steps that had not run when this one was recorded. */
  private awaited = new Set<Storage>()
  /** What recording has changed besides, to be taken back where it is given up. */
  private undos: (() => void)[] = []
  /** Seconds one replay took, as last measured; 0 when unknown. */
  seconds = 0

  constructor(
    readonly gpu: Gpu,
    readonly label: string,
    /** Runs what was called, once: a Scalar counts as it was at the call. Otherwise as it is at each replay. */
    readonly once = false,
  ) {}

  record(
    pipeline: Pipeline,
    uses: Use[],
    params: { index: number; bytes: number; fields: Map<string, Field>; values: Record<string, ParamValue> } | null,
    groups: [number, number, number],
  ): void {
    for (const { bindable } of uses) this.checkUsable(bindable.storage, pipeline.label)
    const slot = params ? this.takeSlot(params.bytes) : -1
    if (params) this.writeParams(slot, params.fields, params.values)
    this.commands.push({
      pipeline,
      uses,
      slot,
      slotBytes: params?.bytes ?? 0,
      paramsIndex: params?.index ?? -1,
      groups,
      bindGroup: null,
    })
  }

  /**
   * Of a Scalar the number it has at the call, where what is called runs once; elsewhere each replay takes its own. What
   * an op keeps for its gradient goes through here too, so that both have the same number.
   */
  atCall(value: number | Scalar): number | Scalar {
    if (!this.once || !(value instanceof Scalar)) return value
    this.checkGiven(value)
    return value.value
  }

  /** At the call, so that what was called before stays as it is. */
  private checkUsable(storage: Storage, where: string): void {
    storage.checkLasts(where)
    if (!storage.buffer) checkSize(this.gpu.device.limits, storage.bytes, storage.label)
    if (storage.awaits === null) return
    if (this.once) storage.checkWritten(where)
    this.awaited.add(storage)
  }

  /** `undo` takes back what was changed along with what is being recorded. */
  changed(undo: () => void): void {
    this.undos.push(undo)
  }

  /** Nothing of it will run. */
  giveUp(): void {
    for (const undo of this.undos.reverse()) undo()
    for (const { storage } of this.commands.flatMap(({ uses }) => uses.map(({ bindable }) => bindable)))
      if (!storage.buffer) storage.ended ??= `was made inside '${this.label}', which failed`
  }

  private takeSlot(bytes: number): number {
    const slot = this.used
    this.used += Math.ceil(bytes / SLOT) * SLOT
    while (this.used > this.view.byteLength) {
      const wider = new Uint8Array(2 * this.view.byteLength)
      wider.set(new Uint8Array(this.view.buffer))
      this.view = new DataView(wider.buffer)
    }
    return slot
  }

  private writeParams(slot: number, fields: Map<string, Field>, values: Record<string, ParamValue>): void {
    for (const [name, value] of Object.entries(values)) {
      const field = fields.get(name)!
      const items = typeof value === 'number' || value instanceof Scalar ? [value] : value
      items.forEach((item, i) => {
        const offset = slot + field.offset + 4 * i
        const given = this.atCall(item)
        const number = given instanceof Scalar ? given.value : given
        this.write(offset, field.type, number)
        if (given instanceof Scalar) this.patches.push({ offset, type: field.type, scalar: given, last: number })
      })
    }
  }

  private write(offset: number, type: Field['type'], value: number): void {
    if (type === 'f32') this.view.setFloat32(offset, value, true)
    else if (type === 'u32') this.view.setUint32(offset, value, true)
    else this.view.setInt32(offset, value, true)
  }

  /**
   * Gives every storage a buffer and every dispatch its bind group. Storages in `kept` get buffers of their own;
   * the others share scratch buffers, free again after their last use. A buffer is released only after the dispatch
   * that uses it last has taken its own, so no dispatch reads and writes one buffer through two storages.
   */
  seal(kept: ReadonlySet<Storage>): void {
    const { gpu } = this
    for (const { scalar, last } of this.patches) this.checkSteady(scalar, last)
    this.plan(kept)
    if (this.used > 0) this.uniforms = gpu.uniforms.take(this.used, this.label)
    for (const command of this.commands) command.bindGroup = this.bind(command)
    for (const command of this.commands)
      for (const { bindable } of command.uses)
        if (!kept.has(bindable.storage) && !gpu.persistent.has(bindable.storage))
          bindable.storage.ended = 'was made inside a step that has ended; return it from the step to keep it'
    this.sealed = true
    if (this.used > 0) gpu.device.queue.writeBuffer(this.uniforms!, 0, this.view.buffer, 0, this.used)
  }

  /** Buffers for storages that have none. */
  private plan(kept: ReadonlySet<Storage>): void {
    const { gpu } = this
    const last = new Map<Storage, number>()
    this.commands.forEach((command, i) => {
      for (const { bindable } of command.uses) if (!bindable.storage.buffer) last.set(bindable.storage, i)
    })
    const poolOf = (storage: Storage) => (kept.has(storage) ? gpu.buffers : gpu.scratch)
    // A step that was recorded meanwhile may have ended what this one uses.
    for (const { pipeline, uses } of this.commands)
      for (const { bindable } of uses) bindable.storage.checkLasts(pipeline.label)
    this.commands.forEach((command, i) => {
      for (const { bindable } of command.uses) {
        const { storage } = bindable
        storage.buffer ??= poolOf(storage).take(storage.bytes, storage.label)
      }
      for (const { bindable } of command.uses) {
        const { storage } = bindable
        if (last.get(storage) === i && !kept.has(storage)) {
          gpu.scratch.give(storage.buffer!)
          last.delete(storage)
        }
      }
    })
  }

  private bind(command: Command): GPUBindGroup {
    const entries: GPUBindGroupEntry[] = command.uses.map(({ index, bindable }) => ({
      binding: index,
      resource: {
        buffer: bindable.storage.buffer!,
        offset: bindable.offset,
        size: Math.max(4, Math.ceil(bindable.bytes / 4) * 4),
      },
    }))
    if (command.slot >= 0) {
      const resource = { buffer: this.uniforms!, offset: command.slot, size: command.slotBytes }
      entries.push({ binding: command.paramsIndex, resource })
    }
    return this.gpu.device.createBindGroup({ label: command.pipeline.label, layout: command.pipeline.layout, entries })
  }

  /** Compiles every pipeline of the tape, so that its first run takes no longer than the others. */
  compile(): Promise<void> {
    return compileAll(this.gpu, this.label, this.commands)
  }

  /** Uploads changed scalars, then runs every dispatch in order, in one submit. */
  replay(): void {
    this.upload()
    const first = this.gpu.onCompiling && !this.ran ? this.replayNew() : 0
    this.ran = true
    if (first < this.commands.length) this.submit(first, this.commands.length, this)
  }

  /**
   * Up to the last dispatch whose pipeline has never run, with a submit for every one that has not: for whoever listens to
   * how far they are. Returns the place behind it.
   */
  private replayNew(): number {
    const ends = new Map<Pipeline, number>()
    for (const [i, { pipeline }] of this.commands.entries())
      if (!pipeline.ran && !ends.has(pipeline)) ends.set(pipeline, i + 1)
    const done = tally(this.gpu, { step: this.label, phase: 'first run', total: ends.size })
    let first = 0
    for (const end of ends.values()) {
      this.submit(first, end, end === this.commands.length ? this : null)
      this.gpu.device.queue.onSubmittedWorkDone().then(done, () => {})
      first = end
    }
    return first
  }

  private submit(first: number, end: number, tape: Tape | null): void {
    const encoder = this.gpu.device.createCommandEncoder({ label: this.label })
    const pass = encoder.beginComputePass({ label: this.label })
    this.encode(pass, first, end)
    pass.end()
    this.gpu.submit(encoder.finish({ label: this.label }), tape)
  }

  /** Uploads the scalars that have changed since the last time. */
  upload(): void {
    if (!this.sealed) throw new DistillError('ended', `${this.label}: can't run, it was released`)
    this.gpu.faults.check()
    let low = Number.POSITIVE_INFINITY
    let high = 0
    for (const { scalar } of this.patches) this.checkGiven(scalar)
    for (const storage of this.awaited) storage.checkWritten(this.label)
    this.awaited.clear()
    for (const storage of this.results) storage.awaits = null
    this.results = []
    for (const patch of this.patches) {
      if (Object.is(patch.scalar.value, patch.last)) continue
      patch.last = patch.scalar.value
      this.write(patch.offset, patch.type, patch.last)
      low = Math.min(low, patch.offset)
      high = Math.max(high, patch.offset + 4)
    }
    if (high > 0) this.gpu.device.queue.writeBuffer(this.uniforms!, low, this.view.buffer, low, high - low)
  }

  private checkGiven({ name, value }: Scalar): void {
    if (typeof value === 'number' && !Number.isNaN(value)) return
    throw new InputError(
      `${this.label}: '${name}' is ${value}; give it a value first (an optimizer's: advance(t) before step)`,
    )
  }

  private checkSteady({ name, value }: Scalar, recorded: number): void {
    if (Object.is(value, recorded)) return
    throw new InputError(
      `${this.label}: '${name}' went from ${recorded} to ${value} while the step was recorded, of which every run takes ` +
        'one value; use a Scalar for each',
    )
  }

  /** Dispatches `first` … before `end`, into a pass of the caller's. */
  encode(pass: GPUComputePassEncoder, first: number, end: number): void {
    let current: Pipeline | null = null
    for (let i = first; i < end; i++) {
      const { pipeline, bindGroup, groups } = this.commands[i]
      if (pipeline !== current) pass.setPipeline(pipeline.get())
      current = pipeline
      pass.setBindGroup(0, bindGroup)
      pass.dispatchWorkgroups(groups[0], groups[1], groups[2])
    }
  }

  /** Gives the uniform buffer back, and keeps no tensors alive. The tape can't be replayed after. */
  release(): void {
    if (this.uniforms) this.gpu.uniforms.give(this.uniforms)
    this.uniforms = null
    this.sealed = false
    this.commands.length = 0
    this.view = new DataView(new ArrayBuffer(0))
  }
}
