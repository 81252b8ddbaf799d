// Tables, texts and the page: widths, numbers, escaping, no network, no script.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { caption, isReduced, summary } from '../../src/report/caption.ts'
import {
  duration,
  estimateOf,
  fixed,
  intervalOf,
  percent,
  scaled,
  significant,
  thousands,
} from '../../src/report/format.ts'
import { htmlReport } from '../../src/report/html.ts'
import { parsePapers } from '../../src/report/papers.ts'
import type { Results } from '../../src/report/rows.ts'
import { tables } from '../../src/report/table.ts'
import {
  agreementText,
  markdownReport,
  rowsCsv,
  summaryCsv,
  textReport,
  textTable,
  wrap,
} from '../../src/report/tableText.ts'
import { fakeResults } from './fake.ts'

const test = suite('report/table')
const papers = parsePapers(JSON.parse(readFileSync('bench/papers.json', 'utf8')))

test('numbers: percent, true minus, no negative zero, plain notation', () => {
  assert.equal([percent(0.82314), fixed(-0.0001, 2), fixed(-1.5, 1)], ['82.31', '0.00', '−1.5'])
  // The verdict looks at the sign of an interval's ends: it is told where the digits are all 0.
  const tiny = { lower: -0.0004, upper: 0.0003, unit: 'nats' as const }
  assert.is(intervalOf(tiny), '[−0.000, +0.000]')
  assert.is(estimateOf({ estimate: 1e-17, unit: 'nats' }), '0.000 nats')
  assert.is(estimateOf({ estimate: 0.0123, unit: 'fraction' }), '+1.23 points')
  assert.equal([significant(1234.5), significant(12.34), significant(0.0456)], ['1235', '12.3', '0.0456'])
  assert.equal([scaled(1_284_000), scaled(2.2e12), scaled(12)], ['1.28 M', '2.20 T', '12.0'])
  assert.equal([duration(61), duration(191), duration(9000)], ['61.0 s', '3.18 min', '2.50 h'])
  assert.equal([thousands(2000), thousands(60_000), thousands(12)], ['2,000', '60,000', '12'])
})

test('every line on the terminal fits into 80 columns, for either preset', () => {
  for (const options of [{ failed: true }, { preset: 'standard' as const, seeds: 5 }, { seeds: 1 }]) {
    for (const line of textReport(fakeResults(options), papers).split('\n')) {
      assert.ok([...line].length <= 80, `${[...line].length} columns: ${line}`)
    }
  }
})

test('a line: mean ± standard deviation in percent, n, and the paper', () => {
  const { run, rows } = fakeResults()
  const exact = rows.filter(({ method, size }) => method === 'supervised' && size === 14)
  for (const [i, row] of exact.entries())
    Object.assign(row, { accuracy: [0.82, 0.83, 0.84][i], ece: 0.08, entropy: 0.25 })
  const results = { schemaVersion: 1 as const, run, rows, teachers: [], claims: [] }
  const [table] = tables(results, papers)
  const text = textTable(table)
  assert.match(text, /^supervised +3 +83\.00 ± 1\.00 +8\.00 ± 0\.00 +0\.250 ± 0\.000$/m)
  assert.match(table.caption, /Published values of these rows: not on file\.$/)
  assert.match(textReport(results, papers), /^Published values of these rows: not on file\.$/m)
  assert.match(text, /^14 px$/m)
  assert.match(text, /^7 px$/m)
})

test('one seed has no ±, failed seeds show in n and are listed', () => {
  assert.not.match(textTable(tables(fakeResults({ seeds: 1 }))[0]), /±/)
  const text = textReport(fakeResults({ failed: true }))
  assert.match(text, /^CQKD raw +4 +2\/3 /m)
  assert.match(text, /CQKD raw, T = 4, 7 px, seed 2: failed, loss became NaN at step 412/)
})

