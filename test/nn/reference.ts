// A network against the fixture that test/fixtures/networks/make.py made with PyTorch in float64: the same weights and
// pictures, made from a hash; forward, loss, backward, then an evaluation with the running statistics of that batch. On
// the device it is a whole training step, with SGD's update; what that did is measured, and undone for the evaluation.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { backward } from '../../src/autograd.ts'
import type { Engine } from '../../src/engine.ts'
import { networkNamed } from '../../src/nn/names.ts'
import { type Network, resnet } from '../../src/nn/resnet.ts'
import { distillLoss } from '../../src/ops/distillLoss.ts'
import { sgd } from '../../src/optim.ts'
import { stream } from '../../src/random.ts'
import { type Shape, sizeOf } from '../../src/tensor.ts'
import { engine as shared } from '../device.ts'

interface Fixture {
  name: string
  side: number
  batch: number
  classes: number
  float32: Deviation
  loss: number
  logits: number[]
  evaluated: number[]
  gradients: Record<string, number[]>
  running: Record<string, number[]>
  count: number
}

export interface Deviation {
  /** Relative. */
  loss: number
  /** Of the samples and the norm, in units of the largest sample and of the norm. */
  logits: number
  evaluated: number
  /** The worst relative deviation of a gradient's norm or a running statistic's. */
  norms: number
  /** The worst deviation of a sample, in units of the root mean square of its tensor. */
  samples: number
}

export interface Compared extends Deviation {
  fixture: Fixture
  count: number
  /** The worst deviation of an updated weight from w - lr g, in units in the last place. */
  updated: number
  /** What the update took off the loss on its batch, as a share of lr |g|², which it does to first order. */
  gained: number
  /** Of the step, pipelines included. */
  seconds: number
  /** MiB on the device after the step. */
  memory: number
}

/** The update is to take this share off the loss. */
const SHARE = 1e-3

/** Of twenty-five million weights a typed array's `map` makes in a second what its `from` takes ten for. */
function mixed(name: string, n: number): Uint32Array {
  let seed = 0x811c9dc5
  for (const byte of new TextEncoder().encode(name)) seed = Math.imul(seed ^ byte, 0x01000193)
  return new Uint32Array(n).map((_, i) => {
    let x = i + seed
    x ^= x >>> 16
    x = Math.imul(x, 0x7feb352d)
    x ^= x >>> 15
    x = Math.imul(x, 0x846ca68b)
    return x ^ (x >>> 16)
  })
}

const uniform = (name: string, n: number): Float64Array => {
  return new Float64Array(mixed(name, n)).map((x) => (x / 4294967296) * 2 - 1)
}

function valuesOf(name: string, shape: Shape): Float32Array {
  const u = uniform(name, sizeOf(shape))
  const put = (of: (x: number) => number) => new Float32Array(u.map(of))
  if (shape.length === 4) {
    const bound = Math.sqrt(6 / (shape[0] * shape[2] * shape[3]))
    return put((x) => bound * x)
  }
  if (shape.length === 2) return put((x) => x / Math.sqrt(shape[1]))
  if (name.endsWith('running_var')) return put((x) => 1 + 0.5 * x)
  if (/\.bn[23]\.weight$/.test(name)) return put((x) => 0.2 * (1 + 0.2 * x))
  return put(name.endsWith('weight') ? (x) => 1 + 0.2 * x : (x) => 0.1 * x)
}

const readFixture = (name: string): Fixture => {
  return JSON.parse(readFileSync(join('test/fixtures/networks', `${name}.json`), 'utf8')) as Fixture
}

