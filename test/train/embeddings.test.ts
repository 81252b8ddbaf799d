// Embeddings of a data set: batch by batch the same as at once, of length 1 with a head, the features without one.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { identities } from '../../src/data/identities.ts'
import { resnet } from '../../src/nn/resnet.ts'
import { stream } from '../../src/random.ts'
import { embeddings } from '../../src/train/embeddings.ts'
import { evaluate } from '../../src/train/evaluate.ts'
import { engine } from '../device.ts'

const test = suite('train/embeddings')

const { train } = identities({ identities: 7, train: 1, test: 1, size: 8 })
const view = { height: 8, width: 8 }
const small = { depth: 8, widths: [4, 4, 6], stemStride: 1, channels: 1, classes: 7 }

test('with a head: unit rows, whatever the batch, and the logits are 16 times their cosines with the classes', async () => {
  const network = resnet(engine.gpu, { ...small, embedding: 5 }, stream(0, 'net'))
  const whole = await embeddings(engine, network, train, { view })
  const parts = await embeddings(engine, network, train, { view, batch: 3 })
  assert.equal([whole.n, whole.dimensions, whole.values.length], [7, 5, 35])
  const { logits } = await evaluate(engine, network, train, { view })
  const weight = (await network.parameters.get('fc.weight').read()) as Float32Array
  for (let row = 0; row < 7; row++) {
    const own = whole.values.subarray(row * 5, row * 5 + 5)
    assert.ok(Math.abs(own.reduce((sum, x) => sum + x * x, 0) - 1) < 1e-5)
    for (let i = 0; i < 5; i++) assert.ok(Math.abs(own[i] - parts.values[row * 5 + i]) < 1e-5)
    for (let k = 0; k < 7; k++) {
      const w = weight.subarray(k * 5, k * 5 + 5)
      const cosine = own.reduce((sum, x, i) => sum + x * w[i], 0) / Math.hypot(...w)
      assert.ok(Math.abs(16 * cosine - logits[row * 7 + k]) < 1e-3, `${16 * cosine}, ${logits[row * 7 + k]}`)
    }
  }
})

test('without a head: what the classes are computed from', async () => {
  const network = resnet(engine.gpu, small, stream(0, 'net'))
  const rows = Uint32Array.from([6, 2])
  const { dimensions, values } = await embeddings(engine, network, train, { view, rows })
  assert.is(dimensions, 6)
  const { logits } = await evaluate(engine, network, train, { view, rows })
  const read = async (name: string) => (await network.parameters.get(name).read()) as Float32Array
  const [weight, bias] = [await read('fc.weight'), await read('fc.bias')]
  for (let i = 0; i < 14; i++) {
    const [row, k] = [Math.floor(i / 7), i % 7]
    const own = values.subarray(row * 6, row * 6 + 6)
    const logit = own.reduce((sum, x, d) => sum + x * weight[k * 6 + d], bias[k])
    assert.ok(Math.abs(logit - logits[i]) < 1e-4, `${logit}, ${logits[i]}`)
  }
})

test.run()
