import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { InputError } from '../../src/errors.ts'
import { readText } from '../../src/io/files.ts'
import { storedTuning, storeTuning, tuningPath } from '../../src/node/tuning.ts'
import type { Trial } from '../../src/tune/contest.ts'
import { mergeTunings, parseTuning, tuningOf, tuningText } from '../../src/tune/tuning.ts'
import { memoryFiles } from '../memoryFiles.ts'

const test = suite('stored tunings')

const place = { adapter: 'Some GPU, driver 1', driver: 'driver 1', subgroupSize: 32 }
const trial = (key: string, chosen: string): Trial => {
  return { key, default: 'first', chosen, tried: [] }
}
const tuning = tuningOf(place, [trial('a', 'first'), trial('b', 'second')])
const parse = (value: unknown) => parseTuning(JSON.stringify(value), 'some file')

test('choices are what displaced a default', () => {
  assert.equal(tuning.choices, { b: 'second' })
  assert.equal(parseTuning(tuningText(tuning), 'text'), tuning)
})

test('a later trial of a shape counts, in either direction', () => {
  const later = tuningOf(place, [trial('a', 'third'), trial('b', 'first'), trial('c', 'second')])
  const { choices, trials } = mergeTunings(tuning, later)
  assert.equal(choices, { a: 'third', c: 'second' })
  assert.equal(
    trials.map(({ key, chosen }) => `${key} ${chosen}`),
    ['a third', 'b first', 'c second'],
  )
  assert.equal(mergeTunings(later, tuningOf(place, [])).choices, later.choices)
})

test('what is no tuning is refused with file and value', () => {
  const refused = (work: () => unknown, message: RegExp) =>
    assert.throws(work, (error: Error) => error instanceof InputError && message.test(error.message))
  refused(() => parseTuning('{ "adapter"', 'my.json'), /my\.json is not JSON: .*; remove it and tune again/)
  refused(() => parse(null), /some file: schemaVersion is absent/)
  refused(() => parse([]), /some file: schemaVersion is absent, it must be a whole number up to 1/)
  refused(() => parse({ ...tuning, schemaVersion: 2 }), /schemaVersion 2; this program reads up to 1/)
  refused(() => parse({ ...tuning, adapter: 3 }), /adapter is 3, it must be text/)
  refused(() => parse({ ...tuning, subgroupSize: '8' }), /subgroupSize is "8"/)
  for (const choices of [undefined, [], 'lanes', { a: 3 }]) {
    refused(() => parse({ ...tuning, choices }), /choices is .*, it must be a table of kernels by shape/)
  }
  refused(() => parse({ ...tuning, trials: [3] }), /trials is \[3\]/)
  assert.equal(parse({ ...tuning, trials: undefined }).trials, [], 'a file by hand needs none')
})

test('a store gives back what it was given, and adds to it', async () => {
  const store = { folder: 'tuning', files: memoryFiles() }
  assert.is(await storedTuning(place, store), null)
  const path = await storeTuning(tuning, store)
  assert.match(path, /^tuning\/some-gpu-driver-1-[0-9a-f]{8}\.json$/)
  assert.equal(await storedTuning(place, store), tuning)
  assert.is(await storeTuning(tuningOf(place, [trial('c', 'third')]), store), path)
  assert.equal((await storedTuning(place, store))!.choices, { b: 'second', c: 'third' })
  assert.equal(
    (await store.files.list('tuning')).map(({ name }) => `tuning/${name}`),
    [path],
  )
})

test('the store of another adapter, driver or subgroup size is not read, whatever the file is called', async () => {
  const store = { folder: 'tuning', files: memoryFiles() }
  const text = await readText(store.files, await storeTuning(tuning, store))
  for (const other of [{ adapter: 'Other GPU' }, { driver: 'driver 2' }, { subgroupSize: 0 }]) {
    const info = { ...place, ...other }
    assert.is(await storedTuning(info, store), null)
    await store.files.writeAtomic(tuningPath(info, 'tuning'), text)
    assert.is(await storedTuning(info, store), null, JSON.stringify(other))
    const path = await storeTuning(tuningOf(info, [trial('c', 'third')]), store)
    assert.equal(parseTuning(await readText(store.files, path), path).choices, { c: 'third' })
  }
})

test('a damaged store is told by its path', async () => {
  const path = tuningPath(place, 'tuning')
  const store = { folder: 'tuning', files: memoryFiles({ [path]: 'half a f' }) }
  const error = await storedTuning(place, store).then(
    () => null,
    (caught) => caught,
  )
  assert.instance(error, InputError)
  assert.match(error.message, `${path} is not JSON`)
})

test.run()
