// In which order the cells of a study are taken.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { longestFirst } from '../../src/study/order.ts'
import { flopsByStage } from '../../src/study/pace.ts'
import { needs, type Stage } from '../../src/study/stage.ts'
import { smallData, smallStages } from './small.ts'

const test = suite('order of the cells')

/** What the order looks at, and nothing else. */
const stage = (id: string, seed: number, ...from: string[]) =>
  ({
    id,
    seed,
    edges: [],
    nodes: Object.fromEntries(from.map((name) => [name, { from: { stage: name } }])),
  }) as never as Stage

const ids = (stages: readonly Stage[], work: Record<string, number>) =>
  longestFirst(stages, new Map(Object.entries(work))).map(({ id }) => id)

test('the longest cell comes first, and what long ones wait for before it', () => {
  const stages = [stage('teacher', 0), stage('short', 0), stage('long', 0), stage('student', 0, 'teacher')]
  assert.equal(ids(stages, { teacher: 1, short: 2, long: 4, student: 9 }), ['teacher', 'student', 'long', 'short'])
  assert.equal(ids(stages, { teacher: 1, short: 2, long: 4, student: 2.5 }), ['long', 'teacher', 'student', 'short'])
})

test('of chains the longest counts, not all that wait', () => {
  const students = ['a', 'b', 'c'].map((name) => stage(name, 0, 'teacher'))
  const work = { teacher: 1, long: 3, a: 1, b: 1, c: 1 }
  assert.equal(ids([stage('teacher', 0), ...students, stage('long', 0)], work), ['long', 'teacher', 'a', 'b', 'c'])
})

test('seeds keep their order, and so do cells that take equally long', () => {
  const stages = [stage('b1', 1), stage('a1', 1), stage('a0', 0), stage('b0', 0)]
  assert.equal(ids(stages, { a0: 9, b0: 9, a1: 1, b1: 1 }), ['b1', 'a1', 'a0', 'b0'])
})

test('a study: nothing before what it needs', async () => {
  const stages = smallStages()
  const order = longestFirst(stages, flopsByStage({ data: await smallData(), stages }))
  assert.equal(order.map(({ id }) => id).sort(), stages.map(({ id }) => id).sort())
  const place = new Map(order.map(({ id }, i) => [id, i]))
  for (const { id, ...rest } of order) {
    for (const need of needs({ id, ...rest })) assert.ok(place.get(need)! < place.get(id)!, `${need} before ${id}`)
  }
})

test.run()
