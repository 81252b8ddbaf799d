import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward, noGrad } from '../../src/autograd.ts'
import { conv2dBy } from '../../src/ops/conv2d.ts'
import { geometry } from '../../src/ops/conv2dGeometry.ts'
import { ableKernels, type ConvPlan } from '../../src/ops/conv2dPlan.ts'
import { allclose, uniform } from '../check.ts'
import { engine } from '../device.ts'
import { type ConvCase, convBackward, convForward, outputSize } from './conv2dReference.ts'

// The shapes of the networks, and odd batches, channel counts and paddings that leave lanes and tiles half empty: every
// kernel that this adapter can run for a pass, not only the one that is chosen for it.
const test = suite('conv2d, every kernel')

type Pads = [number, number, number, number]

async function check(n: number, c: number, k: number, size: number, kernel: number, stride: number, padding: Pads) {
  const of: ConvCase = {
    ...{ n, c, h: size, w: size, k, kh: kernel, kw: kernel },
    stride: [stride, stride],
    padding,
  }
  const [oh, ow] = outputSize(of)
  const [xs, ws, gs] = [uniform(n * c * size * size, 3), uniform(k * c * kernel ** 2, 4), uniform(n * k * oh * ow, 6)]
  const x = engine.tensor(xs, [n, c, size, size], { layout: 'chwn', requiresGrad: true })
  const w = engine.tensor(ws, [k, c, kernel, kernel], { requiresGrad: true })
  const dy = engine.tensor(gs, [n, k, oh, ow], { layout: 'chwn' })
  const bs = uniform(k, 7)
  const bias = engine.tensor(bs)
  const y = convForward(of, xs, ws, bs)
  const { dx, dw } = convBackward(of, xs, ws, gs)
  const able = ableKernels(engine.gpu, geometry(x, w, bias, { stride, padding }))
  const most = Math.max(able.forward.length, able.dX.length, able.dW.length)
  for (let i = 0; i < most; i++) {
    const at = <T>(list: T[]): T => list[Math.min(i, list.length - 1)]
    const plan: ConvPlan = { forward: at(able.forward), dX: at(able.dX), dW: at(able.dW) }
    const name = JSON.stringify(plan)
    x.grad = null
    w.grad = null
    // A second backward adds.
    for (const times of [1, 2]) {
      const out = conv2dBy(plan, x, w, bias, { stride, padding })
      if (times === 1) allclose(await out.read(), y, { atol: 2e-5 }, `y ${name}`)
      backward(out, dy)
      const scaled = (a: Float64Array) => a.map((v) => times * v)
      allclose(await x.grad!.read(), scaled(dx), { atol: times * 2e-5 }, `${times} dx ${name}`)
      allclose(await w.grad!.read(), scaled(dw), { atol: times * (1e-6 * n * oh * ow + 1e-5) }, `${times} dw ${name}`)
    }
  }
}

for (const [n, c, k, size, kernel, stride, pad = (kernel - 1) / 2] of [
  [16, 16, 16, 28, 3, 1],
  [8, 32, 32, 14, 3, 1],
  [8, 64, 64, 7, 3, 1],
  [8, 16, 16, 32, 3, 1],
  [8, 8, 8, 14, 3, 1],
  [8, 16, 16, 7, 3, 1],
  [8, 32, 32, 4, 3, 1],
  [8, 32, 32, 2, 3, 1],
  [12, 70, 11, 2, 3, 1],
  [7, 5, 9, 2, 3, 1],
  [8, 1, 16, 28, 3, 1],
  [8, 1, 16, 28, 3, 2],
  [8, 2, 9, 7, 3, 1],
  [8, 3, 16, 32, 3, 1],
  [8, 4, 16, 9, 3, 1],
  [8, 16, 32, 28, 3, 2],
  [8, 32, 64, 14, 3, 2],
  [8, 16, 32, 7, 3, 2],
  [8, 16, 32, 4, 3, 2],
  [8, 16, 32, 28, 1, 2],
  [8, 32, 64, 7, 1, 2],
  [8, 16, 32, 14, 1, 1],
  [13, 5, 11, 9, 3, 1],
  [7, 9, 17, 10, 3, 2],
  [50, 3, 3, 5, 3, 2],
  // More output channels than conv2d.stripX keeps.
  [12, 9, 130, 5, 3, 2],
  [63, 2, 20, 3, 1, 2],
  // Pictures enough for tiles of eight channels, forward and, at stride 2, backward.
  [64, 1, 16, 32, 3, 1],
  [64, 3, 4, 64, 3, 2],
  // So few images that lanes are pixels.
  [1, 1, 16, 28, 3, 1],
  [1, 16, 32, 28, 3, 2],
  [2, 40, 24, 7, 3, 1],
  [3, 16, 32, 9, 1, 2],
  [1, 70, 9, 6, 3, 1],
  // More input channels than a strip keeps, both ways; no padding; all the padding there can be, and more.
  [8, 70, 130, 4, 3, 1],
  [12, 6, 9, 9, 3, 1, 0],
  [12, 6, 9, 5, 3, 1, 2],
  [12, 6, 9, 5, 3, 1, 4],
]) {
  const name = `${n} x ${c}→${k} at ${size}, ${kernel}x${kernel}, stride ${stride}, padding ${pad}`
  test(name, () => check(n, c, k, size, kernel, stride, [pad, pad, pad, pad]))
}

