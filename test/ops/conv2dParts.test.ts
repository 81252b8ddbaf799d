import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DistillError } from '../../src/errors.ts'
import { byChannels, byParts, inOnePart } from '../../src/ops/conv2dParts.ts'
import { fill } from '../../src/ops/copy.ts'
import { uniform } from '../check.ts'
import { engine } from '../device.ts'

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

test.run()
