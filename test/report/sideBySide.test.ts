// Two studies side by side, on made-up results whose differences are known.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { differences } from '../../src/report/differences.ts'
import type { Results, Row } from '../../src/report/rows.ts'
import { change, changeOf, type SideBySide, sideBySide, tally, teacherChange } from '../../src/report/sideBySide.ts'
import { changeFigures } from '../../src/report/sideFigures.ts'
import { sideHtml } from '../../src/report/sideHtml.ts'
import {
  changeTables,
  claimTables,
  differenceTables,
  sideDocument,
  sideSummary,
  sideText,
} from '../../src/report/sideTables.ts'
import { close } from './check.ts'
import { fakeResults } from './fake.ts'

const test = suite('side by side')

const NAMES = ['results/one', 'results/two'] as const

/** The same study with rows, run or recipe changed. */
function changed(row: (row: Row) => Partial<Row> | null, more: Partial<Results['run']> = {}): Results {
  const results = fakeResults({ run: more })
  return { ...results, rows: results.rows.flatMap((one) => (row(one) ? [{ ...one, ...row(one) }] : [])) }
}

const one = fakeResults()
const find = ({ matched }: SideBySide, method: string, size: number, temperature: number | null = null) => {
  return matched.find(({ a }) => a.method === method && a.size === size && a.temperature === temperature)!
}

test('documents differ leaf by leaf, whatever the order of their keys', () => {
  const a = { x: 1, list: [1, 2], in: { p: { q: 1 }, r: null }, gone: true, same: [{ k: 1, l: 2 }] }
  const b = { in: { r: 0, p: { q: 1 } }, list: [1, 3], x: 1, came: 'here', same: [{ l: 2, k: 1 }], not: undefined }
  assert.equal(differences(a, b), [
    { path: 'list', a: [1, 2], b: [1, 3] },
    { path: 'in.r', a: null, b: 0 },
    { path: 'gone', a: true, b: undefined },
    { path: 'came', a: undefined, b: 'here' },
  ])
  assert.equal(differences(a, structuredClone(a)), [])
  assert.equal(differences({ a: 1 }, 1), [{ path: '', a: { a: 1 }, b: 1 }])
})

test('a study beside itself: every row matched, no difference, the same bits', () => {
  const compared = sideBySide(one, fakeResults())
  assert.is(compared.matched.length, 12)
  assert.equal([compared.onlyA, compared.onlyB, compared.facts, compared.recipe], [[], [], [], []])
  for (const pair of compared.matched) {
    const { n, estimate, lower, upper } = changeOf(pair, 'accuracy', 'fraction')
    assert.equal([n, estimate, lower, upper], [3, 0, 0, 0])
    assert.is(pair.same.bits, pair.same.of)
    assert.is(pair.same.of, pair.a.method === 'dml' ? 9 : 3)
  }
  assert.equal(compared.notes, [
    'Same recipe, pictures, kernels and adapter: the same bits are expected, unless the drivers differ.',
  ])
  assert.match(sideSummary(compared), '48 of 48 networks of the same seed are the same bits')
})

test('differences are B minus A, paired by seed, with the interval of Student at n - 1 degrees', () => {
  // By seed +1, +2 and +3 points: mean 2, sd 1, half width 4.302653 / √3.
  const two = changed(({ accuracy, seconds, seed, sha256 }) => ({
    accuracy: accuracy! + 0.01 * (seed + 1),
    seconds: 2 * seconds!,
    sha256: `${sha256}${seed === 1 ? '' : '!'}`,
  }))
  const compared = sideBySide(one, two)
  for (const pair of compared.matched) {
    const { n, estimate, lower, upper, a, b } = changeOf(pair, 'accuracy', 'fraction')
    const half = (0.01 * 4.302652729696) / Math.sqrt(3)
    assert.is(n, 3)
    close(estimate, 0.02)
    close(lower, 0.02 - half, 1e-9)
    close(upper, 0.02 + half, 1e-9)
    close(b!.mean - a!.mean, 0.02)
    const times = changeOf(pair, 'seconds', 'ratio')
    close(times.estimate, 2)
    close(times.upper, 2, 1e-9)
    assert.is(3 * pair.same.bits, pair.same.of, 'seed 1 alone kept its bits')
  }
  assert.equal(tally(compared.matched, 'accuracy', 'fraction'), { above: 0, below: 0, undecided: 12, untold: 0 })
  assert.equal(tally(compared.matched, 'seconds', 'ratio'), { above: 12, below: 0, undecided: 0, untold: 0 })
  const back = sideBySide(two, one)
  close(changeOf(back.matched[0], 'accuracy', 'fraction').estimate, -0.02)
  close(changeOf(back.matched[0], 'seconds', 'ratio').estimate, 0.5)
})