for (const [kernel, stride, padding] of [
  [1, 1, [0, 0, 1, 2]],
  [1, 1, [0, 0, 0, 1]],
  [1, 2, [0, 0, 2, 1]],
  [3, 1, [1, 1, 0, 2]],
  [3, 2, [1, 1, 2, 0]],
] as [number, number, Pads][]) {
  test(`${kernel}x${kernel}, stride ${stride}, padding ${padding}`, () => check(8, 5, 11, 6, kernel, stride, padding))
}

for (const [n, c, k, size, stride] of [
  [12, 5, 11, 9, 1],
  [12, 16, 20, 8, 2],
  [12, 40, 9, 5, 2],
  [12, 70, 9, 5, 1],
  [12, 5, 11, 2, 1],
  [1, 16, 9, 7, 1],
  [2, 70, 9, 5, 2],
])
  test(`adds bias and residual and rectifies, ${n} x ${c}→${k} at ${size}, stride ${stride}`, async () => {
    const of: ConvCase = {
      ...{ n, c, h: size, w: size, k, kh: 3, kw: 3, bias: true },
      stride: [stride, stride],
      padding: [1, 1, 1, 1],
    }
    const [oh, ow] = outputSize(of)
    const [xs, ws, bs, rs] = [n * c * size * size, k * c * 9, k, n * k * oh * ow].map((count, i) => uniform(count, i))
    const x = engine.tensor(xs, [n, c, size, size], { layout: 'chwn' })
    const w = engine.tensor(ws, [k, c, 3, 3], { requiresGrad: true })
    const bias = engine.tensor(bs)
    const residual = engine.tensor(rs, [n, k, oh, ow], { layout: 'chwn' })
    const finished = convForward(of, xs, ws, bs).map((v, i) => Math.max(0, v + rs[i]))
    const run = (forward?: ConvPlan['forward']) =>
      conv2dBy({ forward }, x, w, bias, { stride, padding: 1, residual, relu: true })
    for (const forward of ableKernels(engine.gpu, geometry(x, w, bias, { stride, padding: 1 })).forward) {
      allclose(await noGrad(engine.gpu, () => run(forward)).read(), finished, { atol: 2e-5 }, `${forward} alone`)
    }
    const y = run()
    allclose(await y.read(), finished, { atol: 2e-5 }, 'with gradients')
    backward(y, engine.tensor(rs, [n, k, oh, ow], { layout: 'chwn' }))
    const dy = rs.map((v, i) => (finished[i] > 0 ? v : 0))
    allclose(await w.grad!.read(), convBackward(of, xs, ws, dy).dw, { atol: 1e-3 }, 'dw')
  })

test('gives the same bits every time', async () => {
  const x = engine.tensor(uniform(16 * 16 * 14 * 14), [16, 16, 14, 14], { layout: 'chwn' })
  const w = engine.tensor(uniform(16 * 16 * 9), [16, 16, 3, 3])
  const run = () => engine.step(() => conv2dBy({}, x, w, null, { padding: 1 })).read()
  assert.equal(await run(), await run())
})

test.run()
