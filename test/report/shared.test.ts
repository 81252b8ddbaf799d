// Claims that several studies test: each says how, one study is made for it, and a premise that fails tests nothing.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Part } from '../../src/report/claim.ts'
import { CQKD_CLAIMS, judgeClaims } from '../../src/report/claims.ts'
import { TEACHER_CLAIMS } from '../../src/report/claimsTeachers.ts'
import { TRIKD_CLAIMS } from '../../src/report/claimsTrikd.ts'
import { together, untested } from '../../src/report/compare.ts'
import { htmlReport } from '../../src/report/html.ts'
import { madeFor, SHARED_CLAIMS } from '../../src/report/madeFor.ts'
import { parseResults } from '../../src/report/results.ts'
import type { Verdict } from '../../src/report/stats.ts'
import { markdownReport, textReport } from '../../src/report/tableText.ts'
import { STUDIES } from '../../src/studies/index.ts'
import { fakeResults } from './fake.ts'
import { type Line, rowsOf } from './lines.ts'

const test = suite('report/shared claims')
const ALL = [{ name: 'cqkd', claims: CQKD_CLAIMS }, { name: 'trikd', claims: TRIKD_CLAIMS }, ...STUDIES]

test('a claim of several studies has one text and one study that is made for it', () => {
  const studies = new Map<string, string[]>()
  for (const { name, claims } of ALL) for (const { id } of claims) studies.set(id, [...(studies.get(id) ?? []), name])
  const shared = [...studies].filter(([, names]) => names.length > 1).map(([id]) => id)
  assert.equal(shared.sort(), [...SHARED_CLAIMS].sort())
  for (const id of shared) assert.ok(studies.get(id)!.includes(madeFor(id)!), `${id}: ${madeFor(id)}`)
  for (const [id, names] of studies) {
    const texts = ALL.flatMap(({ claims }) => claims.filter((claim) => claim.id === id).map(({ text }) => text))
    assert.ok(new Set(texts.map((text) => text.split(':')[0])).size === 1, `${id} of ${names}: ${texts.join(' | ')}`)
  }
})

test('whatever is tested says how, and fits a line; the phrase is in table, page and text, and is read back', () => {
  const results = fakeResults()
  const tested = results.claims.filter(({ verdict }) => verdict !== 'not tested')
  assert.ok(tested.length > 10)
  for (const { id, here } of tested) {
    assert.ok(here && here.length < 130 && !/undefined|NaN/.test(here), `${id}: ${here}`)
    assert.ok(markdownReport(results).includes(`| ${here} |`), id)
    assert.ok(textReport(results).replace(/\s+/g, ' ').includes(`as tested here: ${here}`), id)
  }
  assert.match(htmlReport(results), 'As tested here: supervised, 14 px against 7 px.')
  assert.equal(parseResults(JSON.parse(JSON.stringify(results))).claims, results.claims)
  const older = results.claims.map(({ here, ...claim }) => claim)
  assert.is(parseResults({ ...results, claims: older }).claims.length, older.length)
})

/** Teachers of two widths and what KD makes of them, in the rows of one study and of the other. */
const wider = (teacher: number, student: number) => {
  const lines = (wide: Partial<Line>, usual: Partial<Line>): Line[] => [
    { method: 'supervised', role: 'teacher', accuracy: 0.74, ...usual },
    { method: 'supervised', role: 'teacher', accuracy: teacher, ...wide },
    { method: 'kd', teacher: 'raw', temperature: 4, accuracy: 0.72, ...usual },
    { method: 'kd', teacher: 'raw', temperature: 4, accuracy: student, ...wide },
  ]
  const value = (at: string) => ({ axis: 'teacher', at })
  return [
    judgeClaims(rowsOf(lines({ teacherWidth: 32 }, {})), [], TRIKD_CLAIMS, { study: 'trikd' }),
    judgeClaims(rowsOf(lines(value('width 32'), value('width 8'))), [], TEACHER_CLAIMS, { study: 'teachers' }),
  ].map((claims) => claims.find(({ id }) => id === 'K5')!)
}

test('K5: each study says its widths and temperatures, and that the rule has changed', () => {
  const [trikd, teachers] = wider(0.77, 0.7)
  assert.equal([trikd.verdict, teachers.verdict], ['holds', 'holds'])
  assert.is(trikd.here, 'width 32 against the usual teacher, KD at T = 4')
  assert.is(teachers.here, 'width 32 against width 8, KD at T = 4')
  for (const { parts } of [trikd, teachers]) {
    assert.match(parts[0].note, 'rule changed after results were seen')
    assert.equal([parts[0].premise, parts[1].premise], [true, undefined])
  }
})

test('K5: a larger teacher that is less accurate leaves nothing to test, whatever becomes of the student', () => {
  for (const student of [0.7, 0.75]) {
    for (const { verdict, reason } of wider(0.7, student)) {
      assert.is(verdict, 'not tested')
      assert.match(reason, /its premise is reversed here: premise: accuracy of the teacher, .* −4\.\d\d points \[/)
    }
  }
  for (const { verdict } of wider(0.74, 0.76)) assert.is(verdict, 'undecided', 'as accurate: nothing is known')
  for (const { verdict } of wider(0.77, 0.76)) assert.is(verdict, 'reversed')
})

test('premises come first, then what decides', () => {
  const part = (verdict: Verdict, premise?: true): Part => {
    return { ...untested('', '', ''), verdict, ...(premise && { premise }) }
  }
  const cases: [Verdict, Verdict, Verdict][] = [
    ['holds', 'holds', 'holds'],
    ['holds', 'reversed', 'reversed'],
    ['reversed', 'holds', 'not tested'],
    ['reversed', 'reversed', 'not tested'],
    ['undecided', 'reversed', 'undecided'],
    ['undecided', 'holds', 'undecided'],
    ['undecided', 'not tested', 'not tested'],
    ['one seed, no verdict', 'one seed, no verdict', 'one seed, no verdict'],
  ]
  for (const [premise, conclusion, expected] of cases) {
    assert.is(together([part(premise, true), part(conclusion)]), expected, `${premise}, ${conclusion}`)
  }
})

test('a stub names the study that is made for the claim; that study does not name itself', () => {
  const reason = (study: string, id: string) => {
    const { claims } = ALL.find(({ name }) => name === study)!
    return judgeClaims([], [], claims, { study }).find((claim) => claim.id === id)!.reason
  }
  assert.match(reason('cqkd', 'C6c'), /; the study made for it: npx webgpu-distill lost-information$/)
  assert.match(reason('trikd', 'K4'), /; the study made for it: npx webgpu-distill anchors$/)
  assert.match(reason('trikd', 'K9'), /; the study made for it: npx webgpu-distill few-data$/)
  assert.match(reason('trikd', 'K11'), /; the study made for it: npx webgpu-distill mimicry$/)
  for (const [study, id] of [
    ['lost-information', 'C6c'],
    ['anchors', 'K4'],
    ['few-data', 'K9'],
    ['cqkd', 'C1'],
  ])
    assert.not.match(reason(study, id), 'made for it')
})

test.run()
