import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { agreement, allowance } from '../../src/report/agreement.ts'
import { groupRows, labelOf, perSeed, seedsOf, summarise } from '../../src/report/groups.ts'
import { REFERENCE } from '../../src/report/reference.ts'
import { parseResults, readResults } from '../../src/report/results.ts'
import type { Results, Row } from '../../src/report/rows.ts'
import { close, fails } from './check.ts'
import { fakeResults } from './fake.ts'

const test = suite('report/results')

const copy = (change: (document: Results) => void) => {
  const document = JSON.parse(JSON.stringify(fakeResults({ curves: true, failed: true }))) as Results
  change(document)
  return document
}

test('a document written as JSON reads back as itself', () => {
  const document = copy(() => {})
  assert.is(parseResults(document), document)
})

test('a newer schemaVersion is refused, an older or absent one is named', () => {
  fails(() => parseResults(copy((d) => (d.schemaVersion = 2))), /schemaVersion 2 is newer than this program.*update/)
  fails(() => parseResults({ rows: [] }), /schemaVersion is undefined/)
  fails(() => parseResults({ schemaVersion: '1' }), /schemaVersion is "1"/)
  fails(() => parseResults(JSON.parse('{"schemaVersion":1e400}')), /schemaVersion is Infinity/)
  fails(
    () => parseResults({ schemaVersion: JSON.parse('['.repeat(1e5) + ']'.repeat(1e5)) }),
    /is a list of too many levels;/,
  )
  fails(() => readResults('{', 'a/results.json'), /^a\/results\.json is not JSON: /)
  fails(() => parseResults([]), /not a results document/)
  fails(() => parseResults(null, 'out/results.json'), /^out\/results\.json: /)
})

test('the message names the field at fault and what was expected', () => {
  fails(() => parseResults(copy((d) => (d.rows[3].accuracy = 82.3))), /rows\[3\]\.accuracy is 82\.3; a fraction/)
  fails(() => parseResults(copy((d) => (d.rows[0].size = 0))), /rows\[0\]\.size is 0/)
  fails(() => parseResults(copy((d) => (d.rows[0].teacher = 'warm' as 'raw'))), /rows\[0\]\.teacher is "warm"/)
  fails(() => parseResults(copy((d) => delete (d.rows[1] as Partial<Row>).ece)), /rows\[1\]\.ece is undefined/)
  fails(() => parseResults(copy((d) => (d.rows[0].bins![2].count = -1))), /rows\[0\]\.bins/)
  fails(() => parseResults(copy((d) => (d.rows[0].confusion![3].length = 9))), /rows\[0\]\.confusion is .*a list of as/)
  fails(() => parseResults(copy((d) => (d.rows[0].confusion![3][1] = 0.5))), /rows\[0\]\.confusion/)
  fails(() => parseResults(copy((d) => (d.run.config = null as never))), /run\.config is null/)
  fails(() => parseResults(copy((d) => (d.teachers[0].role = 'x' as 'full'))), /teachers\[0\]\.role is "x"/)
  fails(() => parseResults(copy((d) => (d.claims[0].verdict = 'true' as 'holds'))), /claims\[0\]\.verdict/)
  fails(() => parseResults(copy((d) => (d.rows = {} as Row[]))), /rows is \{\}; a list/)
  fails(() => parseResults(copy((d) => (d.rows[0] = 7 as unknown as Row))), /rows\[0\] is 7; an object/)
})

test('groups: a line a size, method, teacher and temperature, in the order of the table', () => {
  const groups = groupRows(fakeResults().rows)
  assert.equal(groups.map((group) => `${group.size} ${labelOf(group)} ${group.temperature ?? '-'}`).slice(0, 7), [
    '14 supervised -',
    '14 CQKD calibrated 1',
    '14 CQKD calibrated 4',
    '14 CQKD calibrated 20',
    '14 CQKD raw 4',
    '14 DML -',
    '7 supervised -',
  ])
  const dml = groups[5]
  assert.is(dml.rows.length, 9)
  assert.is(perSeed(dml.rows, 'accuracy').size, 3)
  assert.is(summarise(dml.rows, 'accuracy')?.n, 3)
})

test('failed seeds are told apart', () => {
  const { rows } = fakeResults({ failed: true })
  const broken = groupRows(rows).find((group) => group.rows.some(({ status }) => status === 'failed'))!
  assert.equal(seedsOf(broken.rows), { ok: [0, 1], bad: [2] })
  assert.is(summarise(broken.rows, 'accuracy')?.n, 2)
  assert.is(summarise([], 'accuracy'), null)
})

test('agreement: 2.5 s √(1/n + 1/6), s from the printed half width', () => {
  close(allowance(0.0049, 3), 2.5 * (0.0049 / 1.05) * Math.sqrt(1 / 3 + 1 / 6))
})

/** A run whose every cell lies `shift` half widths off the reference. */
function shifted(shift: number): Pick<Results, 'run' | 'rows' | 'teachers'> {
  const { run, rows, teachers } = fakeResults()
  return {
    run,
    teachers: teachers.map((row) => ({ ...row, accuracy: REFERENCE.teacher.accuracy })),
    rows: rows.map((row) => {
      const find = (metric: string) => {
        const same = (entry: (typeof REFERENCE.entries)[number]) =>
          entry.method === row.method && entry.temperature === row.temperature && entry.teacher === row.teacher
        return REFERENCE.entries.find((entry) => same(entry) && entry.size === row.size && entry.metric === metric)!
      }
      const [accuracy, ece, entropy] = ['accuracy', 'ece', 'entropy'].map(find)
      return {
        ...row,
        accuracy: accuracy.value + shift * accuracy.half!,
        ece: ece.value + shift * ece.half!,
        entropy: entropy.value,
      }
    }),
  }
}

test('agreement: the reference agrees with itself; two half widths off, nothing does', () => {
  const same = agreement(shifted(0))
  assert.is(same.comparable, true)
  assert.equal([same.entries.judged, same.entries.agreeing, same.entries.passes], [25, 25, true])
  assert.equal([same.differences.judged, same.differences.agreeing], [24, 24])
  assert.is(same.entries.entries.filter(({ agrees }) => agrees === null).length, 12, 'entropies are shown, not judged')
  const off = agreement(shifted(2))
  assert.equal([off.entries.agreeing, off.entries.passes], [1, false])
  assert.is(off.differences.passes, true, 'a common shift leaves the differences alone')
})

test('agreement: only the reference protocol is compared', () => {
  const { run, rows, teachers } = fakeResults()
  const why = (change: Partial<Results['run']>) => agreement({ run: { ...run, ...change }, rows, teachers }).reason
  assert.match(why({ preset: 'smoke' }), /of the preset quick, this run of smoke/)
  assert.match(why({ dataset: 'synthetic' }), /this run of synthetic/)
  assert.match(why({ overrides: ['--epochs', '3'] }), /departs from the preset: --epochs 3/)
  assert.is(why({ dataset: 'Fashion-MNIST' }), '')
})

test('the reference table is the published one, in fractions', () => {
  const entry = REFERENCE.entries.find(
    ({ size, metric, teacher }) => size === 7 && metric === 'ece' && teacher === 'raw',
  )!
  close(entry.value, 0.1115)
  close(entry.half, 0.0048)
  assert.is(REFERENCE.entries.length, 36)
})

test.run()
