// Reverse mode. An op records how its output's gradient flows to its inputs; `backward` walks the graph once, iterative
// and in a fixed order. A gradient is written where it belongs, or added there: no temporaries, no sums afterwards.
import accumulateSource from '../shaders/accumulate.wgsl'
import { DistillError, InputError, ShapeError } from './errors.ts'
import type { Gpu } from './gpu/gpu.ts'
import { kernels } from './gpu/kernel.ts'
import type { Storage } from './gpu/memory.ts'
import type { Tape } from './gpu/tape.ts'
import { type Backward, type Destination, empty, persistent, sameShape, showShape, Tensor } from './tensor.ts'

const accumulate_ = kernels<'into' | 'copy4' | 'add4' | 'zero'>(accumulateSource)

/**
 * Notes how `y` came from `inputs`. `backward` gets dy and one destination per input, null where no gradient is wanted.
 * Returns y.
 */
export function record(op: string, y: Tensor, inputs: readonly Tensor[], backward: Backward): Tensor {
  if (!y.gpu.recording || !inputs.some((x) => x.requiresGrad)) return y
  y.requiresGrad = true
  y.node = { op, inputs, backward }
  return y
}

/** Runs `fn` without recording a graph. Throws InputError for a function that is not synchronous. */
export function noGrad<T>(gpu: Gpu, fn: () => T): T {
  const before = gpu.recording
  gpu.recording = false
  try {
    const result = fn()
    if (result instanceof Promise) throw new InputError('noGrad: takes a synchronous function, got a promise')
    return result
  } finally {
    gpu.recording = before
  }
}

function checkAlike(src: Tensor, dst: Tensor): void {
  if (sameShape(src.shape, dst.shape) && src.layout === dst.layout) return
  throw new ShapeError(`gradient: ${showShape(src.shape)} ${src.layout} for ${showShape(dst.shape)} ${dst.layout}`)
}

/** dst = src or dst += src. Both lie alike. */
export function accumulate(src: Tensor, dst: Tensor, add: 0 | 1): void {
  checkAlike(src, dst)
  const params = { n: src.size, add }
  if (src.size % 4 !== 0) accumulate_.into({ src, dst }, params, { threads: [src.size] })
  else accumulate_[add ? 'add4' : 'copy4']({ src4: src, dst4: dst }, params, { threads: [src.size / 4] })
}

export function fillZero(dst: Tensor): void {
  accumulate_.zero({ dst }, { n: dst.size, add: 0 }, { threads: [dst.size] })
}

/** Sets gradients to 0 that only an earlier step has written: of what this one does not use. */
export function clearOld({ withoutGradient }: { withoutGradient?(): readonly Tensor[] }): void {
  for (const { grad } of withoutGradient?.() ?? []) if (grad) fillZero(grad)
}

type Place = Pick<Destination, 'to' | 'add'>

/** A destination whose place is claimed by the first use of it. */
function claimedOnce(claim: () => Place, pass: Destination['pass']): Destination {
  let claimed: Place | null = null
  const place = () => {
    claimed ??= claim()
    return claimed
  }
  return {
    get to() {
      return place().to
    },
    get add() {
      return place().add
    },
    pass,
  }
}

/** Gradients on their way: who holds which, so that a shared one is never overwritten while another still needs it. */
class GradientSink {
  private pending = new Map<Tensor, Tensor>()
  private holders = new Map<Storage, number>()

  take(y: Tensor): Tensor | undefined {
    const dy = this.pending.get(y)
    this.pending.delete(y)
    return dy
  }

  /** Called once the gradient that `take` gave has been used. */
  done(dy: Tensor): void {
    this.hold(dy, -1)
  }

  /** Marks a gradient that belongs to the caller: it may be handed on, never added to. */
  keep(dy: Tensor): void {
    this.hold(dy, 1)
  }

  private hold(t: Tensor, by: number): void {
    this.holders.set(t.storage, (this.holders.get(t.storage) ?? 0) + by)
  }

  put(x: Tensor, gradient: Tensor, kept = false): void {
    if (x.node === null) {
      const { to, add } = this.destination(x)
      accumulate(gradient, to, add)
    } else if (this.pending.has(x)) {
      // Both may be one tensor, handed on twice: nothing is added to it while it is read.
      this.hold(gradient, 1)
      const { to } = this.destination(x)
      accumulate(gradient, to, 1)
      this.hold(gradient, -1)
    } else {
      checkAlike(gradient, x)
      this.pending.set(x, gradient)
      this.hold(gradient, kept ? 2 : 1)
    }
  }

  /** The place for a gradient of x, claimed on first use of `to`. */
  for(x: Tensor): Destination {
    return claimedOnce(
      () => this.destination(x),
      (gradient, kept) => this.put(x, gradient, kept),
    )
  }

  private destination(x: Tensor): Place {
    if (x.node === null) return leafDestination(x)
    const known = this.pending.get(x)
    if (!known) {
      const to = empty(x.gpu, x.shape, 'f32', x.layout, 'gradient')
      this.pending.set(x, to)
      this.hold(to, 1)
      return { to, add: 0 }
    }
    if ((this.holders.get(known.storage) ?? 0) <= 1) return { to: known, add: 1 }
    const copy = empty(x.gpu, x.shape, 'f32', x.layout, 'gradient')
    accumulate(known, copy, 0)
    this.pending.set(x, copy)
    this.hold(known, -1)
    this.hold(copy, 1)
    return { to: copy, add: 1 }
  }
}

/** A second destination for a tensor that is two inputs of one op: a kernel can't write one buffer through two names. */
function apart(x: Tensor, sink: GradientSink, again: (() => void)[]): Destination {
  const pass: Destination['pass'] = (gradient, kept) => sink.put(x, gradient, kept)
  return ofItsOwn(x, (gradient) => again.push(() => pass(gradient)), pass)
}

