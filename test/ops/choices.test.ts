import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { InputError } from '../../src/errors.ts'
import { engineFrom } from '../../src/init.ts'
import { setChoices } from '../../src/ops/choices.ts'
import { conv2d, conv2dBy } from '../../src/ops/conv2d.ts'
import { geometry } from '../../src/ops/conv2dGeometry.ts'
import { CONV_PASSES, convKey, geometryOf, parseConvKey } from '../../src/ops/conv2dKey.ts'
import { ableKernels, planConv2d } from '../../src/ops/conv2dPlan.ts'
import { uniform } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('choices of kernels')

const { gpu } = engine
const shape = { n: 8, c: 3, h: 5, w: 5, k: 4, kernel: 3, padding: 1 }
const FORWARD = 'conv2d forward 8x3x5x5:4:3 stride 1 padding 1'
const x = engine.tensor(uniform(8 * 3 * 25, 1), [8, 3, 5, 5], { layout: 'chwn' })
const w = engine.tensor(uniform(4 * 3 * 9, 2), [4, 3, 3, 3])

test.after.each(() => setChoices(gpu, {}))

/** The shaders that a call runs. */
function ran(work: () => unknown): string[] {
  const { tape } = gpu.trace('a look', work, () => [])
  const labels = tape.commands.map(({ pipeline }) => pipeline.label.split(' ')[0])
  tape.release()
  return labels
}

const refused = (work: () => unknown, message: RegExp) =>
  assert.throws(work, (error: Error) => error instanceof InputError && message.test(error.message))

test('a convolution has a name that leads back to it', () => {
  for (const given of [shape, { ...shape, stride: 2, padding: 0 }, { ...shape, kernel: 1, bias: true }]) {
    for (const pass of CONV_PASSES) {
      const key = convKey(geometryOf(given), pass)!
      const read = parseConvKey(key)
      assert.is(read.pass, pass)
      assert.equal(geometryOf(read.shape), geometryOf(given))
      assert.is(convKey(geometryOf(read.shape), pass), key)
    }
  }
  assert.is(convKey(geometryOf(shape), 'forward'), FORWARD)
  assert.equal(geometryOf(shape), geometry(x, w, null, { padding: 1 }))
  assert.equal(
    geometryOf({ ...shape, stride: 2, bias: true }),
    geometry(x, w, engine.zeros([4]), { padding: 1, stride: 2 }),
  )
})

test('what is not square and undivided has no name', () => {
  for (const options of [
    { stride: [1, 2] },
    { padding: [1, 0] },
    { padding: [1, 1, 0, 1] },
    { padding: [1, 1, 1, 2] },
    { dilation: 2, padding: 2 },
  ]) {
    assert.is(convKey(geometry(x, w, null, options), 'dW'), null, JSON.stringify(options))
  }
  const narrow = engine.tensor(uniform(3 * 9, 2), [3, 1, 3, 3])
  assert.is(convKey(geometry(x, narrow, null, { groups: 3, padding: 1 }), 'dW'), null)
})

test('choices change which kernel runs, for their shape and pass alone', async () => {
  const g = geometryOf(shape)
  const wider = geometryOf({ ...shape, k: 5 })
  const [before, beside] = [planConv2d(gpu, g), planConv2d(gpu, wider)]
  const call = () => conv2d(x, w, null, { padding: 1 })
  setChoices(gpu, { [FORWARD]: 'generic' })
  assert.equal(planConv2d(gpu, g), { ...before, forward: 'generic' })
  assert.equal(ran(call), ['conv2d.forward'])
  assert.equal(planConv2d(gpu, wider), beside)
  const chosen = await engine.step(call).read()
  assert.equal(chosen, await engine.step(() => conv2dBy({ forward: 'generic' }, x, w, null, { padding: 1 })).read())
  const [first] = ableKernels(gpu, g).forward
  assert.is(planConv2d(gpu, g, { forward: first }).forward, first, 'what a call names goes first')
  setChoices(gpu, {})
  assert.equal(planConv2d(gpu, g), before)
})

test('an engine over a device of its own is given choices, and another engine has none', async () => {
  const other = await engineFrom(gpu.device, undefined, { choices: { [FORWARD]: 'generic' } })
  assert.equal({ ...other.gpu.choices }, { [FORWARD]: 'generic' })
  assert.equal({ ...gpu.choices }, {})
  other.destroy()
})

test('what cannot be is refused with the entry quoted, and nothing is taken', async () => {
  refused(
    () => setChoices(gpu, { [FORWARD]: 'wave' }),
    /choices: "wave" can't compute 'conv2d forward 8x3x5x5:4:3 .*generic can$/,
  )
  refused(() => setChoices(gpu, { 'conv2d up 8x3': 'generic' }), /choices: "conv2d up 8x3" names no pass and shape/)
  refused(
    () => setChoices(gpu, { 'conv2d dW 8x3x5x5:4:9 stride 1 padding 0': 'generic' }),
    /"kernel":9.* is no shape.*fits into the padded picture/,
  )
  refused(() => setChoices(gpu, { [FORWARD]: 3 } as never), /choices: 3 can't compute/)
  refused(() => setChoices(gpu, ['generic'] as never), /choices: \["generic"\] is no table/)
  refused(() => setChoices(gpu, null as never), /choices: null is no table/)
  refused(
    () => setChoices(gpu, { [FORWARD]: 'generic', 'conv2d dX 8x3x5x5:4:7 stride 3 padding 3': 'lanes' }),
    /"lanes" can't compute 'conv2d dX 8x3x5x5:4:7 stride 3 padding 3' on .*; generic can/,
  )
  assert.equal({ ...gpu.choices }, {})
  const message = await engineFrom(gpu.device, undefined, { choices: { [FORWARD]: 'wave' } }).then(
    () => 'taken',
    (error) => error.message,
  )
  assert.match(message, /choices: "wave" can't/)
})

test.run()
