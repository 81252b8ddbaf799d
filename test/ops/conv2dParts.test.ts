import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { DistillError } from '../../src/errors.ts'
import { conv2dBy } from '../../src/ops/conv2d.ts'
import { geometry } from '../../src/ops/conv2dGeometry.ts'
import { byChannels, byParts, inOnePart } from '../../src/ops/conv2dParts.ts'
import { ableKernels } from '../../src/ops/conv2dPlan.ts'
import { fill } from '../../src/ops/copy.ts'
import { allclose, uniform } from '../check.ts'
import { engine } from '../device.ts'
import { type ConvCase, convBackward, outputSize } from './conv2dReference.ts'

const test = suite('conv2d, parts')

/** What `write` was asked for: first channel, channels, bias, relu. */
function parts(channels: number, relu: boolean): number[][] {
  const t = engine.tensor(uniform(8), [8])
  const y = engine.zeros([8])
  const told: number[][] = []
  const terms = { x: t, w: t, b: t, y }
  byChannels(32, channels, terms, 0, { relu }, (_, part) => {
    told.push([part.c0, part.channels, part.bias, part.relu])
  })
  return told
}

test('the bias is added once, channels are told by part', () => {
  assert.equal(parts(70, false), [
    [0, 32, 1, 0],
    [32, 32, 0, 0],
    [64, 6, 0, 0],
  ])
})

test('one part finishes the sum, several refuse to', () => {
  assert.equal(parts(32, true), [[0, 32, 1, 1]])
  assert.equal(
    [32, 33].map((c) => inOnePart(32)({ c })),
    [true, false],
  )
  assert.throws(
    () => parts(33, true),
    (error: Error) => error instanceof DistillError && /33 channels in parts of 32/.test(error.message),
  )
})

test('sums parts of more elements than one axis of a grid has invocations', async () => {
  const dw = engine.zeros([65_535 * 64 + 5])
  engine.step(() => {
    for (const add of [0, 1] as const) byParts(2, dw, add, (partial) => fill(partial, 1.5))
  })
  assert.ok(((await dw.read()) as Float32Array).every((v) => v === 6))
})

test('one part is the sum itself, or is added to it', async () => {
  const dw = engine.zeros([10])
  const { dispatches } = engine.capture('one', () => byParts(1, dw, 0, (partial) => fill(partial, 1.5)))
  assert.is(dispatches, 1)
  engine.step(() => {
    for (const add of [0, 1, 1] as const) byParts(1, dw, add, (partial) => fill(partial, 1.5))
  })
  assert.equal([...(await dw.read())], new Array(10).fill(4.5))
})

test('the gradient of a 1x1 convolution at stride 2 is added to what it reaches', async () => {
  for (const [h, w] of [
    [9, 5],
    [4, 11],
  ]) {
    const of: ConvCase = { n: 8, c: 3, h, w, k: 5, kh: 1, kw: 1, stride: [2, 2] }
    const [oh, ow] = outputSize(of)
    const [xs, ws, gs] = [uniform(of.n * of.c * h * w, 1), uniform(of.k * of.c, 2), uniform(of.n * of.k * oh * ow, 3)]
    const x = engine.tensor(xs, [of.n, of.c, h, w], { layout: 'chwn', requiresGrad: true })
    const weight = engine.tensor(ws, [of.k, of.c, 1, 1])
    const dy = engine.tensor(gs, [of.n, of.k, oh, ow], { layout: 'chwn' })
    const { dx } = convBackward(of, xs, ws, gs)
    for (const dX of ableKernels(engine.gpu, geometry(x, weight, null, { stride: 2 })).dX) {
      x.grad = null
      for (const times of [1, 2]) {
        backward(conv2dBy({ dX }, x, weight, null, { stride: 2 }), dy)
        const wanted = dx.map((value) => times * value)
        allclose(await x.grad!.read(), wanted, { atol: times * 2e-5 }, `${dX}, ${h}x${w}, ${times}`)
      }
    }
  }
})

test.run()
