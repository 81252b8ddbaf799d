import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Cell } from '../../src/study/cells.ts'
import type { NodeResult, Scores } from '../../src/study/measure.ts'
import type { Stage } from '../../src/study/stage.ts'
import { runsOf, writeTensorboard } from '../../src/study/tensorboard.ts'
import { type ReadEvent, readEventFile } from '../io/eventReader.ts'
import { memoryFiles } from '../memoryFiles.ts'
import { setting, smallStages } from './small.ts'

const test = suite('TensorBoard')

const stages = smallStages({ methods: ['supervised', 'cqkd', 'dml'] })
const find = (end: string) => stages.find(({ id }) => id.endsWith(end))!
const scores = (ece: number): Scores => {
  return { accuracy: 0.75, top5: 0.875, ece, signedGap: -ece, entropy: 0.25, nll: 1.125, brier: 0.5, bins: [] }
}

/** Two epochs of three steps: 60 images, 20 a batch; ended at 100 s after ten seconds. */
function cellOf(stage: Stage): Cell {
  const trained = Object.keys(stage.nodes).filter((name) => stage.nodes[name].trained)
  const teaches = trained.includes('teacher')
  const node: NodeResult = {
    test: scores(0.125),
    train: { accuracy: 0.9375, nll: 0.375 },
    tau: teaches ? 2 : null,
    calibrated: teaches ? scores(0.0625) : null,
    inferenceMs: 1,
    forwardFlops: 1,
    sha256: 'x',
  }
  const parts = { total: 2, ce: 1.5, kl0: 0.25, kl1: 0.5, kl2: 7, kl3: 7, hit: 0.5, top5: 1, confidence: 0.625 }
  const point = (epoch: number) => {
    const own = (i: number) => ({
      ...parts,
      total: 2 + i + 1 / 2 ** epoch,
      entropy: 1,
      nll: 1.5,
      brier: 0.75,
      ece: 0.0625,
    })
    return { epoch, nodes: Object.fromEntries(trained.map((name, i) => [name, own(i)])) }
  }
  return {
    schemaVersion: 1,
    key: 'k',
    status: 'ok',
    reason: null,
    outcome: {
      nodes: Object.fromEntries(trained.map((name) => [name, node])),
      seconds: 10,
      imagesPerSecond: 1,
      dispatches: 1,
      trainImages: 60,
      curve: [point(1), point(2)],
    },
    stage,
    setting,
    version: '1.2.3',
    commit: null,
    finished: new Date(100_000).toISOString(),
  }
}

const steps = (events: ReadEvent[], tag: string) => {
  return events.filter(({ values }) => tag in values).map(({ step, values }) => [step, values[tag]])
}

test('every finished cell becomes a run a network, in files that read back', async () => {
  const files = memoryFiles()
  const cells = new Map(stages.map((stage) => [stage.id, cellOf(stage)]))
  const supervised = find('supervised')
  cells.set(supervised.id, { ...cells.get(supervised.id)!, status: 'failed', outcome: null })
  assert.is(await writeTensorboard(files, 'out', stages, cells), 5, 'teacher, CQKD student, three members')
  const names = async (folder: string) => (await files.list(folder)).map(({ name }) => name)
  assert.equal(await names('out/tensorboard/seed0'), ['4px', 'teacher'])
  assert.equal(await names('out/tensorboard/seed0/4px'), ['cqkd-T4', 'dml'])
  assert.equal(await names('out/tensorboard/seed0/4px/dml'), ['member0', 'member1', 'member2'])
  const [file, ...more] = await names('out/tensorboard/seed0/4px/cqkd-T4')
  assert.match(file, /^events\.out\.tfevents\./)
  assert.equal(more, [])

  const bytes = await files.readFile(`out/tensorboard/seed0/4px/cqkd-T4/${file}`)
  const [version, ...events] = readEventFile(bytes)
  assert.is(version.version, 'brain.Event:2')
  assert.equal(steps(events, 'train/loss'), [
    [3, 2.5],
    [6, 2.25],
  ])
  assert.equal(steps(events, 'train/kl_from_teacher'), [
    [3, 0.25],
    [6, 0.25],
  ])
  assert.equal(steps(events, 'train/signed_gap'), [
    [3, 0.125],
    [6, 0.125],
  ])
  assert.equal(steps(events, 'train/ece'), [
    [3, 0.0625],
    [6, 0.0625],
  ])
  assert.equal(steps(events, 'test/ece'), [[6, 0.125]])
  assert.equal(steps(events, 'train_end/accuracy'), [[6, 0.9375]])
  assert.equal(steps(events, 'test_calibrated/ece'), [])
  const times = events.map(({ time }) => time)
  assert.equal(
    times,
    times.toSorted((a, b) => a - b),
  )
  assert.is(times.at(-1), 100)
  assert.is(events.find(({ step }) => step === 3)!.time, 95)

  // Again: the same bytes in the same place.
  await writeTensorboard(files, 'out', stages, cells)
  assert.equal(await files.readFile(`out/tensorboard/seed0/4px/cqkd-T4/${file}`), bytes)
  assert.equal(await names('out/tensorboard/seed0/4px/cqkd-T4'), [file])
})

test('rates are those of the schedule, at the updates that took them', () => {
  const stage = { ...find('supervised'), schedule: { name: 'cosine' as const, warmup: 0.5 } }
  const [[, events]] = runsOf(stage, cellOf(stage))
  const rates = steps(events, 'learning_rate')
  assert.equal(
    rates.map(([step]) => step),
    [1, 2, 3, 4, 5, 6],
  )
  // Three steps of warm-up from a third, then half a cosine over three more.
  const peak = stage.optimizer.lr
  const want = [1 / 3, 5 / 9, 7 / 9, 1, 0.75, 0.25].map((share) => share * peak)
  for (const [i, [, rate]] of rates.entries()) assert.ok(Math.abs(rate - want[i]) < 1e-12, `${i}: ${rate}`)
  const long = { ...stage, epochs: 1000 }
  const [[, many]] = runsOf(long, cellOf(long))
  const told = steps(many, 'learning_rate')
  assert.ok(told.length <= 1001 && told.length > 900, `${told.length}`)
  assert.equal([told[0][0], told.at(-1)![0]], [1, 3000])
})

test('terms are named after where they come from; a teacher tells its ECE before and after τ', () => {
  const members = runsOf(find('dml'), cellOf(find('dml')))
  const [first, second] = [...members.values()]
  assert.equal([...members.keys()][1], 'seed0/4px/dml/member1')
  assert.equal(steps(first, 'train/kl_from_member2'), [
    [3, 0.5],
    [6, 0.5],
  ])
  assert.equal(steps(second, 'train/kl_from_member0')[0], [3, 0.25])
  assert.equal(steps(second, 'train/loss')[0], [3, 3.5])
  assert.equal(steps(first, 'train/kl_from_member0'), [], 'none from itself')
  const [[, teacher]] = runsOf(find('teacher'), cellOf(find('teacher')))
  assert.equal(steps(teacher, 'test_calibrated/ece'), [[6, 0.0625]])
})

test.run()