test('only shared seeds are paired; without one there is no interval', () => {
  const some = change(
    new Map([
      [0, 1],
      [1, 3],
    ]),
    new Map([
      [1, 4],
      [2, 9],
    ]),
    'nats',
  )
  assert.equal([some.n, some.estimate, some.lower, some.upper], [1, 1, null, null])
  assert.equal([some.a?.mean, some.b?.mean], [2, 6.5])
  const none = change(
    new Map([
      [0, 1],
      [1, 3],
    ]),
    new Map([[2, 5]]),
    'nats',
  )
  assert.equal([none.n, none.estimate, none.lower], [0, 3, null])
  assert.is(change(new Map([[0, 2]]), new Map([[2, 5]]), 'ratio').estimate, 2.5)
  assert.equal(change(new Map(), new Map([[2, 5]]), 'nats').estimate, null)
  const two = changed((row) => ({ seed: row.seed + 10 }))
  const cells = changeTables(sideBySide(one, two))[0].blocks[0].rows[0]
  assert.equal(cells.slice(-3), ['–', 'unpaired', '–'])
})

test('rows match by kind and size; by images only where a study has several numbers of them', () => {
  const two = changed((row) => (row.method === 'dml' ? null : { n: 1000 }))
  two.rows.push({ ...one.rows[0], method: 'dkd', temperature: 4, teacher: 'raw' })
  const compared = sideBySide(one, two)
  assert.is(compared.matched.length, 10)
  assert.equal(
    compared.onlyA.map(({ method, size }) => `${method} ${size}`),
    ['dml 14', 'dml 7'],
  )
  assert.equal(
    compared.onlyB.map(({ method }) => method),
    ['dkd'],
  )
  assert.is(changeTables(compared)[0].blocks[0].title, '14 px, 2000 and 1000 images')
  const several = changed(() => ({}))
  several.rows.push(...one.rows.filter(({ method }) => method === 'supervised').map((row) => ({ ...row, n: 500 })))
  const controls = sideBySide(several, two)
  assert.is(find(controls, 'supervised', 14), undefined, 'two numbers of images in A, neither of them in B')
  assert.is(sideBySide(several, one).matched.length, 12)
})

test('failed cells count in neither mean', () => {
  const two = changed((row) => (row.seed === 2 ? { status: 'failed', accuracy: null, sha256: null } : {}))
  const pair = find(sideBySide(one, two), 'supervised', 14)
  const { n, a, b } = changeOf(pair, 'accuracy', 'fraction')
  assert.equal([n, a?.n, b?.n], [2, 3, 2])
  assert.equal(pair.same, { bits: 2, of: 2 })
})

test('what the studies differ in: recipe, adapter, commit, claims, teachers; not date and command', () => {
  const run = {
    adapter: 'another',
    commit: 'c0ffee',
    date: '2027-01-01',
    command: 'x',
    dataHash: 'other',
    paper: 'trikd',
  }
  const config = { ...one.run.config, epochs: 40, more: { lr: 1 } }
  const two = { ...changed(() => ({}), { ...run, config }), claims: one.claims.slice(1) }
  two.teachers = two.teachers.map((row) => ({ ...row, tau: 2 * row.tau!, accuracy: row.accuracy! - 0.01 }))
  const compared = sideBySide(one, two)
  assert.equal(compared.recipe, [
    { path: 'epochs', a: 20, b: 40 },
    { path: 'more', a: undefined, b: { lr: 1 } },
  ])
  assert.equal(compared.facts.map(({ path }) => path).sort(), ['adapter', 'commit', 'dataHash', 'paper'])
  assert.is(compared.notes.length, 2)
  assert.match(
    compared.notes[0],
    'Two studies, cqkd and trikd: few rows are the same, and each tests claims its own way',
  )
  assert.match(compared.notes[1], 'Different pictures')
  assert.equal(compared.claims, [], 'a claim of two studies is tested in two ways')
  const wider = two.claims.map((claim) => ({ ...claim, here: claim.id === 'C7' ? '28 px against 4 px' : claim.here }))
  const { claims } = sideBySide(one, { ...two, run: { ...two.run, paper: 'cqkd' }, claims: wider })
  assert.not.ok(claims.some(({ id }) => id === one.claims[0].id))
  assert.ok(claims.length > 0 && claims.every(({ a, b }) => a === b && a !== 'not tested'))
  const [{ head, blocks }] = claimTables({ claims })
  assert.equal(head, ['', 'claim', 'as tested', 'A', 'B'])
  const told = new Map(blocks[0].rows.map((row) => [row[0], row[2]]))
  assert.is(told.get('C7'), 'A: supervised, 14 px against 7 px; B: 28 px against 4 px')
  assert.match(told.get('C1')!, /^small networks and little data/)
  const [teachers] = compared.teachers
  close(teacherChange(teachers, ({ tau }) => tau, 'ratio').estimate, 2)
  close(teacherChange(teachers, ({ accuracy }) => accuracy, 'fraction').upper, -0.01, 1e-9)
  assert.equal(
    differenceTables(compared).map(({ title, blocks }) => [title, blocks[0].rows.length]),
    [
      ['Recipe', 2],
      ['Program, adapter and data', 4],
    ],
  )
})