test('where epochs were looked at: last, best by images held out, and best on test, which is said to leak', () => {
  const results = fakeResults({ curves: true, run: { config: { looks: { heldOut: 400, test: 1400 } } } })
  assert.not(tables(results).some(({ title }) => title === 'Course of training'))
  for (const row of results.rows) {
    const { seed } = row
    Object.assign(row, { bestHeldOut: 0.8 + seed / 100, bestOnTest: 0.82 + seed / 100, epochsTo99: 12, curveArea: 0.7 })
  }
  for (const { points, seed } of results.curves!) points.at(-1)!.accuracy = 0.79 + seed / 100
  for (const teacher of results.teachers) Object.assign(teacher, { bestHeldOut: 0.85, bestOnTest: 0.86 })
  const course = tables(results)[1]
  assert.is(course.title, 'Course of training')
  assert.match(course.caption, /^On the first 1,400 test images, not .* by the test images themselves \(which leaks\)/)
  assert.equal(course.head.slice(3, 6), ['last %', 'best held out %', 'best on test % (leaks)'])
  const [supervised] = course.blocks[0].rows
  assert.equal(supervised.slice(2, 6), ['3', '80.00 ± 1.00', '81.00 ± 1.00', '83.00 ± 1.00'])
  const teachers = tables(results).at(-1)!
  assert.equal(teachers.head.slice(-2), ['best held out %', 'best on test % (leaks)'])
  assert.equal(teachers.blocks[0].rows[0].slice(-2), ['85.00', '86.00'])
})

test('claims stand under the table with statistic, n, interval and verdict', () => {
  const text = textReport(fakeResults())
  assert.match(text, /^C1 +(HOLDS|UNDECIDED|REVERSED): CQKD beats supervised learning$/m)
  assert.match(text.replace(/\s+/g, ' '), /accuracy, CQKD minus supervised, .*: [+−]\d\.\d\d points \[.*\], n = 3/)
  assert.match(text, /^C6c +NOT TESTED/m)
  assert.match(textReport(fakeResults({ seeds: 1 })), /ONE SEED, NO VERDICT[\s\S]*as claimed/)
})

test('the ECE of training batches stands beside that of the test set, labelled; nowhere in results without it', () => {
  const before = fakeResults()
  const title = 'Calibration error by where it is measured'
  assert.not.ok(markdownReport(before).includes(title))
  assert.not.match(summaryCsv(before), 'trainBatchEce')
  const rows = before.rows.map((row) => ({ ...row, ece: 0.08, trainBatchEce: 0.03125 }))
  const results = { ...before, rows }
  const found = tables(results).find((each) => each.title === title)!
  assert.equal(found.head.slice(-2), ['test, eval mode %', 'training batches, train mode %'])
  assert.equal(found.blocks[0].rows[0].slice(-2), ['8.00 ± 0.00', '3.13 ± 0.00'])
  assert.match(htmlReport(results), 'training batches, train mode %')
  for (const line of textReport(results).split('\n')) assert.ok([...line].length <= 80, line)
  assert.match(rowsCsv(rows), /^method,.*,trainBatchEce\n/)
  assert.match(summaryCsv(results), /,trainBatchEce,trainBatchEceSd,/)
})

