// A network over a data set: in parts as at once, whatever the rows.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { synthetic } from '../../src/data/synthetic.ts'
import { resnet } from '../../src/nn/resnet.ts'
import { stream } from '../../src/random.ts'
import { embeddings } from '../../src/train/embeddings.ts'
import { evaluate } from '../../src/train/evaluate.ts'
import { engine } from '../device.ts'
import { slowlyCompiled } from '../slowCompiling.ts'

const test = suite('train/evaluate')

const { train } = synthetic({ train: 23, test: 10, size: 8 })
const view = { height: 8, width: 8 }
const network = resnet(
  engine.gpu,
  { depth: 8, widths: [4, 4, 6], stemStride: 1, channels: 1, classes: 10 },
  stream(0, 'n'),
)

test('logits that do not fit the device at once are read in parts', async () => {
  const { seconds: _, ...whole } = await evaluate(engine, network, train, { view, batch: 4 })
  for (const batches of [1, 2, 5, 6]) {
    const { seconds, ...parts } = await evaluate(engine, network, train, {
      view,
      batch: 4,
      logitBytes: batches * 4 * 10 * 4 + 3,
    })
    assert.equal(parts, whole, `${batches} batches at once`)
    assert.ok(seconds > 0)
  }
})

test('seconds leave out compilation, also of a single batch', async () => {
  for (const n of [23, 4]) {
    const rows = Uint32Array.from({ length: n }, (_, i) => i)
    const started = performance.now()
    const asked = { view, batch: 4, rows }
    const { seconds } = await slowlyCompiled(engine, 800, () => evaluate(engine, network, train, asked))
    const most = (performance.now() - started) / 1000 - 0.79
    assert.ok(seconds > 0 && seconds <= most, `${n} pictures: ${seconds} of at most ${most} s`)
  }
})

test('pictures may be looked at several times, more often than there are pictures', async () => {
  const rows = Uint32Array.from({ length: 60 }, (_, i) => (7 * i) % 23)
  const { n, logits } = await evaluate(engine, network, train, { view, rows })
  assert.is(n, 60)
  assert.equal(logits.slice(230, 240), logits.slice(0, 10), 'row 23 is row 0 again')
  assert.is((await embeddings(engine, network, train, { view, rows })).n, 60)
})

test.run()
