// What goes wrong on a device, made typed and told once. WebGPU reports errors later than it makes them: the first
// fault is kept and thrown at the next point where the caller waits or dispatches.
import { DeviceLostError, type DistillError, OutOfMemoryError, ShaderError } from '../errors.ts'

export class Faults {
  first: DistillError | null = null
  /** Scopes still open; awaited before results are handed out. */
  private open = new Set<Promise<void>>()
  /** What was submitted last, for the message of a lost device. */
  running = 'nothing'
  closing = false
  readonly lost: Promise<void>
  /** Ends what waits for the device when it is lost; null from then on. */
  private waiting: Set<() => void> | null = new Set()

  constructor(private device: GPUDevice) {
    this.lost = device.lost.then((info) => {
      for (const end of this.waiting!) end()
      this.waiting = null
      if (this.closing) return
      const why = info.message.split('\n')[0] || info.reason || 'no reason given'
      this.keep(new DeviceLostError(`device lost while running ${this.running}: ${why}. Make a new engine with init()`))
    })
    device.addEventListener('uncapturederror', this.uncaptured)
  }

  /**
   * What was asked of the device, or undefined where it is lost before. A promise keeps every reaction to it as long as
   * it is pending: that to the loss is one for all waits.
   */
  async orLost<T>(asked: Promise<T>): Promise<T | undefined> {
    let end = () => {}
    const lost = new Promise<undefined>((resolve) => {
      end = () => resolve(undefined)
    })
    if (this.waiting) this.waiting.add(end)
    else end()
    try {
      return await Promise.race([asked, lost])
    } finally {
      this.waiting?.delete(end)
    }
  }

  private uncaptured = (event: Event) => {
    const { error } = event as GPUUncapturedErrorEvent
    const memory = typeof GPUOutOfMemoryError !== 'undefined' && error instanceof GPUOutOfMemoryError
    const text = `${this.running}: ${error.message}`
    event.preventDefault()
    this.keepAfterScopes(memory ? new OutOfMemoryError(text) : new ShaderError(text))
  }

  /** From now on the device's errors are for others: whoever handed it in keeps it. */
  close(): void {
    this.closing = true
    this.device.removeEventListener('uncapturederror', this.uncaptured)
  }

  keep(fault: DistillError): void {
    this.first ??= fault
  }

  /** An error nobody caught is often the echo of one that an open scope explains better: that one goes first. */
  private keepAfterScopes(fault: DistillError): void {
    const waiting = Promise.all(this.open).then(() => {
      this.keep(fault)
      this.open.delete(waiting)
    })
    this.open.add(waiting)
  }

  /** Throws the first fault, if any. Cheap: called by every dispatch and read. */
  check(): void {
    if (this.first) throw this.first
  }

  /** Waits for the open scopes, then throws the first fault, if any. */
  async settle(): Promise<void> {
    while (this.open.size > 0) await Promise.all(this.open)
    this.check()
  }

  /**
   * Waits for the open scopes and takes back that the device does not compile a kernel: whoever only tries one goes on.
   * Throws any other fault.
   */
  async refusal(): Promise<ShaderError | null> {
    while (this.open.size > 0) await Promise.all(this.open)
    const { first } = this
    if (!(first instanceof ShaderError)) {
      this.check()
      return null
    }
    this.first = null
    return first
  }

  /** Runs `make` under an error scope; `explain` turns a fault into a typed error. */
  scoped<T>(
    kind: GPUErrorFilter,
    make: () => T,
    explain: (message: string) => DistillError | Promise<DistillError>,
  ): T {
    this.device.pushErrorScope(kind)
    let made: T
    try {
      made = make()
    } catch (error) {
      this.device.popErrorScope().catch(() => {})
      throw error
    }
    const settled = this.device
      .popErrorScope()
      .then(async (error) => {
        if (error) this.keep(await explain(error.message))
      })
      .catch(() => {})
      .finally(() => this.open.delete(settled))
    this.open.add(settled)
    return made
  }
}