/** One training step of the network that the fixture is named after, and how far everything is from PyTorch's. */
export async function compare(name: string, engine: Engine = shared): Promise<Compared> {
  const fixture = readFixture(name)
  const { side, batch } = fixture
  const classes = fixture.classes
  const network = resnet(engine.gpu, networkNamed(name, { classes, channels: 3 }), stream(0, 'unused'))
  const { parameters } = network
  const start = [...(await parameters.state())].map(([key, { shape }]) => {
    return [key, { shape, data: valuesOf(key, shape) }] as const
  })
  parameters.load(new Map(start))
  const pixels = uniform('pictures', batch * 3 * side * side).map((x) => 1.7 * x)
  const x = engine.tensor(pixels, [batch, 3, side, side], { layout: 'chwn' })
  const labels = engine.tensor(
    mixed('labels', batch).map((v) => v % classes),
    [batch],
    { dtype: 'u32' },
  )
  const slope = Object.values(fixture.gradients).reduce((sum, [norm]) => sum + norm ** 2, 0)
  const lr = (SHARE * fixture.loss) / slope
  const optimizer = sgd(parameters.flat, { lr })
  optimizer.advance(1)
  const started = performance.now()
  const { logits, loss } = engine.step(() => {
    const y = network.forward(x, { train: true })
    const { loss } = distillLoss(y, { labels })
    parameters.zeroGrad()
    backward(loss)
    optimizer.step()
    return { logits: y, loss }
  })
  const got = { loss: await loss.item(), logits: await logits.read(), state: await parameters.state() }
  const seconds = (performance.now() - started) / 1000
  const memory = engine.memory().bytes / 2 ** 20
  const after = engine.step(() => {
    return engine.noGrad(() => distillLoss(network.forward(x, { train: true }), { labels }).loss)
  })
  const gained = (got.loss - (await after.item())) / (lr * slope)
  const gradients = await gradientsOf(network)
  const updated = updateOf(new Map(start), got.state, gradients, lr)
  const before = start.filter(([key]) => gradients.has(key))
  parameters.load(new Map([...got.state, ...before]))
  const evaluated = await engine.step(() => engine.noGrad(() => network.forward(x, { train: false }))).read()
  return {
    ...measure(fixture, { ...got, evaluated, gradients }),
    ...{ fixture, count: parameters.count(), updated, gained, seconds, memory },
  }
}

/** The worst deviation of a weight from w - lr g, in units in the last place of the larger of w and w - lr g. */
function updateOf(
  start: Map<string, { data: ArrayLike<number> }>,
  state: Map<string, { data: ArrayLike<number> }>,
  gradients: Map<string, ArrayLike<number>>,
  lr: number,
): number {
  let most = 0
  for (const [key, gradient] of gradients) {
    const [old, now] = [start, state].map((all) => all.get(key)!.data)
    for (let i = 0; i < gradient.length; i++) {
      const want = old[i] - Math.fround(lr) * gradient[i]
      const unit = 2 ** (Math.floor(Math.log2(Math.max(Math.abs(old[i]), Math.abs(want)))) - 23)
      const off = Math.abs(now[i] - want) / unit
      if (Number.isNaN(off)) return off
      most = Math.max(most, off)
    }
  }
  return most
}

async function gradientsOf({ parameters }: Network): Promise<Map<string, ArrayLike<number>>> {
  const all = new Map<string, ArrayLike<number>>()
  for (const { name, tensor } of parameters.trainable()) all.set(name, await tensor.grad!.read())
  return all
}

interface Got {
  loss: number
  logits: ArrayLike<number>
  evaluated: ArrayLike<number>
  gradients: Map<string, ArrayLike<number>>
  state: Map<string, { data: Float32Array }>
}

function measure(fixture: Fixture, got: Got): Deviation {
  const names = [...got.gradients.keys()].sort()
  const expected = Object.keys(fixture.gradients).sort()
  if (names.join() !== expected.join()) throw new Error(`parameters ${names}, PyTorch has ${expected}`)
  const norms: number[] = []
  const samples: number[] = []
  const look = (key: string, values: ArrayLike<number>, [norm, ...want]: number[]) => {
    norms.push(Math.abs(lengthOf(values) / norm - 1))
    const unit = norm / Math.sqrt(values.length)
    mixed(`sample ${key}`, want.length).forEach((at, i) => {
      samples.push(Math.abs(values[at % values.length] - want[i]) / unit)
    })
  }
  for (const [key, want] of Object.entries(fixture.gradients)) look(key, got.gradients.get(key)!, want)
  for (const [key, want] of Object.entries(fixture.running)) look(key, got.state.get(key)!.data, want)
  const logits = (values: ArrayLike<number>, [norm, ...want]: number[]) => {
    const largest = Math.max(...want.map(Math.abs))
    const at = mixed('sample logits', want.length)
    const off = want.map((w, i) => Math.abs(values[at[i] % values.length] - w) / largest)
    return worst([...off, Math.abs(lengthOf(values) / norm - 1)])
  }
  return {
    loss: Math.abs(got.loss / fixture.loss - 1),
    logits: logits(got.logits, fixture.logits),
    evaluated: logits(got.evaluated, fixture.evaluated),
    norms: worst(norms),
    samples: worst(samples),
  }
}

/** NaN is the worst there is. */
const worst = (values: number[]) => (values.some(Number.isNaN) ? Number.NaN : Math.max(...values))

function lengthOf(values: ArrayLike<number>): number {
  let squares = 0
  for (let i = 0; i < values.length; i++) squares += values[i] ** 2
  return Math.sqrt(squares)
}
