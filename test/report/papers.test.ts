// Published values: read strictly, and set beside exactly those rows that they are of.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { groupRows } from '../../src/report/groups.ts'
import { htmlReport } from '../../src/report/html.ts'
import { NOT_ON_FILE, networksOf, type PaperEntry, paperValues, parsePapers } from '../../src/report/papers.ts'
import type { Results, Row } from '../../src/report/rows.ts'
import { tables } from '../../src/report/table.ts'
import { markdownReport, summaryCsv, textReport } from '../../src/report/tableText.ts'
import { PRESETS } from '../../src/study/recipe.ts'
import { TRIKD_PRESETS } from '../../src/study/trikdRecipe.ts'
import { fails } from './check.ts'
import { fakeResults } from './fake.ts'
import { fake, type Line, rowsOf } from './lines.ts'

const test = suite('report/papers')
// The one with the paper's own data.
const imagenet = Object.values(PRESETS).find(({ recipe }) => recipe.dataset === 'imagenet')!
const stored = () => JSON.parse(readFileSync('bench/papers.json', 'utf8'))
const entry = { method: 'supervised', size: 14, metric: 'accuracy', value: 0.5, page: 'table 1' }
const table = { paper: 'cqkd', source: 'a paper', dataset: 'fashion-mnist', networks: null }
const file = (...entries: object[]) => ({ schemaVersion: 1, tables: [{ ...table, entries }] })
const read = (...entries: object[]) => parsePapers(file(...entries))

test('the file on file: no value of the two papers, those of the CIFAR-100 literature with their networks', () => {
  const papers = parsePapers(stored())
  assert.ok(papers.filter(({ paper }) => paper !== 'crd').every(({ value }) => value === null))
  const kd = papers.find(({ method, networks }) => method === 'kd' && /^ResNet-56/.test(networks ?? ''))!
  assert.equal([kd.value, kd.teacher, kd.temperature], [0.7066, 'raw', 4])
  // CQKD's recipe of docs/recipes.md, whose student sees full pictures, is KD.
  const line = { ...kinds[3], method: 'cqkd', size: 32 }
  const { teacher, student } = PRESETS.cifar10.recipe
  const run = { ...trikd.run, paper: 'cqkd', dataset: 'cifar100', config: { teacher, student } }
  const values = paperValues(papers, run, groupRows(rowsOf([line]))[0], 'accuracy')
  assert.equal(
    values.map(({ value }) => value),
    [0.7066],
  )
})

test('a file is read strictly: what is wrong is named, and what is not known is refused', () => {
  fails(() => parsePapers({ schemaVersion: 2, tables: [] }, 'mine.json'), /^mine\.json: schemaVersion is 2; 1 expected/)
  fails(() => parsePapers({ schemaVersion: 1 }), /no list of tables/)
  fails(() => parsePapers(null), /schemaVersion is undefined/)
  fails(() => read({ ...entry, value: '80 %' }), /entries\[0\]\.value is "80 %"; a number or null expected/)
  fails(() => read(entry, { ...entry, metric: 'acc' }), /entries\[1\]\.metric is "acc"; one of accuracy, ece, entropy/)
  fails(() => read({ ...entry, teacher: 'yes' }), /teacher is "yes"; raw, calibrated or sameResolution expected/)
  fails(() => read({ ...entry, generation: 1.5 }), /generation is 1\.5; a whole number expected/)
  fails(() => read({ ...entry, generaton: 1 }), /entries\[0\] has generaton; known are method, size/)
  fails(() => read(7 as unknown as object), /entries\[0\] is 7; an object expected/)
  fails(() => parsePapers({ schemaVersion: 1, tables: [{ ...table, source: 1, entries: [] }] }), /source is not a text/)
})

/** A study of TriKD: students and teachers of two generations, KD, an ablation, a larger teacher. */
const kinds: Line[] = [
  { method: 'supervised' },
  { method: 'supervised', role: 'teacher' },
  { method: 'supervised', role: 'teacher', teacherWidth: 32 },
  { method: 'kd', teacher: 'raw', temperature: 4 },
  { method: 'kd', teacher: 'calibrated', temperature: 4 },
  { method: 'kd', teacher: 'raw', temperature: 4, teacherWidth: 32 },
  ...[1, 2].flatMap((generation) => [
    { method: 'trikd', generation, loss: 'CE+T+A', peerLoss: 'CE+S+A' },
    { method: 'trikd', generation, role: 'teacher' as const, loss: 'CE+S+A', peerLoss: 'CE+T+A' },
  ]),
  { method: 'ablation', generation: 1, loss: 'CE+T', peerLoss: 'CE+S+A' },
  { method: 'supervised', axis: 'images', at: 250 },
]
const trikd: Results = {
  ...fake,
  run: { ...fake.run, paper: 'trikd' },
  rows: rowsOf(kinds),
  teachers: [],
  claims: [],
  curves: [],
}
const groups = groupRows(trikd.rows)
const beside = (papers: PaperEntry[], metric: 'accuracy' | 'ece' = 'accuracy', { run } = trikd) =>
  groups.filter((group) => paperValues(papers, run, group, metric).length > 0)
