// How long a study takes, told while it runs.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { flopsByStage, paceOf } from '../../src/study/pace.ts'
import type { Progress } from '../../src/train/fit.ts'
import { smallData, smallStages } from './small.ts'

const test = suite('pace of a study')

const data = await smallData()
const stages = smallStages()
const [first, second] = stages
const seen = (step: number, imagesPerSecond = 100) => {
  return { step, steps: 6, imagesPerSecond, nodes: { a: { total: 2 } } } as unknown as Progress
}

test('what is compiled before a cell tells of a step does not count as slow steps', () => {
  const now = performance.now
  try {
    let at = 0
    performance.now = () => at
    const pace = paceOf({ data, stages })
    assert.is(pace.look(first, null).studyLeft, null)
    at = 60_000
    const begun = pace.look(first, seen(1))
    assert.is(begun.studyLeft, null, 'nothing is known yet')
    assert.is(begun.left, (5 * first.batch) / 100)
    at = 64_000
    const later = pace.look(first, seen(3))
    assert.equal([later.first, later.seconds], [1, 4])
    const all = [...flopsByStage({ data, stages }).values()].reduce((sum, x) => sum + x, 0)
    // Two steps in 4 s, and no other speed is known.
    assert.ok(later.studyLeft! > 6 && later.studyLeft! < 60, `${later.studyLeft} s of ${all} FLOPs`)
    const two = paceOf({ data, stages, processes: 2 })
    two.look(first, null)
    at = 0
    two.look(first, seen(1))
    at = 4000
    assert.ok(Math.abs(two.look(first, seen(3)).studyLeft! - later.studyLeft! / 2) < 1e-9, 'by two processes')
    for (const each of [pace, two]) each.finished(first, 10)
    assert.is(two.left(), pace.left()! / 2)
    assert.is(pace.look(second, null).studyLeft, null)
  } finally {
    performance.now = now
  }
})

test.run()
