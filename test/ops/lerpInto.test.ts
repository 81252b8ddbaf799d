import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ShapeError } from '../../src/errors.ts'
import { resnet } from '../../src/nn/resnet.ts'
import { lerpInto } from '../../src/ops/lerpInto.ts'
import { stream } from '../../src/random.ts'
import { assign } from '../../src/tensor.ts'
import { allclose, uniform } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('lerpInto')

test('copies, and moves a part of the way, whatever the layouts', async () => {
  const [a, b] = [uniform(210, 3), uniform(210, 4)]
  for (const layout of ['row', 'chwn'] as const) {
    const source = engine.tensor(b, [3, 5, 2, 7])
    const target = engine.tensor(a, [3, 5, 2, 7], { layout, requiresGrad: true })
    lerpInto(target, source, 0.25)
    allclose(
      await target.read(),
      a.map((v, i) => v + 0.25 * (b[i] - v)),
      { atol: 1e-6 },
    )
    assert.not(target.node)
    lerpInto(target, source)
    assert.equal([...(await target.read())], [...b])
  }
})

test('a mean teacher in a captured step follows by as much as its Scalar says', async () => {
  const config = { depth: 8, widths: [4, 4, 4], channels: 1 }
  const [student, teacher] = [0, 1].map(
    (seed) => resnet(engine.gpu, config, stream(seed, 'mean teacher')).parameters.flat,
  )
  const share = engine.scalar('share', 0.5)
  const step = engine.capture('mean teacher', () => lerpInto(teacher.values, student.values, share))
  const [s, t] = [await student.values.read(), await teacher.values.read()]
  step.run()
  const half = t.map((v, i) => 0.5 * v + 0.5 * s[i])
  allclose(await teacher.values.read(), half, { atol: 1e-6 })
  share.value = 1
  assign(student.values, half)
  step.run()
  assert.equal(await teacher.values.read(), Float32Array.from(half))
  step.release()
})

test('names shapes that differ', () => {
  const said = (e: Error) => e instanceof ShapeError && e.message === 'lerpInto: f32 [2] into f32 [3]'
  assert.throws(() => lerpInto(engine.zeros([3]), engine.zeros([2])), said)
})

test.run()
