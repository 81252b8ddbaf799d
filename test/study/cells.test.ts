// Small studies on the shared device: what is skipped, what fails, what ends a run.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DeviceLostError, FileError, InputError } from '../../src/errors.ts'
import type { FileLayer } from '../../src/io/files.ts'
import type { Cell } from '../../src/study/cells.ts'
import type { Recipe } from '../../src/study/recipe.ts'
import type { Stage } from '../../src/study/stage.ts'
import { AbortedError } from '../../src/train/fit.ts'
import { memoryFiles } from '../memoryFiles.ts'
import { running } from './running.ts'
import { smallData, smallRecipe, smallStages } from './small.ts'

const test = suite('cells of a study')

const data = await smallData()

interface Run {
  files?: FileLayer
  recipe?: Partial<Recipe>
  change?: (stages: Stage[]) => void
  fresh?: boolean
  signal?: AbortSignal
}

function run({ recipe, change, ...more }: Run) {
  const stages = smallStages(recipe)
  change?.(stages)
  return running(stages, data, more)
}

const digests = (cells: Map<string, Cell>) => {
  return [...cells.values()].flatMap(({ outcome }) => Object.values(outcome?.nodes ?? {}).map(({ sha256 }) => sha256))
}

async function fault(work: Promise<unknown>): Promise<Error> {
  try {
    await work
  } catch (error) {
    return error as Error
  }
  return assert.unreachable('nothing was thrown') as never
}

let first: Awaited<ReturnType<typeof run>>
let firstCells: Map<string, Cell>

test('every cell is trained, kept and told', async () => {
  first = await run({})
  firstCells = await first.cells
  assert.equal([...firstCells.keys()], ['seed0/teacher', 'seed0/4px/supervised', 'seed0/4px/cqkd-T4'])
  assert.ok([...firstCells.values()].every(({ status }) => status === 'ok'))
  assert.ok(firstCells.get('seed0/teacher')!.outcome!.nodes.teacher.tau! > 0)
  // Beside what is said of pipelines that no earlier test has used.
  const lines = first.lines().filter((line) => !/ {2}compiling \d+ pipelines?: /.test(line))
  assert.is(lines.length, 3)
  assert.match(
    lines[0],
    /^\[1\/3\] seed0\/teacher {2}[\d.]+ s {2}\d+ img\/s {2}60 images {2}accuracy [\d.]+ % {2}ECE [\d.]+ % {2}τ /,
  )
  const events = await first.events()
  const begun = events.filter(({ event }) => event === 'cell').map(({ id }) => id)
  assert.equal(begun, ['seed0/teacher', 'seed0/4px/cqkd-T4', 'seed0/4px/supervised'], 'most work first')
  assert.ok(events.every(({ schemaVersion, time, event }) => schemaVersion === 1 && time && event))
  for (const kind of ['cell', 'progress', 'finished'])
    assert.is(events.filter(({ event }) => event === kind).length, 3, kind)
  for (const key of first.keys.values()) {
    assert.ok(await first.files.exists(`out/cells/${key}.json`))
    assert.not(await first.files.exists(`out/cells/${key}.checkpoint.safetensors`))
  }
})

test('a second run trains nothing and has the same cells', async () => {
  const again = await run({ files: first.files })
  const cells = await again.cells
  assert.equal(again.lines(), ['3 of 3 cells are finished already'])
  assert.equal(digests(cells), digests(firstCells))
})

test('a signal between the choice of a cell and its first step is not missed', async () => {
  const files = memoryFiles()
  const { append } = files
  const stop = new AbortController()
  files.append = async (path, text) => {
    if (text.includes('"event":"cell"')) stop.abort()
    return append(path, text)
  }
  const stopped = await run({ files, signal: stop.signal, change: (stages) => stages.splice(1) })
  assert.instance(await fault(stopped.cells), AbortedError)
  const [key] = stopped.keys.values()
  for (const end of ['.json', '.checkpoint.safetensors']) {
    assert.not(await files.exists(`out/cells/${key}${end}`), 'nothing was trained')
  }
})

test('a fresh run trains all, to the same bits', async () => {
  const again = await run({ files: first.files, fresh: true })
  const cells = await again.cells
  assert.is(again.lines().length, 3)
  assert.is(new Set(digests(cells)).size, 3)
  assert.equal(digests(cells), digests(firstCells))
})