test('a reduced run says so; synthetic pictures louder', () => {
  const { run, ...rest } = fakeResults()
  assert.match(
    caption({ run, ...rest }),
    /^Fashion-MNIST, preset quick \(reduced: not the paper's experiment\), 2,000 training/,
  )
  assert.is(isReduced({ ...run, preset: 'paper', dataset: 'imagenet' }), false)
  const other = { ...rest, run: { ...run, preset: 'paper', dataset: 'cifar100' } }
  assert.match(caption(other), "preset paper (not the paper's experiment)")
  assert.not.match(summary(other), 'reduced')
  assert.is(isReduced({ ...run, preset: 'paper', dataset: 'imagenet', overrides: ['--epochs 1'] }), true)
  const synthetic: Results = { run: { ...run, dataset: 'synthetic' }, ...rest }
  assert.match(summary(synthetic), /^These are seeded synthetic pictures/)
  assert.match(htmlReport(synthetic), /<strong>Synthetic pictures/)
  assert.match(caption(fakeResults({ seeds: 1 })), /one seed: direction only/)
})

test('the summary counts the verdicts and names what failed', () => {
  const results = fakeResults({ failed: true })
  const text = summary(results)
  for (const { id } of results.claims) assert.ok(new RegExp(`\\b${id}\\b`).test(text), id)
  assert.match(text, /1 of 48 rows did not finish and is left out/)
  assert.match(text, /ECE from \d\.\d\d to \d\.\d\d %/)
})

test('Markdown: every table, cells escaped, as many cells as heads', () => {
  const results = fakeResults({ failed: true })
  results.rows[0].method = 'a|b'
  const text = markdownReport(results, papers)
  assert.match(text, /a\\\|b/)
  for (const block of text.split('\n\n').filter((part) => part.startsWith('|'))) {
    const widths = block.split('\n').map((line) => line.replace(/\\\|/g, '').split('|').length)
    assert.is(new Set(widths).size, 1, block.slice(0, 80))
  }
  for (const heading of ['Accuracy and calibration', 'Cost', 'Teachers', 'Claims', 'Not finished']) {
    assert.ok(text.includes(`## ${heading}`), heading)
  }
})

test('CSV: all rows exactly, quotes where needed', () => {
  const results = fakeResults({ failed: true })
  results.rows[1].reason = 'said "no", twice'
  const lines = rowsCsv(results.rows).trimEnd().split('\n')
  assert.is(lines.length, results.rows.length + 1)
  assert.match(lines[0], /^method,size,temperature,teacher,tau,seed,member,n,status,accuracy,/)
  assert.ok(lines[1].includes(String(results.rows[0].accuracy)))
  assert.ok(lines[2].endsWith('"said ""no"", twice"'))
  const summed = summaryCsv(results, papers).trimEnd().split('\n')
  assert.is(summed.length, 13)
  assert.is(new Set(summed.map((line) => line.split(',').length)).size, 1)
  assert.match(summed[1], /^supervised,14,,,2000,3,0\.8/)
})

test('wrapping keeps words and indents what follows', () => {
  assert.equal(wrap('one two three', 7), ['one two', 'three'])
  assert.equal(wrap('  one two three', 7, 4), ['  one', '    two', '    three'])
})

test('report.html: one file, no script, no network, sections, exact command', () => {
  const results = fakeResults({ curves: true })
  const html = htmlReport(results, { papers })
  assert.not.match(html, /<script/i)
  assert.not.match(html, /\son\w+=/i)
  const addresses = [...html.matchAll(/(?:\s(?:href|src)=|url\()["']?([^"')\s>]+)/g)].map(([, address]) => address)
  for (const address of addresses) assert.ok(/^(#|data:)/.test(address), address)
  const anywhere = [...html.matchAll(/https?:\/\/[^\s"'<]+/g)].map(([found]) => found)
  assert.equal([...new Set(anywhere)], ['http://www.w3.org/2000/svg'], 'the SVG namespace only')
  for (const id of ['results', 'figures', 'claims', 'reliability', 'curves', 'more', 'agreement', 'run']) {
    assert.ok(html.includes(`<section id="${id}">`), id)
  }
  assert.ok(html.includes(`<pre>${results.run.command}</pre>`))
  assert.match(html, /prefers-color-scheme: dark/)
  const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id)
  assert.is(new Set(ids).size, ids.length, 'ids are unique')
})

test('report.html: tags are balanced and hostile words stay words', () => {
  const results = fakeResults({
    failed: true,
    curves: true,
    run: { adapter: '<img src=x onerror=alert(1)>', command: 'a && b' },
  })
  results.rows[0].method = '</title><script>alert(1)</script>'
  results.run.config = { note: '</pre><script>' }
  const html = htmlReport(results, { papers, title: 'A & <B>' })
  assert.not.match(html, /<script|<img/)
  assert.match(html, /<title>A &amp; &lt;B&gt;<\/title>/)
  assert.match(html, /<pre>a &amp;&amp; b<\/pre>/)
  const open: string[] = []
  for (const [, end, name, self] of html.matchAll(/<(\/?)([a-zA-Z][\w-]*)[^>]*?(\/?)>/g)) {
    if (self || ['meta', 'link'].includes(name)) continue
    if (end) assert.is(open.pop(), name)
    else open.push(name)
  }
  assert.equal(open, [])
})

test('agreement is told where the run can be compared, and why not elsewhere', () => {
  assert.match(agreementText(fakeResults()), /\d+ of 25 means \(.*agree.* \d+ of 24 paired differences/)
  const other = fakeResults({ preset: 'standard' })
  assert.is(agreementText(other), '')
  assert.match(htmlReport(other), /Not compared: the reference is of the preset quick, this run of standard/)
})

test('a document without rows still makes a page and a table', () => {
  const { run } = fakeResults()
  const empty: Results = { schemaVersion: 1, run, rows: [], teachers: [], claims: [] }
  assert.match(htmlReport(empty), /<\/html>/)
  assert.ok(textReport(empty).length > 50)
  assert.ok(markdownReport(empty).length > 50)
})

test.run()
