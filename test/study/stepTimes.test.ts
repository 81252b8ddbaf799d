// What a teacher costs its student's step: measured by a cell after all else, so that nothing else of it changes.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Run } from '../../src/report/rows.ts'
import { resultsOf } from '../../src/study/results.ts'
import type { Stage } from '../../src/study/stage.ts'
import { keysOf } from '../../src/study/store.ts'
import { running } from './running.ts'
import { setting, smallData, smallStages } from './small.ts'

const test = suite('step times')

const data = await smallData()
const run = async (stages: Stage[]) => (await running(stages, data)).cells

test('beside DML the first student of the finished teacher is timed, at every size, and has its key all the same', async () => {
  const timed = (stages: Stage[]) => stages.filter((stage) => stage.timed).map(({ id }) => id)
  const changes = { sizes: [8, 4], temperatures: [1, 4], rawTemperatures: [4] }
  const alone = smallStages({ ...changes, methods: ['cqkd', 'cqkd-raw', 'same-resolution'] })
  assert.equal(timed(alone), [])
  const beside = smallStages({ ...changes, methods: ['cqkd', 'cqkd-raw', 'same-resolution', 'dml'] })
  assert.equal(timed(beside), ['seed0/8px/cqkd-T1', 'seed0/4px/cqkd-T1'])
  const [a, b] = await Promise.all([alone, beside].map((stages) => keysOf(stages, setting)))
  for (const [id, key] of a) assert.is(b.get(id), key, id)
  const raw = smallStages({ ...changes, methods: ['same-resolution', 'cqkd-raw', 'dml'], seeds: [0, 1] })
  assert.is(
    timed(raw).join(),
    [0, 1].flatMap((seed) => [8, 4].map((size) => `seed${seed}/${size}px/cqkd-raw-T4`)).join(),
  )
  // There the teacher is in every step as it is.
  const augmented = { ...changes, methods: ['cqkd' as const, 'dml' as const], augmentation: { shift: 1, flip: false } }
  assert.equal(timed(smallStages(augmented)), [])
})

test('three times of a step, of the same bits', async () => {
  const [teacher, student] = smallStages({ methods: ['cqkd'] })
  const stages = [teacher, student].map((stage) => (stage === student ? { ...stage, timed: true } : stage))
  const [plain, cells] = [await run([teacher, student]), await run(stages)]
  const [before, after] = [plain, cells].map((all) => all.get(student.id)!.outcome!)
  assert.is(after.nodes.student.sha256, before.nodes.student.sha256)
  assert.is(before.stepTimes, undefined)
  const { cached, full, low } = after.stepTimes!
  for (const seconds of [cached, full, low]) assert.ok(seconds > 0 && seconds < 10, `${seconds} s`)
  const facts = { seeds: [0], preset: 'smoke', dataset: 'synthetic', config: {} } as unknown as Run
  const [row] = resultsOf(facts, stages, cells, []).rows
  assert.equal([row.stepMs, row.stepMsFull, row.stepMsLow], [1000 * cached, 1000 * full, 1000 * low])
  assert.is(resultsOf(facts, [teacher, student], plain, []).rows[0].stepMs, undefined)
})

test.run()