test('the text has accuracy, calibration and what differs; the document every digit', () => {
  const two = changed(({ accuracy }) => ({ accuracy: accuracy! - 0.02 }), { adapter: 'another' })
  const compared = sideBySide(one, two)
  const text = sideText(compared, NAMES, [one, two])
  assert.match(text, /^A: results\/one \(fashion-mnist, preset quick, FAKE adapter/)
  assert.match(text, /^B: results\/two \(.*another, commit fake000000/m)
  assert.match(text, '12 rows in both, 0 in A alone, 0 in B alone')
  assert.match(text.replace(/\s+/g, ' '), 'B above A in 0, below in 12, undecided in 0')
  assert.match(text, /^supervised .* −2\.00 points {2}\[−2\.00, −2\.00\] +3 +3\/3$/m)
  assert.match(text, /^adapter +FAKE adapter.* another$/m)
  assert.match(text, 'The recipes are the same.')
  assert.not.match(text, /undefined|NaN|\[object/)
  const { matched } = JSON.parse(JSON.stringify(sideDocument(compared)))
  close(matched[0].changes.accuracy.estimate, -0.02)
  assert.equal(matched[0].images, { a: 2000, b: 2000 })
})

test('the page is one file that asks for nothing, and every word is escaped', () => {
  const evil = '<script>alert(1)</script>'
  const two = changed((row) => ({ method: row.method === 'dml' ? evil : row.method }), { adapter: evil, command: evil })
  const compared = sideBySide(one, two)
  const html = sideHtml(compared, ['a', evil], [one, two])
  assert.match(html, /^<!doctype html>/)
  assert.not.match(html, /<script|https?:\/\/(?!www\.w3\.org\/2000\/svg)/)
  assert.match(html, '&lt;script&gt;alert(1)&lt;/script&gt;')
  assert.not.match(html, /undefined|NaN|\[object/)
  const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
  assert.is(new Set(ids).size, ids.length, 'ids are unique')
  for (const id of ['results', 'figures', 'alone', 'teachers', 'recipes', 'commands']) assert.ok(ids.includes(id), id)
  for (const [, to] of html.matchAll(/href="#([^"]+)"/g)) assert.ok(ids.includes(to), to)
  // Nothing in common, and one seed each: still a page.
  const alien = changed((row) => (row.seed ? null : { size: row.size + 1 }))
  assert.match(sideHtml(sideBySide(one, alien), NAMES, [one, alien]), '0 rows in both, 12 in A alone, 12 in B alone')
  assert.ok(sideText(sideBySide(one, alien), NAMES, [one, alien]).length > 0)
})

test('figures draw every matched row with its interval', () => {
  const figures = changeFigures(
    sideBySide(
      one,
      changed(({ accuracy }) => ({ accuracy: accuracy! + 0.01 })),
    ),
    true,
  )
  assert.equal(
    figures.map(({ id }) => id),
    ['change-accuracy', 'change-ece'],
  )
  const [{ svg }] = figures
  assert.is(String(svg).match(/<circle/g)?.length, 12)
  assert.match(String(svg), 'CQKD calibrated, T 20, 7 px: 1.00 [1.00, 1.00]')
  assert.equal(changeFigures({ matched: [] }), [])
  // Names begin inside the figure, however long.
  const long = {
    ...one,
    rows: one.rows.map((row) => ({ ...row, method: `${row.method} ${'of a long name '.repeat(4)}` })),
  }
  const [wide] = changeFigures(sideBySide(long, long))
  const [, width, left] = /viewBox="0 0 (\d\S*) .*?<text x="([^"]+)" y="68.5"/s.exec(String(wide.svg))!
  assert.ok(Number(width) > 600 && Number(left) > 450 && Number(width) - Number(left) > 150, `${left} of ${width}`)
})

test('teachers of different values of what a study varies stay apart', () => {
  const grey = one.teachers.map((row) => ({ ...row, axis: 'view', at: 'grey 32' }))
  const edges = one.teachers.map((row) => ({ ...row, axis: 'view', at: 'edges 32' }))
  const both = { ...one, teachers: [...edges, ...grey] }
  const alone = { ...one, teachers: edges }
  assert.is(sideBySide(both, both).teachers.length, 2 * sideBySide(one, one).teachers.length)
  const { teachers } = sideBySide(both, alone)
  assert.equal(
    teachers.map(({ at }) => at),
    sideBySide(one, one).teachers.map(() => 'edges 32'),
  )
  assert.match(sideText(sideBySide(both, alone), NAMES, [both, alone]), 'view edges 32')
})

test.run()
