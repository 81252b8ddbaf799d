import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseResults } from '../../src/report/results.ts'
import type { Run } from '../../src/report/rows.ts'
import type { Cell } from '../../src/study/cells.ts'
import type { NodeResult, Scores } from '../../src/study/measure.ts'
import { writeOutput } from '../../src/study/output.ts'
import { resultsOf } from '../../src/study/results.ts'
import type { Stage } from '../../src/study/stage.ts'
import { memoryFiles } from '../memoryFiles.ts'
import { setting, smallRecipe, smallStages } from './small.ts'

const test = suite('results of a study')

const run: Run = {
  version: '1.2.3',
  commit: null,
  adapter: 'made up',
  driver: null,
  features: [],
  seeds: [0],
  dataHash: 'd',
  fingerprint: 'f',
  command: 'node bench/cqkd.js',
  preset: 'quick',
  dataset: 'synthetic',
  config: { ...smallRecipe },
  date: '2026-01-01T00:00:00.000Z',
}

const bins = [{ lower: 0, upper: 1, count: 50, meanConfidence: 0.7, accuracy: 0.5 }]
const scores = (ece: number): Scores => {
  return { accuracy: 0.5, top5: 0.9, ece, signedGap: -ece, entropy: 0.3, nll: 1.1, brier: 0.4, bins }
}
const node = (tau: number | null, sha256: string): NodeResult => ({
  test: scores(0.2),
  train: { accuracy: 0.8, nll: 0.5 },
  tau,
  calibrated: tau === null ? null : scores(0.1),
  inferenceMs: 0.5,
  forwardFlops: 1000,
  sha256,
})

function cellOf(stage: Stage, seconds: number, tau: number | null = null): Cell {
  const trained = Object.entries(stage.nodes).filter(([, { trained }]) => trained)
  const parts = { total: 0.9, hit: 0.6, ece: 0.15 }
  return {
    schemaVersion: 1,
    key: 'k',
    status: 'ok',
    reason: null,
    outcome: {
      nodes: Object.fromEntries(trained.map(([name]) => [name, node(tau, `${stage.id} ${name}`)])),
      seconds,
      imagesPerSecond: 100,
      dispatches: 50,
      trainImages: 60,
      curve: [{ epoch: 1, nodes: Object.fromEntries(trained.map(([name], i) => [name, { ...parts, total: i }])) }],
    },
    stage,
    setting,
    version: '1.2.3',
    commit: null,
    finished: '2026-01-01T00:00:00.000Z',
  }
}

const stages = smallStages({ methods: ['supervised', 'cqkd', 'cqkd-raw', 'dml'], rawTemperatures: [4] })
const cells = new Map(stages.map((stage) => [stage.id, cellOf(stage, 10, stage.id.endsWith('teacher') ? 2.5 : null)]))
const whole = resultsOf(run, stages, cells)

test('a cell without an outcome that trains on all images stays in the row of the others', () => {
  const all = stages.map((stage) => ({ ...stage, trainImages: null, reserved: 40 }))
  const trained = new Map(all.map((stage) => [stage.id, { ...cells.get(stage.id)!, stage }]))
  const [broken] = all.filter(({ id }) => id.endsWith('supervised'))
  trained.set(broken.id, { ...trained.get(broken.id)!, status: 'failed', reason: 'diverged', outcome: null })
  const { rows } = resultsOf(run, all, trained)
  assert.equal(new Set(rows.map(({ n }) => n)), new Set([60]))
})

test('the document is what the report reads', () => {
  parseResults(JSON.parse(JSON.stringify(whole)))
  assert.is(whole.rows.length, 6)
  assert.is(whole.teachers.length, 1)
  assert.ok(whole.claims.length > 10)
})

test('seconds are those of all cells, whoever trained them; a cell that is missing or failed has none', () => {
  assert.is(whole.run.trainingSeconds, 10 * stages.length)
  const later = new Map([...cells].map(([id, cell]) => [id, { ...cell, finished: '2027-01-01T00:00:00.000Z' }]))
  assert.is(resultsOf(run, stages, later).run.trainingSeconds, 10 * stages.length)
  later.delete(stages[0].id)
  later.set(stages[1].id, { ...later.get(stages[1].id)!, status: 'failed', outcome: null })
  assert.is(resultsOf(run, stages, later).run.trainingSeconds, 10 * (stages.length - 2))
})

