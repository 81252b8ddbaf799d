import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { conv2d } from '../../src/ops/conv2d.ts'
import { allclose, uniform } from '../check.ts'
import { engine } from '../device.ts'
import { type ConvCase, convBackward, convForward, outputSize } from './conv2dReference.ts'

// The shapes of the networks, and odd batches and channel counts that leave lanes and tiles half empty. These are served
// by the subgroup kernels where the adapter has subgroups, by the generic ones elsewhere.
const test = suite('conv2d, network shapes')

async function check(n: number, c: number, k: number, size: number, kernel: number, stride: number): Promise<void> {
  const pad = (kernel - 1) / 2
  const of: ConvCase = {
    ...{ n, c, h: size, w: size, k, kh: kernel, kw: kernel },
    stride: [stride, stride],
    padding: [pad, pad, pad, pad],
  }
  const [oh, ow] = outputSize(of)
  const [xs, ws, gs] = [uniform(n * c * size * size, 3), uniform(k * c * kernel ** 2, 4), uniform(n * k * oh * ow, 6)]
  const x = engine.tensor(xs, [n, c, size, size], { layout: 'chwn', requiresGrad: true })
  const w = engine.tensor(ws, [k, c, kernel, kernel], { requiresGrad: true })
  const dy = engine.tensor(gs, [n, k, oh, ow], { layout: 'chwn' })
  const y = conv2d(x, w, null, { stride, padding: pad })
  allclose(await y.read(), convForward(of, xs, ws), { atol: 2e-5 }, 'y')
  backward(y, dy)
  const want = convBackward(of, xs, ws, gs)
  allclose(await x.grad!.read(), want.dx, { atol: 2e-5 }, 'dx')
  allclose(await w.grad!.read(), want.dw, { atol: 1e-6 * n * oh * ow + 1e-5 }, 'dw')
  // A second backward adds.
  backward(conv2d(x, w, null, { stride, padding: pad }), dy)
  allclose(
    await x.grad!.read(),
    want.dx.map((v) => 2 * v),
    { atol: 4e-5 },
    '2 dx',
  )
  allclose(
    await w.grad!.read(),
    want.dw.map((v) => 2 * v),
    { atol: 2e-6 * n * oh * ow + 1e-5 },
    '2 dw',
  )
}

for (const [n, c, k, size, kernel, stride] of [
  [16, 16, 16, 28, 3, 1],
  [8, 32, 32, 14, 3, 1],
  [8, 64, 64, 7, 3, 1],
  [8, 16, 16, 32, 3, 1],
  [8, 8, 8, 14, 3, 1],
  [8, 16, 16, 7, 3, 1],
  [8, 32, 32, 4, 3, 1],
  [8, 32, 32, 2, 3, 1],
  [8, 1, 16, 28, 3, 1],
  [8, 1, 16, 28, 3, 2],
  [8, 3, 16, 32, 3, 1],
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
  [63, 2, 20, 3, 1, 2],
]) {
  test(`${n} x ${c}→${k} at ${size}, ${kernel}x${kernel}, stride ${stride}`, () => check(n, c, k, size, kernel, stride))
}

test('gives the same bits every time', async () => {
  const x = engine.tensor(uniform(16 * 16 * 14 * 14), [16, 16, 14, 14], { layout: 'chwn' })
  const w = engine.tensor(uniform(16 * 16 * 9), [16, 16, 3, 3])
  const run = () => engine.step(() => conv2d(x, w, null, { padding: 1 })).read()
  assert.equal(await run(), await run())
})

test.run()
