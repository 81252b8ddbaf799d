// A network's numbers in a few flat buffers: parameters, gradients, running statistics. Every tensor in them starts on
// a 256-byte boundary and the padding stays 0, so that an optimizer is one dispatch over the whole.
import { InputError, ShapeError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { assign, persistent, type Shape, sameShape, showShape, sizeOf, Tensor } from '../tensor.ts'

export interface Spec {
  /** torchvision-like, e.g. `layer2.0.downsample.0.weight`. */
  name: string
  shape: Shape
  values: Float32Array
  kind: 'weight' | 'norm' | 'bias' | 'running'
}

const ALIGN = 64

/** Tensors of one role, one after another in one buffer. */
class Flat {
  readonly whole: Tensor
  readonly views = new Map<string, Tensor>()
  readonly offsets = new Map<string, number>()

  constructor(gpu: Gpu, specs: readonly Spec[], label: string) {
    let end = 0
    for (const { name, shape } of specs) {
      this.offsets.set(name, end)
      end += Math.ceil(Math.max(1, sizeOf(shape)) / ALIGN) * ALIGN
    }
    this.whole = persistent(gpu, [Math.max(end, ALIGN)], null, 'f32', 'row', label)
    for (const { name, shape } of specs) {
      this.views.set(name, new Tensor(this.whole.storage, 4 * this.offsets.get(name)!, shape))
    }
  }
}

export class Parameters {
  private values: Flat
  private gradients: Flat
  private running: Flat
  private readonly trained: readonly Spec[]
  private readonly specs: readonly Spec[]
  /** Elements of the flat buffers that take weight decay when norms and biases do not: weights lie first. */
  readonly weightsEnd: number

  constructor(
    readonly gpu: Gpu,
    specs: readonly Spec[],
  ) {
    if (typeof gpu?.allocate !== 'function') throw new InputError('Parameters: needs a Gpu: pass engine.gpu')
    const rank = { weight: 0, norm: 1, bias: 1, running: 2 }
    const names = new Set<string>()
    for (const { name, shape, values, kind } of specs) {
      if (names.has(name)) throw new InputError(`Parameters: '${name}' is there twice`)
      names.add(name)
      if (!Object.hasOwn(rank, kind))
        throw new InputError(`Parameters: '${name}' is a '${kind}', needs ${Object.keys(rank).join(', ')}`)
      checkCount('Parameters', name, shape, values)
    }
    // Weight-decay groups lie contiguously: weights, then norms and biases, each in the network's order.
    this.specs = specs
    this.trained = specs.filter((s) => s.kind !== 'running').sort((a, b) => rank[a.kind] - rank[b.kind])
    this.values = new Flat(gpu, this.trained, 'parameters')
    this.gradients = new Flat(gpu, this.trained, 'gradients')
    this.running = new Flat(
      gpu,
      specs.filter((s) => s.kind === 'running'),
      'running',
    )
    const firstOther = this.trained.find((s) => s.kind !== 'weight')
    this.weightsEnd = firstOther ? this.values.offsets.get(firstOther.name)! : this.values.whole.size
    for (const { name } of this.trained) {
      const t = this.values.views.get(name)!
      t.requiresGrad = true
      t.grad = this.gradients.views.get(name)!
    }
    for (const { name, values } of specs) assign(this.get(name), values)
  }

  /** All parameters as one tensor, padding included; likewise their gradients and the running statistics. */
  get flat(): { values: Tensor; gradients: Tensor; running: Tensor; withoutGradient(): Tensor[] } {
    const [values, gradients, running] = [this.values.whole, this.gradients.whole, this.running.whole]
    return { values, gradients, running, withoutGradient: () => this.withoutGradient() }
  }

  get(name: string): Tensor {
    const t = this.values.views.get(name) ?? this.running.views.get(name)
    if (!t) throw new InputError(`no parameter '${name}'; there are ${this.names().slice(0, 4).join(', ')}, …`)
    return t
  }

  /** Every name, running statistics included, in the network's order. */
  names(): string[] {
    return this.specs.map((s) => s.name)
  }

  /** Parameters in the network's order, without running statistics. */
  trainable(): { name: string; tensor: Tensor }[] {
    return this.specs.filter((s) => s.kind !== 'running').map(({ name }) => ({ name, tensor: this.get(name) }))
  }

  /** Number of trained values, padding not counted. */
  count(): number {
    return this.trained.reduce((n, s) => n + sizeOf(s.shape), 0)
  }

  /** The next backward overwrites the gradients instead of adding to them. Costs nothing. */
  zeroGrad(): void {
    for (const { name } of this.trained) this.values.views.get(name)!.gradEmpty = true
  }

  /**
   * Parameters that got no gradient since `zeroGrad`, where others did: an optimizer's step sets theirs to 0. Where none
   * did the gradients are not of a `backward` that was called: of a replayed step, or assigned. They count.
   */
  withoutGradient(): Tensor[] {
    const without = this.trained.map((s) => this.values.views.get(s.name)!).filter((t) => t.gradEmpty)
    return without.length < this.trained.length ? without : []
  }

  /** Stops or resumes gradients for all parameters (frozen networks). */
  requireGradients(on: boolean): void {
    for (const { name } of this.trained) this.values.views.get(name)!.requiresGrad = on
  }

  /** All values by name, running statistics included: what a checkpoint stores. */
  async state(): Promise<Map<string, { shape: Shape; data: Float32Array }>> {
    const [values, running] = await Promise.all([this.values.whole.read(), this.running.whole.read()])
    const state = new Map<string, { shape: Shape; data: Float32Array }>()
    for (const { name, shape, kind } of this.specs) {
      const [flat, from] = kind === 'running' ? [running, this.running] : [values, this.values]
      const start = from.offsets.get(name)!
      state.set(name, { shape, data: (flat as Float32Array).slice(start, start + sizeOf(shape)) })
    }
    return state
  }

  /** Throws InputError for missing or unknown names, ShapeError for other shapes. */
  checkState(state: ReadonlyMap<string, { shape: Shape; data: Float32Array }>): void {
    for (const name of state.keys()) this.get(name)
    for (const { name, shape } of this.specs) {
      const found = state.get(name)
      if (!found) throw new InputError(`load: '${name}' is missing; the file is of another network`)
      if (!sameShape(found.shape, shape)) {
        throw new ShapeError(`load: '${name}' is ${showShape(found.shape)}, the network has ${showShape(shape)}`)
      }
      checkCount('load', name, shape, found.data)
    }
  }

  /** Loads values by name, all of them or none. Throws as `checkState` does. */
  load(state: ReadonlyMap<string, { shape: Shape; data: Float32Array }>): void {
    this.checkState(state)
    for (const { name } of this.specs) assign(this.get(name), state.get(name)!.data)
  }
}

function checkCount(op: string, name: string, shape: Shape, values: ArrayLike<number>): void {
  if (values?.length === sizeOf(shape)) return
  throw new ShapeError(`${op}: '${name}' has ${values?.length ?? 'no'} values for shape ${showShape(shape)}`)
}