test('a row says what was trained and how it went', () => {
  const { bins: own, ...row } = whole.rows[1]
  assert.equal(own, bins)
  assert.equal(row, {
    method: 'cqkd',
    size: 4,
    temperature: 4,
    teacher: 'calibrated',
    tau: 2.5,
    seed: 0,
    n: 60,
    status: 'ok',
    accuracy: 0.5,
    top5: 0.9,
    ece: 0.2,
    signedGap: -0.2,
    entropy: 0.3,
    nll: 1.1,
    brier: 0.4,
    trainAccuracy: 0.8,
    trainNll: 0.5,
    seconds: 10,
    teacherSeconds: 10,
    imagesPerSecond: 100,
    inferenceMs: 0.5,
    forwardFlops: 1000,
    sha256: 'seed0/4px/cqkd-T4 student',
    trainBatchEce: 0.15,
  })
})

test('a row has the confusion of its network where the cell has one', () => {
  const stage = stages.find(({ id }) => id === whole.rows[0].sha256?.split(' ')[0])!
  const cell = cellOf(stage, 10)
  const confusion = [
    [3, 1],
    [0, 4],
  ]
  Object.values(cell.outcome!.nodes)[0].confusion = confusion
  const { rows } = resultsOf(run, stages, new Map(cells).set(stage.id, cell))
  assert.equal(rows[0].confusion, confusion)
  assert.not('confusion' in rows[1])
})

test('only who learns from a calibrated teacher has its τ; who has no teacher has no seconds of one', () => {
  const [supervised, , raw, dml] = whole.rows
  assert.equal([supervised.tau, supervised.teacherSeconds], [null, null])
  assert.equal([raw.teacher, raw.tau, raw.teacherSeconds], ['raw', null, 10])
  assert.equal([dml.tau, dml.teacherSeconds], [null, null])
})

test('DML has a row a member, all with the seconds of the cell', () => {
  const members = whole.rows.filter(({ method }) => method === 'dml')
  assert.equal(
    members.map(({ member, seconds, sha256 }) => [member, seconds, sha256]),
    [0, 1, 2].map((i) => [i, 10, `seed0/4px/dml member${i}`]),
  )
  const curve = whole.curves?.find(({ method }) => method === 'dml')
  assert.equal(curve?.points, [{ epoch: 1, trainLoss: 1, trainAccuracy: 0.6 }])
})

test('the teacher is listed before and after τ', () => {
  const [teacher] = whole.teachers
  assert.equal([teacher.role, teacher.size, teacher.tau, teacher.seconds], ['full', 8, 2.5, 10])
  assert.equal([teacher.raw?.ece, teacher.calibrated?.ece], [0.2, 0.1])
})

test('failed and missing cells keep their place, with the reason', () => {
  const partial = new Map(cells)
  const failed = { ...cells.get(stages[0].id)!, status: 'failed' as const, reason: 'it diverged', outcome: null }
  partial.set(stages[0].id, failed)
  partial.delete(stages[1].id)
  const results = resultsOf(run, stages, partial)
  parseResults(JSON.parse(JSON.stringify(results)))
  assert.equal(
    [results.teachers[0].status, results.teachers[0].reason, results.teachers[0].tau],
    ['failed', 'it diverged', null],
  )
  assert.equal([results.rows[0].status, results.rows[0].accuracy, results.rows[0].n], ['stopped', null, 60])
  assert.is(results.rows[1].tau, null)
})

test('a number that is none becomes null', () => {
  const odd = cellOf(stages[1], Number.NaN)
  const results = resultsOf(run, stages, new Map(cells).set(stages[1].id, odd))
  assert.is(results.rows[0].seconds, null)
})

test('every file is written, and figures of an earlier run go', async () => {
  const files = memoryFiles({ 'out/figures/old.svg': '' })
  const paths = await writeOutput(files, 'out', whole)
  const names = (await files.list('out')).map(({ name }) => name)
  assert.equal(names.sort(), ['figures', 'report.html', 'results.json', 'rows.csv', 'table.csv', 'table.md'])
  for (const name of names) assert.ok(paths.some((path) => path.includes(name)))
  const figures = (await files.list('out/figures')).map(({ name }) => name)
  assert.ok(figures.length >= 5 && !figures.includes('old.svg'), figures.join())
  const text = async (path: string) => new TextDecoder().decode(await files.readFile(path))
  assert.equal(parseResults(JSON.parse(await text('out/results.json'))), whole)
  assert.match(await text('out/report.html'), 'SYNTHETIC')
  for (const figure of figures) assert.match(await text(`out/figures/${figure}`), /^<svg/)
  assert.is((await text('out/rows.csv')).trim().split('\n').length, 7)
})

test.run()