test('a loss that is no number fails its cell and those that learn from it, and the study goes on', async () => {
  const change = ([teacher]: Stage[]) => {
    teacher.optimizer = { ...teacher.optimizer, lr: 1e30 }
  }
  const broken = await run({ change })
  const cells = await broken.cells
  assert.equal(
    [...cells.values()].map(({ status }) => status),
    ['failed', 'ok', 'failed'],
  )
  assert.match(
    cells.get('seed0/teacher')!.reason!,
    /^training diverged: the loss of 'teacher' is .* at step \d+ \(epoch \d\)/,
  )
  assert.match(
    cells.get('seed0/4px/cqkd-T4')!.reason!,
    /^it learns from seed0\/teacher, which failed: training diverged/,
  )
  assert.match(broken.lines()[0], /^\[1\/3\] seed0\/teacher {2}FAILED: training diverged/)
  // It would fail again in the same way: it is not tried again.
  const again = await run({ files: broken.files, change })
  assert.equal(
    [...(await again.cells).values()].map(({ status }) => status),
    ['failed', 'ok', 'failed'],
  )
  assert.equal(again.lines(), ['3 of 3 cells are finished already'])
})

test('weights that the very last update breaks fail their cell too', async () => {
  const change = (stages: Stage[]) => {
    for (const stage of stages) stage.optimizer = { ...stage.optimizer, lr: 1e30 }
  }
  const recipe = { batch: 60, epochs: 1, methods: ['supervised' as const] }
  const [cell] = (await (await run({ change, recipe })).cells).values()
  assert.is(cell.status, 'failed')
  assert.match(cell.reason!, "the loss of 'student' is NaN at step 1 (epoch 1)")
})

test('an abort leaves a checkpoint, from which the run goes on to the same bits', async () => {
  const recipe = { epochs: 30, methods: ['supervised' as const] }
  const whole = await (await run({ recipe })).cells
  const abort = new AbortController()
  const files = memoryFiles()
  // Stops at the first sign of training.
  const append = files.append
  files.append = async (path, text) => {
    if (text.includes('"progress"')) abort.abort()
    return append(path, text)
  }
  const stopped = await run({ files, recipe, signal: abort.signal })
  assert.instance(await fault(stopped.cells), AbortedError)
  const key = stopped.keys.get('seed0/4px/supervised')!
  const checkpoint = await stopped.store.checkpoint(key)
  assert.ok(checkpoint && checkpoint.snapshot.step > 0 && checkpoint.snapshot.step < 90, `${checkpoint?.snapshot.step}`)
  files.append = append
  const resumed = await run({ files, recipe })
  assert.equal(digests(await resumed.cells), digests(whole))
  assert.is(await stopped.store.checkpoint(key), null)
})

test('a checkpoint of another network ends the run by name', async () => {
  const recipe = { methods: ['supervised' as const] }
  const wide = await run({ recipe: { ...recipe, student: { ...smallRecipe.student, widths: [4, 4, 8] } } })
  await wide.cells
  const weights = await wide.store.weights(wide.keys.get('seed0/4px/supervised')!)
  const other = await run({ recipe, signal: AbortSignal.abort() })
  await fault(other.cells)
  const key = other.keys.get('seed0/4px/supervised')!
  await other.store.saveCheckpoint(key, { step: 1, tensors: weights }, 0)
  const error = await fault((await run({ files: other.files, recipe })).cells)
  assert.instance(error, InputError)
  assert.match(
    error.message,
    /^out\/cells\/\w+\.checkpoint\.safetensors: load: 'layer3.*; remove it to start the cell again$/,
  )
})

test('a full disk and a lost device end the run with finished cells intact', async () => {
  for (const error of [new FileError('cannot write: the disk is full (ENOSPC)'), new DeviceLostError('device lost')]) {
    const files = memoryFiles()
    const write = files.writeAtomic
    let written = 0
    files.writeAtomic = async (path, bytes) => {
      // Two files a cell: the teacher's are written, the next cell's are not.
      if (++written > 2) throw error
      return write(path, bytes)
    }
    const broken = await run({ files })
    assert.is(await fault(broken.cells), error)
    assert.is((await broken.store.result<Cell>(broken.keys.get('seed0/teacher')!))?.status, 'ok')
    files.writeAtomic = write
    const mended = await run({ files })
    assert.equal(digests(await mended.cells), digests(firstCells))
    assert.is(mended.lines()[0], '1 of 3 cells are finished already')
  }
})

test.run()
