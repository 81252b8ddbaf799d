// What the notes' table of fusions compares: one thing computed by what the networks run and by separate ops of ours.
import { backward } from '../../src/autograd.ts'
import type { Engine } from '../../src/engine.ts'
import type { Tape } from '../../src/gpu/tape.ts'
import { type ResNetConfig, resnet } from '../../src/nn/resnet.ts'
import { batchNorm } from '../../src/ops/batchNorm.ts'
import { ece } from '../../src/ops/calibration.ts'
import { pad, slice } from '../../src/ops/copy.ts'
import { distillLoss, SUMS } from '../../src/ops/distillLoss.ts'
import { pictureSource } from '../../src/ops/pictures.ts'
import { add, div, exp, mul, neg, scale, sub } from '../../src/ops/pointwise.ts'
import { mean, sum } from '../../src/ops/reduce.ts'
import { relu } from '../../src/ops/relu.ts'
import { resizeArea } from '../../src/ops/resize.ts'
import { topk } from '../../src/ops/select.ts'
import { logSoftmax, softmax } from '../../src/ops/softmax.ts'
import { adamW } from '../../src/optim.ts'
import { stream } from '../../src/random.ts'
import { assign, type Shape, sizeOf, Tensor } from '../../src/tensor.ts'
import { uniform } from '../check.ts'

export interface Fusion {
  name: string
  /** What both forms compute, in the same order. */
  fused: () => Tensor[]
  separate: () => Tensor[]
}

/** Pictures a batch. */
const N = 64

/** Not `augmented`, pictures stay where they are, which both forms can do. */
export function fusions(engine: Engine, augmented: boolean): Fusion[] {
  return [
    norm(engine, [N, 16, 28, 28], { residual: false, training: false }),
    norm(engine, [N, 16, 28, 28], { residual: false, training: true }),
    norm(engine, [N, 16, 28, 28], { residual: true, training: false }),
    norm(engine, [N, 16, 28, 28], { residual: true, training: true }),
    norm(engine, [N, 64, 7, 7], { residual: true, training: true }),
    teacher(engine),
    pictures(engine, augmented),
    loss(engine, 10),
    loss(engine, 100),
    optimizer(engine),
  ]
}

/** Dispatches of a tape, and bytes of what each binds; what it binds twice counts once. */
export function weigh({ commands }: Tape): { dispatches: number; bytes: number } {
  const bytes = commands.map(({ uses }) => {
    const bound = new Map(uses.map(({ bindable }) => [`${bindable.storage.id} ${bindable.offset}`, bindable.bytes]))
    return [...bound.values()].reduce((total, each) => total + each, 0)
  })
  return { dispatches: commands.length, bytes: bytes.reduce((total, each) => total + each, 0) }
}

const seeded = (engine: Engine, shape: Shape, seed: number, requiresGrad = false) =>
  engine.tensor(uniform(sizeOf(shape), seed), shape, { layout: shape.length === 4 ? 'chwn' : 'row', requiresGrad })

/** Statistics of the batch; forward alone, or with the gradients of x, of the weights and of the residual. */
function norm(engine: Engine, shape: Shape, { residual, training }: { residual: boolean; training: boolean }): Fusion {
  const [, c, h] = shape
  const [x, r] = [seeded(engine, shape, 1, training), seeded(engine, shape, 2, training)]
  const [gamma, beta] = [seeded(engine, [c], 3, training), seeded(engine, [c], 4, training)]
  const weights = { gamma, beta, runningMean: engine.zeros([c]), runningVar: engine.full([c], 1) }
  const dy = seeded(engine, shape, 5)
  const leaves = residual ? [x, gamma, beta, r] : [x, gamma, beta]
  const both = (y: Tensor) => {
    if (!training) return [y]
    for (const leaf of leaves) leaf.gradEmpty = true
    backward(y, dy)
    return [y, ...leaves.map((leaf) => leaf.grad!)]
  }
  return {
    name: `batch norm${residual ? ' + residual' : ''} + ReLU ${c}@${h}, ${training ? 'both passes' : 'forward'}`,
    fused: () => both(batchNorm(x, weights, { train: true, relu: true, residual: residual ? r : undefined })),
    separate: () => {
      const y = batchNorm(x, weights, { train: true })
      return both(relu(residual ? add(y, r) : y))
    },
  }
}

const WIDE: ResNetConfig = { depth: 14, widths: [16, 32, 64], channels: 1 }

/** The whole network in evaluation; unfolded, every convolution is followed by a norm with residual and ReLU in it. */
function teacher(engine: Engine): Fusion {
  const network = resnet(engine.gpu, WIDE, stream(1, 'teacher'))
  network.parameters.requireGradients(false)
  const folded = network.fold()
  const x = seeded(engine, [N, 1, 28, 28], 1)
  return {
    name: 'frozen ResNet-14 at 28 px: norms folded',
    fused: () => [network.forward(x, { train: false, folded })],
    separate: () => [network.forward(x, { train: false })],
  }
}

