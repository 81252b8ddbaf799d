// The programs that take files: their command line, stored logits, and what a kept network says of itself.

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { InputError } from '../../src/errors.ts'
import { type SafeTensor, writeSafetensors } from '../../src/io/safetensors.ts'
import { storedAnswers } from '../../src/study/calibrate.ts'
import { CALIBRATE_FLAGS, EVAL_FLAGS, parseFiles } from '../../src/study/fileArgs.ts'
import { readModel } from '../../src/study/model.ts'
import { UsageError } from '../../src/study/usage.ts'

const test = suite('files on the command line')

test('files and flags come in any order', () => {
  const options = parseFiles(['a', '--images', '50', 'b', '--json', '--data=here', 'c'], CALIBRATE_FLAGS)
  assert.equal(options, { files: ['a', 'b', 'c'], images: 50, json: true, data: 'here' })
})

test('what is wrong is one line', () => {
  const refused = (words: string[], message: RegExp) => {
    assert.throws(
      () => parseFiles(words, CALIBRATE_FLAGS),
      (error: Error) => error instanceof UsageError && message.test(error.message),
    )
  }
  refused([], /^needs a file or a folder/)
  refused(['a', '--data', ''], /^--data needs a value/)
  refused(['a', '--images'], /^--images needs a value/)
  refused(['a', '--images', '0'], /^--images 0: a whole number from 1$/)
  refused(['a', '--epochs', '3'], /^unknown flag --epochs, the nearest is --images; --help tells all$/)
  assert.throws(() => parseFiles(['a', '--bins', '3'], EVAL_FLAGS), /unknown flag --bins/)
  assert.ok(parseFiles(['--help'], EVAL_FLAGS).help)
})

const f32 = (shape: number[], data: number[]): SafeTensor => ({ dtype: 'F32', shape, data: Float32Array.from(data) })
const i64 = (data: number[]): SafeTensor => {
  return { dtype: 'I64', shape: [data.length], data: BigInt64Array.from(data, BigInt) }
}

test('stored logits are fitted and tested on what the file says, or on halves', () => {
  const logits = f32([2, 3], [1, 2, 3, 4, 5, 6])
  const both = new Map([
    ['logits', logits],
    ['labels', i64([0, 2])],
    ['test.logits', f32([1, 3], [7, 8, 9])],
    ['test.labels', i64([1])],
  ])
  const found = storedAnswers(both, 'a')
  assert.equal([...(found.test.labels as Uint32Array)], [1])
  assert.is(found.classes, 3)
  const alone = new Map([...both].slice(0, 2))
  const halves = storedAnswers(alone, 'a')
  const rows = [halves.held, halves.test].map(({ logits }) => Array.from(logits))
  assert.equal(
    rows.sort((a, b) => a[0] - b[0]),
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
  )
})

test('stored logits that do not fit are refused with what they are', () => {
  const logits = f32([2, 3], [1, 2, 3, 4, 5, 6])
  const refused = (entries: [string, SafeTensor][], message: RegExp) => {
    assert.throws(() => storedAnswers(new Map(entries), 'x.safetensors'), message)
  }
  refused(
    [['logits', logits]],
    /x.safetensors: needs logits \[n, classes\] and labels \[n\], has logits \[2,3\], labels undef/,
  )
  const labelled = (labels: number[]): [string, SafeTensor][] => [
    ['logits', logits],
    ['labels', i64(labels)],
  ]
  refused(labelled([0]), /labels \[1\]/)
  refused(labelled([0, 3]), /labels has 3; there are 3 classes/)
  refused(labelled([0, -1]), /labels has -1; there are 3 classes/)
  refused(
    [...labelled([0, 1]), ['test.logits', f32([1, 2], [1, 2])], ['test.labels', i64([0])]],
    /3 classes to fit on, 2 to/,
  )
  refused([...labelled([0, 1]), ['test.labels', i64([0])]], /test.logits undefined/)
  refused(labelled([0, 2 ** 32 + 1]), /labels has 4294967297; there are 3 classes/)
  refused([labelled([])[0], ['labels', f32([2], [0.5, 1])]], /labels has 0.5; there are 3 classes/)
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const odd: [string, SafeTensor] = ['logits', f32([2, 3], [1, 2, 3, 4, value, 6])]
    refused([odd, ['labels', i64([0, 1])]], new RegExp(`x.safetensors: logits has ${value} in row 1; numbers`))
  }
  refused(
    [...labelled([0, 1]), ['test.logits', f32([0, 3], [])], ['test.labels', i64([])]],
    /x.safetensors: no rows in test.logits/,
  )
  const one: [string, SafeTensor][] = [
    ['logits', f32([1, 3], [1, 2, 3])],
    ['labels', i64([0])],
  ]
  refused(one, /1 row; fitting and testing need rows of their own/)
})

test('what is no kept network is told how to get one', () => {
  const plain = writeSafetensors([['fc.weight', f32([1], [1])]])
  assert.throws(
    () => readModel(plain, 'w.safetensors'),
    /w.safetensors: no kept network, .* studies keep theirs with --keep/,
  )
  const made = (model: string) => writeSafetensors([], { format: 'webgpu-distill model', model })
  assert.throws(() => readModel(made('{'), 'w'), /w: its metadata is damaged/)
  assert.throws(() => readModel(made('{ "schemaVersion": 9 }'), 'w'), /schemaVersion 9; this program reads up to 1/)
})

test('a kept network whose metadata lacks what is needed is refused with the name of it', () => {
  const whole = {
    ...{
      schemaVersion: 1,
      name: 'a',
      node: 'student',
      dataset: 'synthetic',
      dataHash: 'x',
      parameters: 1,
      testImages: 1,
    },
    stage: { id: 'a', seed: 0, nodes: { student: { view: 'low' } }, views: { low: { size: 7 } } },
    network: { depth: 8 },
    made: { adapter: 'some' },
    result: { sha256: 'x', test: { nll: 1, brier: 1 } },
  }
  const read = (model: unknown) => {
    return readModel(writeSafetensors([], { format: 'webgpu-distill model', model: JSON.stringify(model) }), 'w')
  }
  assert.equal(read(whole).model as unknown, whole)
  const refused = (model: unknown, message: RegExp) => {
    assert.throws(
      () => read(model),
      (error: Error) => error instanceof InputError && message.test(error.message),
    )
  }
  for (const none of [null, 1, [], {}]) refused(none, /^w: schemaVersion undefined; this program reads up to 1$/)
  for (const key of ['name', 'stage', 'network', 'made', 'result', 'parameters'] as const) {
    refused({ ...whole, [key]: null }, new RegExp(`^w: its metadata is damaged: ${key}[.\\w]* is \\w+, not of type`))
  }
  for (const node of ['teacher', '__proto__']) refused({ ...whole, node }, /no pictures for "/)
})

test.run()
