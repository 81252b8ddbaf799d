// A short test of the kernels that training runs on, against plain loops in float64. For a person who wonders whether
// this adapter and its driver compute what they should.
import { backward } from '../autograd.ts'
import type { Engine } from '../engine.ts'
import { distillLoss } from '../ops/distillLoss.ts'
import { batchNorm, conv2d, matmul, softmax } from '../ops/index.ts'
import { pictureSource } from '../ops/pictures.ts'
import { adamW } from '../optim.ts'
import { stream } from '../random.ts'
import type { Layout, Shape, Tensor } from '../tensor.ts'
import * as loops from './loops.ts'

export interface SelfTest {
  name: string
  ok: boolean
  /** Largest deviation over the largest value that was expected. */
  error: number
  tolerance: number
  seconds: number
  /** Why it could not be run; else empty. */
  fault: string
}

/** What a test compares: pairs of the device's values and the expected ones. */
type Pairs = [Tensor, ArrayLike<number>][]

const TOLERANCE = 1e-4

/** Float32 values around 0, so that both sides start from the same bits. */
function values(purpose: string, size: number, scale = 1, offset = 0): Float32Array {
  const random = stream(1, purpose)
  return Float32Array.from({ length: size }, () => offset + scale * (2 * random.uniform() - 1))
}

function inputs(engine: Engine) {
  return (data: Float32Array, shape: Shape, layout: Layout = 'row') => {
    return engine.tensor(data, shape, { layout, requiresGrad: true })
  }
}

