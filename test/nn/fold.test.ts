import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { noGrad } from '../../src/autograd.ts'
import type { ResNetConfig } from '../../src/nn/resnet.ts'
import { assign } from '../../src/tensor.ts'
import { allclose, uniform } from '../check.ts'
import { engine } from '../device.ts'
import { lived } from './lived.ts'

const test = suite('fold')

for (const [name, config] of Object.entries<ResNetConfig>({
  'shortcut B': { depth: 8, widths: [8, 16, 32], channels: 1 },
  'shortcut A': { depth: 8, widths: [8, 16, 32], channels: 1, shortcut: 'A' },
  'a 7x7 stem and bottlenecks': { depth: 50, widths: [4, 4, 8, 8], channels: 1 },
  'norms before convolutions': { depth: 10, widen: 1, channels: 1 },
})) {
  test(`${name}: the logits of the network that it was made of`, async () => {
    const network = lived(config)
    const x = engine.tensor(uniform(12 * 14 * 14, 9), [12, 1, 14, 14], { layout: 'chwn' })
    const folded = network.fold()
    const [plain, fast] = noGrad(engine.gpu, () => [
      network.forward(x, { train: false }),
      network.forward(x, { train: false, folded }),
    ])
    const want = await plain.read()
    const largest = Math.max(...want.map(Math.abs))
    allclose(await fast.read(), want, { atol: 2e-5 * largest, rtol: 0 }, 'logits')
  })
}

test('follows the weights when it is asked again, and only then', async () => {
  const network = lived({ depth: 8, widths: [8, 8, 8], channels: 1 })
  const x = engine.tensor(uniform(8 * 8 * 8, 9), [8, 1, 8, 8], { layout: 'chwn' })
  const folded = network.fold()
  const logits = () => noGrad(engine.gpu, () => network.forward(x, { train: false, folded })).read()
  const before = await logits()
  assign(network.parameters.get('bn1.bias'), new Float32Array(8).fill(2))
  assert.equal(await logits(), before)
  network.fold()
  assert.not.equal(await logits(), before)
})

test.run()