const own = (...entries: object[]) => parsePapers({ schemaVersion: 1, tables: [{ ...table, paper: 'trikd', entries }] })

test('a value stands beside one kind of row: role, generation, teacher, temperature and losses are its own', () => {
  const base = { size: 7, metric: 'accuracy', value: 0.6 }
  const cases: [object, Partial<Row>][] = [
    [{ method: 'supervised' }, { method: 'supervised' }],
    [
      { method: 'supervised', role: 'teacher' },
      { method: 'supervised', role: 'teacher' },
    ],
    [
      { method: 'kd', teacher: 'raw', temperature: 4 },
      { method: 'kd', teacher: 'raw' },
    ],
    [
      { method: 'trikd', generation: 2 },
      { method: 'trikd', generation: 2 },
    ],
    [
      { method: 'trikd', generation: 1, role: 'teacher' },
      { method: 'trikd', generation: 1, role: 'teacher' },
    ],
    [
      { method: 'ablation', generation: 1, loss: 'CE+T', peerLoss: 'CE+S+A' },
      { method: 'ablation', loss: 'CE+T' },
    ],
  ]
  for (const [which, expected] of cases) {
    const found = beside(own({ ...base, ...which }))
    assert.is(found.length, 1, JSON.stringify(which))
    for (const [key, value] of Object.entries({ role: undefined, ...expected }))
      assert.is(found[0][key as keyof (typeof found)[0]], value, JSON.stringify(which))
    assert.equal([found[0].teacherWidth, found[0].at], [undefined, undefined])
  }
  for (const which of [
    { method: 'trikd' },
    { method: 'kd', temperature: 4 },
    { method: 'kd', teacher: 'raw' },
    { method: 'ablation', generation: 1 },
    { method: 'supervised', size: 14 },
    { method: 'supervised', value: null },
  ])
    assert.equal(beside(own({ ...base, ...which })), [], JSON.stringify(which))
  const supervised = own({ ...base, method: 'supervised' })
  assert.equal(beside(supervised, 'ece'), [], 'of the metric')
  assert.equal(beside(supervised, 'accuracy', { ...trikd, run: { ...trikd.run, dataset: 'cifar10' } }), [])
  assert.equal(beside(read({ ...base, method: 'supervised' })), [], "another paper's, without networks")
})

const resnet = (depth: number) => ({ depth, widths: [16, 32, 64], stemStride: 1 })
const cifar = { ...trikd.run, dataset: 'cifar100', config: { teacher: resnet(56), student: resnet(20) } }

test("the literature's values stand beside any study of the same networks, with their source", () => {
  const papers = parsePapers(stored())
  const rows = trikd.rows.map((row) => ({ ...row, size: 32 }))
  const results: Results = { ...trikd, run: { ...cifar, paper: 'rivals' }, rows }
  const [accuracy, published] = tables(results, papers)
  const cells = accuracy.blocks.flatMap(({ rows: lines }) => lines.map((line) => [line[0], line[line.length - 1]]))
  assert.equal(
    cells.filter(([, cell]) => cell !== NOT_ON_FILE),
    [
      ['supervised', '69.06 crd'],
      ['KD raw', '70.66 crd'],
      ['supervised', '72.34 crd'],
    ],
  )
  assert.is(published.title, 'Published values')
  assert.equal(
    published.blocks.map(({ title, rows: lines }) => [title, lines.length]),
    [
      ['32 px', 2],
      ['teachers, 32 px', 1],
    ],
  )
  assert.match(published.blocks[0].rows[1].join(' | '), 'KD raw | 4 | accuracy % | ')
  assert.match(published.blocks[0].rows[1][5], 'HobbitLong/RepDistiller, README, ResNet-56 to ResNet-20')
  const wider = { ...cifar, config: { teacher: resnet(56), student: { ...resnet(20), widths: [8, 16, 32] } } }
  assert.not.match(textReport({ ...results, run: wider }, papers), 'crd')
})