/** Bytes to a batch at half its size. Ours have no random shift: the separate passes shift and mirror all alike. */
function pictures(engine: Engine, augmented: boolean): Fusion {
  const size = 28
  const images = Uint8Array.from(uniform(N * size * size, 1), (v) => 255 * Math.abs(v))
  const form = { images, n: N, channels: 1, height: size, width: size }
  const [average, deviation] = [0.286, 0.353]
  const plain = pictureSource(engine.gpu, { ...form, mean: [0], std: [1] }, N)
  const normalised = pictureSource(engine.gpu, { ...form, mean: [average], std: [deviation] }, N)
  for (const source of [plain, normalised]) source.select(Uint32Array.from({ length: N }, (_, i) => i))
  const half = { height: size / 2, width: size / 2 }
  const shift = augmented ? 2 : 0
  const random = { shift, flip: augmented, key: [1, 2], counter: engine.scalar('counter', 0) } as const
  return {
    name: `bytes → shifted, mirrored, normalised, at ${half.width} px`,
    fused: () => [normalised.view({ ...half, augmentation: random })],
    separate: () => {
      const wide = pad(plain.view({ height: size, width: size }), [0, 0, 2, 2, 0, 0, 2, 2])
      const middle = slice(wide, {
        starts: [2 - shift, 2 + shift],
        ends: [2 - shift + size, 2 + shift + size],
        axes: [2, 3],
      })
      const faced = augmented
        ? slice(middle, { starts: [-1], ends: [Number.NEGATIVE_INFINITY], axes: [3], steps: [-1] })
        : middle
      return [resizeArea(div(sub(faced, average), deviation), [half.height, half.width])]
    },
  }
}

/** Cross-entropy and one teacher at T = 4, the gradient, and the metrics of the batch. */
function loss(engine: Engine, classes: number): Fusion {
  const [T, weight, shape] = [4, 0.5, [N, classes]]
  const [s, t] = [seeded(engine, shape, 1, true), seeded(engine, shape, 2)]
  const classOf = Uint32Array.from({ length: N }, (_, n) => (7 * n + 3) % classes)
  const labels = engine.tensor(classOf, [N], { dtype: 'u32' })
  const target = engine.tensor(
    Array.from({ length: N * classes }, (_, i) => (i % classes === classOf[Math.floor(i / classes)] ? 1 : 0)),
    shape,
  )
  const metrics = engine.zeros([SUMS])
  const overClasses = (x: Tensor) => sum(x, { axes: 1 })
  const edges = [{ logits: t, temperature: T, weight }]
  return {
    name: `CE + T²KL + gradient + metrics ${N}x${classes}`,
    fused: () => {
      const { loss, gradient } = distillLoss(s, { labels, edges, ceWeight: 1 - weight, metrics, gradient: true })
      return [loss, gradient!]
    },
    separate: () => {
      s.gradEmpty = true
      const logP = logSoftmax(s)
      const nll = neg(overClasses(mul(target, logP)))
      const apart = sub(logSoftmax(t, { temperature: T }), logSoftmax(s, { temperature: T }))
      const kl = mean(overClasses(mul(softmax(t, { temperature: T }), apart)))
      const total = add(scale(mean(nll), 1 - weight), scale(kl, weight * T * T))
      backward(total)
      engine.noGrad(() => {
        const p = exp(logP)
        neg(overClasses(mul(p, logP))) // entropy
        const off = sub(p, target)
        overClasses(mul(off, off)) // Brier score
        topk(s, 5)
        ece({ logits: s, labels }) // with it accuracy and confidence
      })
      return [total, s.grad!]
    },
  }
}

/** AdamW over the flat buffers, or over every parameter alone. */
function optimizer(engine: Engine): Fusion {
  const [together, apart] = [0, 1].map(() => resnet(engine.gpu, { ...WIDE, depth: 8 }, stream(1, 'student')).parameters)
  for (const { flat } of [together, apart]) assign(flat.gradients, uniform(flat.gradients.size, 7))
  const { values, gradients } = apart.flat
  const whole = adamW(together.flat, { lr: 1e-3 })
  const parts = apart.trainable().map(({ tensor: { offset, shape } }) => {
    const [x, dx] = [values, gradients].map(({ storage }) => new Tensor(storage, offset, [sizeOf(shape)]))
    return adamW({ values: x, gradients: dx }, { lr: 1e-3 })
  })
  for (const each of [whole, ...parts]) each.advance(1)
  return {
    name: `AdamW of ResNet-8, ${parts.length} parameters`,
    fused: () => {
      whole.step()
      return apart.trainable().map(({ name }) => together.get(name))
    },
    separate: () => {
      for (const part of parts) part.step()
      return apart.trainable().map(({ tensor }) => tensor)
    },
  }
}
