// ResNet-18 at 224 pixels and ResNet-50 at 96, eight pictures, against PyTorch in float64. Where rounding turns one of
// the millions of ReLUs or maxima the other way, gradients jump a little: PyTorch's own float32 is as far from its
// float64 (`float32` in the fixtures: norms up to 5e-4, samples up to 1.3e-2), and four times that is allowed. Then the
// update: SGD's, to a unit in the last place, and the loss on the batch falls by what the gradient says. Each on a device
// of its own, whose memory is all the step's.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { networkNamed } from '../../src/nn/names.ts'
import { resnet } from '../../src/nn/resnet.ts'
import { init } from '../../src/node.ts'
import { stream } from '../../src/random.ts'
import { engine } from '../device.ts'
import { compare } from './reference.ts'

const test = suite('ImageNet networks')

// MiB that the step may take, a tenth above what it takes.
for (const [name, most] of [
  ['resnet50', 806],
  ['resnet18', 671],
] as const) {
  test(`${name}: loss, logits, gradients, running statistics and evaluation are PyTorch's, and one step`, async () => {
    const own = await init({ adapter: process.env.WEBGPU_DISTILL_ADAPTER })
    const off = await compare(name, own)
    own.destroy()
    const told = Object.entries(off).filter(([, value]) => typeof value === 'number')
    console.log(`  ${name} ${told.map(([key, value]) => `${key} ${(value as number).toPrecision(3)}`).join(', ')}`)
    assert.is(off.count, off.fixture.count)
    assert.ok(off.loss < 1e-6, `loss ${off.loss}`)
    assert.ok(off.logits < 1e-5, `logits ${off.logits}`)
    assert.ok(off.evaluated < 1e-5, `evaluated ${off.evaluated}`)
    const { norms, samples } = off.fixture.float32
    assert.ok(off.norms < 4 * norms, `norms ${off.norms}, PyTorch's float32 ${norms}`)
    assert.ok(off.samples < 4 * samples, `samples ${off.samples}, PyTorch's float32 ${samples}`)
    assert.ok(off.updated <= 1, `updated ${off.updated}`)
    assert.ok(Math.abs(off.gained - 1) < 0.01, `gained ${off.gained}`)
    assert.ok(off.memory < most, `${off.memory} MiB`)
  })
}

test('ResNet-34 has the parameters of the literature', () => {
  const { parameters } = resnet(engine.gpu, networkNamed('resnet34', { classes: 1000 }), stream(0, 'init'))
  assert.is(parameters.count(), 21_797_672)
})

test.run()