const TESTS: Record<string, (engine: Engine) => Pairs> = {
  'conv2d, forward and backward'(engine) {
    const make = inputs(engine)
    const sizes = { n: 8, c: 16, h: 14, w: 14, k: 16, kernel: 3, stride: 1, padding: 1 }
    const [x, w, dy] = [values('x', 8 * 16 * 14 * 14), values('w', 16 * 16 * 9), values('dy', 8 * 16 * 14 * 14)]
    const [tx, tw] = [make(x, [8, 16, 14, 14], 'chwn'), make(w, [16, 16, 3, 3])]
    const y = conv2d(tx, tw, null, { stride: 1, padding: 1 })
    backward(y, make(dy, y.shape, 'chwn'))
    const want = loops.conv2d(x, w, dy, sizes)
    return [
      [y, want.y],
      [tx.grad!, want.dx],
      [tw.grad!, want.dw],
    ]
  },
  'batchNorm, training, forward and backward'(engine) {
    const make = inputs(engine)
    const shape = [16, 8, 7, 7]
    const size = 16 * 8 * 49
    const [x, gamma, beta, dy] = [values('x', size, 1, 5), values('g', 8, 0.5, 1), values('b', 8), values('dy', size)]
    const [tx, tg, tb] = [make(x, shape, 'chwn'), make(gamma, [8]), make(beta, [8])]
    const [runningMean, runningVar] = [engine.zeros([8]), engine.full([8], 1)]
    const y = batchNorm(tx, { gamma: tg, beta: tb, runningMean, runningVar }, { train: true })
    backward(y, make(dy, shape, 'chwn'))
    const want = loops.batchNorm(x, gamma, beta, dy, { n: 16, c: 8, pixels: 49 })
    return [
      [y, want.y],
      [tx.grad!, want.dx],
      [tg.grad!, want.dgamma],
      [tb.grad!, want.dbeta],
      [runningMean, want.runningMean],
      [runningVar, want.runningVar],
    ]
  },
  'matmul, forward and backward'(engine) {
    const make = inputs(engine)
    const [m, k, n] = [33, 17, 29]
    const [a, b, dc] = [values('a', m * k), values('b', k * n), values('dc', m * n)]
    const [ta, tb] = [make(a, [m, k]), make(b, [k, n])]
    const c = matmul(ta, tb)
    backward(c, make(dc, [m, n]))
    const want = loops.matmul(a, b, dc, { m, k, n })
    return [
      [c, want.c],
      [ta.grad!, want.da],
      [tb.grad!, want.db],
    ]
  },
  'softmax at a temperature, forward and backward'(engine) {
    const make = inputs(engine)
    const [x, dy] = [values('x', 32 * 10, 8), values('dy', 32 * 10)]
    const tx = make(x, [32, 10])
    const y = softmax(tx, { temperature: 3 })
    backward(y, make(dy, [32, 10]))
    const want = loops.softmax(x, dy, { classes: 10, T: 3 })
    return [
      [y, want.y],
      [tx.grad!, want.dx],
    ]
  },
  'distillation loss and its gradient'(engine) {
    const make = inputs(engine)
    const [x, t] = [values('student', 32 * 10, 6), values('teacher', 32 * 10, 6)]
    const labels = Uint32Array.from({ length: 32 }, (_, i) => i % 10)
    const tx = make(x, [32, 10])
    const edge = { logits: engine.tensor(t, [32, 10]), temperature: 4, tau: 1.7, weight: 0.5 }
    const { loss } = distillLoss(tx, {
      labels: engine.tensor(labels, [32], { dtype: 'u32' }),
      ceWeight: 0.5,
      edges: [edge],
    })
    backward(loss)
    const want = loops.distillLoss(x, t, labels, { classes: 10, T: 4, tau: 1.7, ceWeight: 0.5, weight: 0.5 })
    return [
      [loss, [want.loss]],
      [tx.grad!, want.dx],
    ]
  },
  'three steps of AdamW'(engine) {
    const [x, dx] = [values('x', 200), values('dx', 200)]
    const [tx, gradients] = [engine.tensor(x), engine.tensor(dx)]
    const optimizer = adamW({ values: tx, gradients }, { lr: 1e-2, weightDecay: 0.05 })
    for (const step of [1, 2, 3]) {
      optimizer.advance(step)
      engine.step(() => optimizer.step())
    }
    return [[tx, loops.adamW(x, dx, { steps: 3, lr: 1e-2, weightDecay: 0.05 })]]
  },
  'pictures made smaller and normalised'(engine) {
    const images = Uint8Array.from(values('bytes', 16 * 28 * 28, 127, 127))
    const bytes = { images, n: 16, channels: 1, height: 28, width: 28, mean: [0.3], std: [0.4] }
    const source = pictureSource(engine.gpu, bytes, 16)
    source.select(Uint32Array.from({ length: 16 }, (_, i) => 15 - i))
    return [
      [source.view({ height: 14, width: 14 }), loops.halved(images, { n: 16, side: 28, mean: 0.3, deviation: 0.4 })],
    ]
  },
}

/** Runs all of them, one after another. A test that fails or cannot run is in the list, not thrown. */
export async function selfTest(engine: Engine): Promise<SelfTest[]> {
  const done: SelfTest[] = []
  for (const [name, run] of Object.entries(TESTS)) {
    const started = performance.now()
    let [error, fault] = [0, '']
    try {
      for (const [tensor, want] of run(engine)) error = Math.max(error, deviation(await tensor.read(), want))
    } catch (thrown) {
      fault = (thrown as Error).message.split('\n')[0]
    }
    const seconds = (performance.now() - started) / 1000
    done.push({ name, ok: !fault && error <= TOLERANCE, error, tolerance: TOLERANCE, seconds, fault })
  }
  return done
}

/** Infinite where a value is not a number. */
export function deviation(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let [worst, largest] = [0, 1e-30]
  for (let i = 0; i < want.length; i++) {
    const off = Math.abs(got[i] - want[i])
    worst = Math.max(worst, Number.isNaN(off) ? Number.POSITIVE_INFINITY : off)
    largest = Math.max(largest, Math.abs(want[i]))
  }
  return got.length === want.length ? worst / largest : Number.POSITIVE_INFINITY
}
