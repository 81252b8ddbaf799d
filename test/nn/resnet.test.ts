import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { resnet } from '../../src/nn/resnet.ts'
import { adapterClass } from '../../src/ops/conv2dPlan.ts'
import { distillLoss } from '../../src/ops/distillLoss.ts'
import { adamW } from '../../src/optim.ts'
import { stream } from '../../src/random.ts'
import { engine } from '../device.ts'

const test = suite('resnet')
const make = (config: Parameters<typeof resnet>[1], seed = 0) => resnet(engine.gpu, config, stream(seed, 'init'))

test('has the parameter counts of the literature', () => {
  assert.is(make({ depth: 20, shortcut: 'B' }).parameters.count(), 272_474)
  assert.is(make({ depth: 20, shortcut: 'A' }).parameters.count(), 269_722)
  assert.is(make({ depth: 8 }).parameters.count(), 78_042)
  assert.is(make({ depth: 8, widths: [8, 16, 32], channels: 1 }).parameters.count(), 19_810)
})

test('names its parameters as torchvision does', () => {
  const { parameters } = make({ depth: 14 })
  for (const name of [
    'conv1.weight',
    'bn1.running_var',
    'layer2.0.downsample.0.weight',
    'layer3.1.bn2.bias',
    'fc.weight',
  ]) {
    assert.ok(parameters.get(name), name)
  }
  assert.throws(() => parameters.get('layer9.weight'), /no parameter 'layer9.weight'/)
})

test('counts the floating-point operations of the presets', () => {
  const student = make({ depth: 8, widths: [8, 16, 32], channels: 1 })
  // papers.md counts convolutions only: 3.84 M at 14 px, 1.04 M at 7 px for one image, forward and backward.
  assert.ok(Math.abs((3 * student.flops(14, 14)) / 3.84e6 - 1) < 0.02)
  assert.ok(Math.abs((3 * student.flops(7, 7)) / 1.04e6 - 1) < 0.03)
})

test('keeps padding zero and weights first in the flat buffer', async () => {
  const { parameters } = make({ depth: 8, widths: [4, 4, 4], channels: 1 })
  const flat = await parameters.flat.values.read()
  assert.is(flat.length % 64, 0)
  // conv1.weight has 4·1·3·3 = 36 values, then 28 of padding.
  assert.equal([...flat.slice(36, 64)], new Array(28).fill(0))
  assert.ok(parameters.weightsEnd > 0 && parameters.weightsEnd < flat.length)
})

test('a seed means the same weights, another seed others', async () => {
  const config = { depth: 8, widths: [4, 8, 8] as const }
  const [a, b, c] = await Promise.all(
    [make(config, 3), make(config, 3), make(config, 4)].map((n) => n.parameters.flat.values.read()),
  )
  assert.equal(a, b)
  assert.not.equal(a, c)
})

test('loads what it saved and refuses another network', async () => {
  const from = make({ depth: 8, widths: [4, 8, 8] }, 1)
  const to = make({ depth: 8, widths: [4, 8, 8] }, 2)
  to.parameters.load(await from.parameters.state())
  assert.equal(await to.parameters.flat.values.read(), await from.parameters.flat.values.read())
  const wider = make({ depth: 8, widths: [8, 8, 8] })
  assert.throws(() => wider.parameters.load(new Map()), /'conv1.weight' is missing; the file is of another network/)
  const state = await from.parameters.state()
  assert.throws(() => wider.parameters.load(state), /'conv1.weight' is \[4, 3, 3, 3\], the network has \[8, 3, 3, 3\]/)
})

test('refuses a depth or a width it does not have', () => {
  assert.throws(() => make({ depth: 9 }), /depth 9; it must be one of 8, 14, 20, 32, 44, 56/)
  assert.throws(() => make({ depth: 8, widths: [0, 1, 2] }), /whole numbers from 1, got 0, 1, 2/)
})

for (const shortcut of ['A', 'B'] as const) {
  test(`runs forward with shortcut ${shortcut} at an odd size`, async () => {
    const net = make({ depth: 8, widths: [4, 8, 8], channels: 1, shortcut })
    const x = engine.full([3, 1, 7, 7], 0.5, { layout: 'chwn' })
    const y = engine.step(() => engine.noGrad(() => net.forward(x, { train: false })))
    assert.equal(y.shape, [3, 10])
    for (const v of await y.read()) assert.ok(Number.isFinite(v))
  })
}

// All but the one of the pictures. The gradients of shortcuts come last, and are added in place.
test('a training step has no more dispatches than docs/performance.md says', () => {
  if (adapterClass(engine.info) !== 'llvmpipe' || engine.info.subgroupSize !== 8) return
  for (const px of [14, 7]) {
    const net = make({ depth: 8, widths: [8, 16, 32], channels: 1 })
    const x = engine.zeros([64, 1, px, px], { layout: 'chwn' })
    const labels = engine.zeros([64], { dtype: 'u32' })
    const optimizer = adamW(net.parameters.flat, { lr: 1e-3 })
    const { tape } = engine.gpu.trace(
      'step',
      () => {
        const { loss } = distillLoss(net.forward(x, { train: true }), { labels })
        net.parameters.zeroGrad()
        backward(loss)
        optimizer.step()
        return loss
      },
      () => [],
    )
    const inPlace = tape.commands.filter(({ pipeline }) => / ADD=1\b/.test(pipeline.label))
    assert.equal([tape.commands.length, inPlace.length], [56, 2], `${px} px`)
    tape.release()
  }
})

test.run()
