// Looking at epochs: what it says, and that it changes no bit.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Cell } from '../../src/study/cells.ts'
import { looking, outputsOf } from '../../src/study/course.ts'
import { courseOf, mapOf } from '../../src/study/courses.ts'
import type { Stage } from '../../src/study/stage.ts'
import type { Checkpoint, Curve } from '../../src/study/store.ts'
import { AbortedError } from '../../src/train/fit.ts'
import { engine } from '../device.ts'
import { runAlone } from '../study/running.ts'
import { smallData, smallStages } from '../study/small.ts'

const test = suite('studies/course')
const data = await smallData()

const LOOKS = { heldOut: 20, test: 30, outputs: true }
const [plain] = smallStages({ methods: ['supervised'], epochs: 3 })
const looked: Stage = { ...plain, looks: LOOKS }

const run = (stage: Stage, more: Parameters<typeof runAlone>[2] = {}) => runAlone(stage, data, more)

test('a stage that is looked at ends with the same bits as one that is not', async () => {
  const [a, b] = [await run(plain), await run(looked)]
  assert.is(b.outcome.nodes.student.sha256, a.outcome.nodes.student.sha256)
  assert.is(a.outcome.curve[0].looks, undefined)
  assert.is(b.outcome.curve.length, 3)
  for (const { looks } of b.outcome.curve) {
    const { heldOut, test, outputs } = looks!.student
    assert.ok(heldOut.accuracy >= 0 && heldOut.accuracy <= 1 && heldOut.nll > 0)
    assert.ok(test.ece >= 0 && test.nll > 0)
    assert.is(outputsOf({ outputs }).length, 30 * 10)
  }
})

test('the last look is what the end measures', async () => {
  const stage = { ...looked, looks: { ...LOOKS, test: 50 } }
  const { outcome } = await run(stage)
  const { test: last } = outcome.curve[2].looks!.student
  assert.is(last.accuracy, outcome.nodes.student.test.accuracy)
  assert.is(last.nll, outcome.nodes.student.test.nll)
})

test('the confusion counts every test image once, and its diagonal is the accuracy', async () => {
  const { nodes } = (await run(plain)).outcome
  const { confusion, test: end } = nodes.student
  const { labels, n, classes } = data.test
  assert.equal(
    confusion!.map((row) => row.reduce((sum, count) => sum + count, 0)),
    classes.map((_, c) => labels.filter((label) => label === c).length),
  )
  const right = confusion!.reduce((sum, row, c) => sum + row[c], 0)
  assert.ok(Math.abs(right / n - end.accuracy) < 1e-12, `${right} of ${n}, accuracy ${end.accuracy}`)
})

test('what was stopped after an epoch goes on with the looks that it had', async () => {
  const whole = await run(looked)
  const stop = new AbortController()
  const saved: Checkpoint[] = []
  const options = {
    signal: stop.signal,
    saveSeconds: 0,
    save: async (snapshot: Checkpoint['snapshot'], seconds: number, curve: Curve) => {
      saved.push({ snapshot, seconds, curve: structuredClone(curve) })
    },
    onProgress: ({ epoch }: { epoch: number }) => epoch === 2 && stop.abort(),
  }
  try {
    await run(looked, options)
    assert.unreachable('it was stopped')
  } catch (error) {
    assert.instance(error, AbortedError)
  }
  const resumed = await run(looked, { resume: saved.at(-1)! })
  assert.equal(
    resumed.outcome.curve.map(({ looks }) => looks),
    whole.outcome.curve.map(({ looks }) => looks),
  )
  assert.is(resumed.outcome.nodes.student.sha256, whole.outcome.nodes.student.sha256)
})

test('nothing is looked at where the stage does not ask', () => {
  assert.is(looking(engine, data, plain, [], {}, {}), null)
})

test('best epochs, and how soon, from a course', () => {
  const look = (heldOut: number, tested: number) => ({
    student: { heldOut: { accuracy: heldOut, nll: 1 - heldOut }, test: { accuracy: tested, nll: 1, ece: 0 } },
  })
  const curve: Curve = [
    { epoch: 1, nodes: {}, looks: look(0.5, 0.52) },
    { epoch: 2, nodes: {}, looks: look(0.795, 0.75) },
    { epoch: 3, nodes: {}, looks: look(0.81, 0.7) },
    { epoch: 4, nodes: {}, looks: look(0.8, 0.74) },
  ]
  const found = courseOf(curve, 'student')
  assert.is(found.bestHeldOut, 0.7)
  assert.is(found.bestOnTest, 0.75)
  assert.is(found.epochsTo99, 2)
  assert.ok(Math.abs(found.heldOutNll! - 0.2) < 1e-12)
  assert.ok(Math.abs(found.curveArea! - (0.5 + 0.795 + 0.81 + 0.8) / 4) < 1e-12)
  assert.equal(courseOf([{ epoch: 1, nodes: {} }], 'student'), {})
})

test('the map of functions has all epochs, and one of the second half of them to its own scale', async () => {
  const stage: Stage = { ...looked, label: { ...looked.label, method: 'online', generation: 0 } }
  const { outcome } = await run(stage)
  const {
    map = [],
    mapEnd,
    mapShare,
    mapEndShare,
  } = mapOf([stage], new Map([[stage.id, { stage, outcome } as unknown as Cell]]))
  assert.equal(
    map.map(({ epoch }) => epoch),
    [1, 2, 3],
  )
  assert.is(mapEnd, undefined, 'two points make no map')
  assert.equal([mapShare?.toFixed(6), mapEndShare], ['1.000000', undefined], 'three points lie in a plane')
  const twice = [...outcome.curve, ...outcome.curve.map((point) => ({ ...point, epoch: point.epoch + 3 }))]
  const again = { stage, outcome: { ...outcome, curve: twice } } as unknown as Cell
  const { mapEnd: end = [] } = mapOf([stage], new Map([[stage.id, again]]))
  assert.equal(
    end.map(({ epoch }) => epoch),
    [4, 5, 6],
  )
  // The same answers lie in the same places.
  for (const [i, { x, y }] of map.entries()) {
    assert.ok(Math.hypot(x - end[i].x, y - end[i].y) < 1e-6)
  }
})

test.run()
