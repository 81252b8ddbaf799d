// What a method minimises, in writing.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { formula, type Graph } from '../../src/distill/graph.ts'
import * as methods from '../../src/distill/methods.ts'
import type { Network } from '../../src/nn/resnet.ts'

const test = suite('formula')

test('the formula says what a method does', () => {
  const node = { network: null as unknown as Network, view: 'all' }
  const told = (method: methods.Method<object>) => formula(method as unknown as Graph)
  assert.equal(told(methods.trikd({ student: node, teacher: node, anchor: node })), [
    'L(student) = CE(student, y) + KL(teacher ‖ student) + KL(anchor ‖ student)',
    'L(teacher) = CE(teacher, y) + KL(student ‖ teacher) + KL(anchor ‖ teacher)',
  ])
  assert.equal(told(methods.dml([node, node, node], { ensemble: true })).slice(0, 1), [
    'L(member0) = 0.5 CE(member0, y) + 0.5 KL(mean(member1, member2) ‖ member0)',
  ])
  assert.equal(told(methods.eskd(node, node, { temperature: 2, until: 7 })), [
    'L(student) = 0.5 CE(student, y) + 0.5 2² KL(teacher ‖ student; T=2) [until epoch 7]',
  ])
  assert.equal(told(methods.sckd(node, node, { temperature: 1 })), [
    'L(student) = 0.5 CE(student, y) + 0.5 KL(teacher ‖ student) [while agreeing]',
  ])
  assert.equal(told(methods.dkd(node, node)), [
    'L(student) = 0.5 CE(student, y) + 0.5 4² (1 KL_target(teacher ‖ student; T=4) + 8 KL_others(teacher ‖ student; T=4))',
  ])
  assert.equal(told(methods.labelSmoothing(node)), ['L(student) = CE(student, y; smoothing 0.1)'])
})

test.run()