/** A new tensor for a gradient of x, which `made` gets at the first use. */
function ofItsOwn(x: Tensor, made: (to: Tensor) => void, pass: Destination['pass']): Destination {
  return claimedOnce(() => {
    const to = empty(x.gpu, x.shape, 'f32', x.layout, 'gradient')
    made(to)
    return { to, add: 0 }
  }, pass)
}

/** Gradients made here, for tensors outside `Parameters`: no `zeroGrad` tells when they begin anew. */
const own = new WeakSet<Tensor>()
/** The leaves that a captured step has a gradient for. */
const reached = new WeakMap<Tape, WeakSet<Tensor>>()

function leafDestination(x: Tensor): Place {
  const { tape } = x.gpu
  if (!x.grad) {
    x.grad = persistent(x.gpu, x.shape, null, 'f32', x.layout, 'gradient')
    x.gradEmpty = true
    own.add(x.grad)
  }
  const was = x.gradEmpty
  let fresh = was
  if (!tape.once && own.has(x.grad)) {
    const leaves = reached.get(tape) ?? new WeakSet()
    reached.set(tape, leaves)
    // Every run is a backward of its own: its first gradient overwrites what the run before has left.
    fresh ||= !leaves.has(x)
    leaves.add(x)
  }
  if (fresh) {
    x.gradEmpty = false
    tape.changed(() => {
      x.gradEmpty = was
    })
  }
  return { to: x.grad, add: fresh ? 0 : 1 }
}

/** The constant 1 that a scalar loss starts from; ops may test for it and skip a multiplication. */
const ones = new WeakMap<Gpu, Tensor>()

function unitOf(gpu: Gpu): Tensor {
  const one = ones.get(gpu) ?? persistent(gpu, [], [1], 'f32', 'row', 'one')
  ones.set(gpu, one)
  return one
}

export function isUnit(dy: Tensor): boolean {
  return ones.get(dy.gpu)?.storage === dy.storage
}

/** Outputs before inputs, each node once, in an order that depends on the graph alone. */
function order(root: Tensor): Tensor[] {
  const sorted: Tensor[] = []
  const seen = new Set<Tensor>()
  const stack: { tensor: Tensor; next: number }[] = [{ tensor: root, next: 0 }]
  seen.add(root)
  while (stack.length > 0) {
    const top = stack[stack.length - 1]
    const inputs = top.tensor.node?.inputs ?? []
    if (top.next < inputs.length) {
      const input = inputs[top.next++]
      if (input.node && input.requiresGrad && !seen.has(input)) {
        seen.add(input)
        stack.push({ tensor: input, next: 0 })
      }
    } else {
      sorted.push(top.tensor)
      stack.pop()
    }
  }
  return sorted.reverse()
}

/**
 * Computes the gradient of `y` for every leaf with `requiresGrad` and adds it to the leaf's `grad`. `dy` is the upstream
 * gradient, 1 for a scalar. A graph runs backward once, or again after `retain`. Throws ShapeError when y is no scalar
 * and dy is missing, InputError when dy is not f32.
 */
export function backward(y: Tensor, dy?: Tensor, { retain = false }: { retain?: boolean } = {}): void {
  if (!y.node)
    throw new DistillError('graph', 'backward: the tensor was not computed from anything that needs a gradient')
  if (!dy && y.size !== 1)
    throw new ShapeError(`backward: ${showShape(y.shape)} is no scalar; pass the upstream gradient`)
  if (dy && !sameShape(dy.shape, y.shape)) {
    throw new ShapeError(`backward: upstream gradient ${showShape(dy.shape)} for ${showShape(y.shape)}`)
  }
  if (dy && dy.size > 1 && dy.layout !== y.layout) {
    throw new ShapeError(`backward: upstream gradient in layout ${dy.layout} for ${y.layout}; toLayout brings it there`)
  }
  if (dy && dy.dtype !== 'f32') throw new InputError(`backward: upstream gradient of ${dy.dtype}, needs f32`)
  const given = dy ?? unitOf(y.gpu)
  // A single element lies alike in every shape and layout.
  const start = given.size > 1 ? given : new Tensor(given.storage, given.offset, y.shape, 'f32', y.layout)
  const sink = new GradientSink()
  noGrad(y.gpu, () => {
    const sorted = order(y)
    for (const t of sorted) {
      if (!t.node!.backward)
        throw new DistillError('graph', `backward: the graph of ${t.node!.op} has already run backward`)
    }
    sink.keep(start)
    sink.put(y, start)
    for (const t of sorted) {
      const node = t.node!
      const gradient = sink.take(t)
      const run = node.backward!
      if (!retain) node.backward = null
      if (!gradient) continue
      const again: (() => void)[] = []
      const places = node.inputs.map((x, i) => {
        if (!x.requiresGrad) return null
        return node.inputs.indexOf(x) === i ? sink.for(x) : apart(x, sink, again)
      })
      run(gradient, places)
      for (const finish of again) finish()
      sink.done(gradient)
      if (!retain) node.inputs = []
    }
  })
}

/**
 * What records the backward pass of y's op alone, as often as it is called: the gradients of the inputs that want one,
 * in their order. For clocks; a training step takes `backward`.
 */
export function backwardOf(y: Tensor, dy: Tensor): () => Tensor[] {
  const { inputs, backward } = y.node!
  return () => {
    const made: (Tensor | undefined)[] = []
    const places = inputs.map((x, i) => {
      const found = (gradient: Tensor) => {
        made[i] = gradient
      }
      return x.requiresGrad ? ofItsOwn(x, found, found) : null
    })
    noGrad(y.gpu, () => backward!(dy, places))
    return made.filter((each) => each !== undefined)
  }
}