test('networks are called what the literature calls them', () => {
  const named = (teacher: unknown, student: unknown) => networksOf({ config: { teacher, student } })
  assert.is(named(resnet(56), resnet(20)), 'ResNet-56 to ResNet-20')
  assert.is(named({ depth: 40, widen: 2 }, { depth: 16, widen: 2, stemStride: 1 }), 'WRN-40-2 to WRN-16-2')
  const by4 = (depth: number) => ({ depth, widths: [64, 128, 256], stemWidth: 32, stemStride: 1 })
  assert.is(named(by4(32), by4(8)), 'ResNet-32x4 to ResNet-8x4')
  assert.is(networksOf({ config: { ...imagenet.recipe } }), 'ResNet-50 to ResNet-18')
  assert.is(networksOf({ config: { ...TRIKD_PRESETS.paper.recipe } }), 'ResNet-56 to ResNet-20')
  for (const odd of [{ ...resnet(20), stemStride: 2 }, { ...resnet(20), embedding: 64 }, 'resnet20', undefined])
    assert.is(named(resnet(56), odd), null)
  assert.is(named({ depth: 50 }, { depth: 18, stem: '3x3' }), null)
  assert.is(named({ depth: 50 }, { depth: 18, widths: [8, 16, 32, 64] }), null)
  assert.is(named({ depth: 50, widths: [64, 128, 256, 512] }, { depth: 18 }), 'ResNet-50 to ResNet-18')
  assert.is(networksOf({ config: { ...PRESETS.quick.recipe } }), null, 'narrower than what is published')
})

test("an owner's file: accuracy, ECE and entropy show everywhere, the owner's own first", () => {
  const results = fakeResults()
  const cqkd = { ...entry, method: 'cqkd', teacher: 'raw', temperature: 4 }
  const papers = read(
    entry,
    { ...entry, value: 0.4 },
    { ...cqkd, value: 0.61 },
    { ...cqkd, metric: 'ece', value: 0.0725 },
    { ...cqkd, metric: 'entropy', value: 0.1234, page: 'figure 3' },
  )
  const text = textReport(results, papers)
  assert.match(text, /^supervised .* 50\.00 table 1$/m)
  assert.match(text, /^CQKD raw .* 61\.00 table 1$/m)
  assert.match(text, /^CQKD calibrated .* not on file$/m)
  for (const written of [markdownReport(results, papers), htmlReport(results, { papers })]) {
    for (const part of ['Published values', '7.25', '0.123', 'a paper, figure 3'])
      assert.ok(written.includes(part), part)
  }
  const lines = summaryCsv(results, papers).trimEnd().split('\n')
  assert.match(lines[0], /,paperAccuracy,paperEce,paperEntropy$/)
  assert.ok(lines.some((line) => /^cqkd,14,4,raw,.*,0\.61,0\.0725,0\.1234$/.test(line)))
  assert.is(lines.filter((line) => line.endsWith(`,${NOT_ON_FILE},${NOT_ON_FILE},${NOT_ON_FILE}`)).length, 10)
  const bare = markdownReport(results, parsePapers(stored()))
  assert.not.match(bare, '## Published values')
  assert.match(bare, NOT_ON_FILE)
  assert.match(summaryCsv(results).split('\n')[0], /,paperAccuracy$/)
})

test('every line of the file on file has a row that it can stand beside, once its value is filled in', () => {
  const own = stored().tables.filter(({ paper }: { paper: string }) => paper !== 'crd')
  for (const each of own) {
    const filled = { ...each, entries: each.entries.map((one: object) => ({ ...one, value: 0.5 })) }
    const entries = parsePapers({ schemaVersion: 1, tables: [filled] })
    const trained = each.paper === 'cqkd' ? imagenet.recipe : TRIKD_PRESETS.paper.recipe
    const run = { ...fake.run, paper: each.paper, dataset: each.dataset, config: { ...trained } }
    for (const one of entries) {
      const { method, size, temperature, teacher, role, generation } = one
      const row = { ...fake.rows[0], method, size, temperature, teacher, role, generation, loss: 'CE', peerLoss: 'CE' }
      const [group] = groupRows([row])
      assert.ok(paperValues(entries, run, group, one.metric).includes(one), JSON.stringify(one))
    }
  }
})

test.run()
