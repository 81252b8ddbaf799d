import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Recipe } from '../../src/study/recipe.ts'
import type { Stage } from '../../src/study/stage.ts'
import { keysOf } from '../../src/study/store.ts'
import { setting, smallStages } from './small.ts'

const test = suite('keys of cells')

const before = smallStages()
const [TEACHER, SUPERVISED, CQKD] = before.map(({ id }) => id)

/** Which stages' keys differ from those of the unchanged study. */
async function changed(stages: Stage[], other = setting): Promise<string[]> {
  const [a, b] = [await keysOf(before, setting), await keysOf(stages, other)]
  return stages.map(({ id }) => id).filter((id) => a.get(id) !== b.get(id))
}

const recipe = (changes: Partial<Recipe>) => changed(smallStages(changes))

test('the small study is a teacher, a supervised cell and a distilled one', () => {
  assert.equal([TEACHER, SUPERVISED, CQKD], ['seed0/teacher', 'seed0/4px/supervised', 'seed0/4px/cqkd-T4'])
})

test('the same study has the same keys', async () => {
  assert.equal(await changed(smallStages()), [])
  const keys = [...(await keysOf(before, setting)).values()]
  assert.is(new Set(keys).size, 3)
  for (const key of keys) assert.match(key, /^[0-9a-f]{24}$/)
})

test('what all cells share changes all keys', async () => {
  const all = [TEACHER, SUPERVISED, CQKD]
  assert.equal(await recipe({ epochs: 3 }), all)
  assert.equal(await recipe({ batch: 10 }), all)
  assert.equal(await recipe({ trainImages: 50 }), all)
  assert.equal(await recipe({ testImages: 10 }), all)
  assert.equal(await recipe({ downscale: 'bilinear' }), all)
  assert.equal(await recipe({ augmentation: { shift: 1, flip: false } }), all)
  assert.equal(await recipe({ optimizer: { name: 'adamw', lr: 1e-3, weightDecay: 0.05 } }), all)
  assert.equal(await recipe({ schedule: { name: 'constant', warmup: 0.1 } }), all)
  const choices = { 'conv2d dW 20x4x4x4:4:3 stride 1 padding 1': 'generic' }
  for (const other of [{ dataHash: 'x' }, { fingerprint: 'x' }, { adapter: 'x' }, { subgroupSize: 4 }, { choices }]) {
    assert.equal(await changed(smallStages(), { ...setting, ...other }), all)
  }
})

test('what only the teacher is made of changes it and those who learn from it', async () => {
  assert.equal(await recipe({ teacher: { depth: 14, widths: [4, 4, 4] } }), [TEACHER, CQKD])
  assert.equal(await recipe({ calibrationImages: 30 }), [TEACHER, CQKD])
})

test('what only a distilled cell is made of changes it alone', async () => {
  assert.equal(await recipe({ weight: 0.4 }), [CQKD])
  assert.equal(await recipe({ ceWeight: 1 }), [CQKD])
  assert.equal(await recipe({ teacherInput: 'low' }), [CQKD])
  assert.equal(await recipe({ student: { depth: 8, widths: [4, 4, 8] } }), [SUPERVISED, CQKD])
})

test('a raw and a calibrated teacher make different cells at the same temperature', async () => {
  const keys = await keysOf(smallStages({ methods: ['cqkd', 'cqkd-raw'], rawTemperatures: [4] }), setting)
  assert.is(new Set(keys.values()).size, 3)
})

test('names, labels and preset are not in the key', async () => {
  const renamed = before.map((stage) => ({ ...stage, label: { role: 'full' as const, size: 1 } }))
  assert.equal(await changed(renamed), [])
  assert.equal(await recipe({ preset: 'another', dataset: 'another' }), [])
  const ids = new Map(before.map(({ id }) => [id, `other/${id}`]))
  const moved = JSON.parse(
    JSON.stringify(before).replaceAll(/"seed0[^"]*"/g, (text) => JSON.stringify(ids.get(JSON.parse(text)))),
  ) as Stage[]
  const [a, b] = [await keysOf(before, setting), await keysOf(moved, setting)]
  assert.equal([...a.values()], [...b.values()])
})

test('more methods or temperatures leave the cells that were there', async () => {
  const more = await keysOf(smallStages({ methods: ['supervised', 'cqkd', 'dml'], temperatures: [1, 4, 20] }), setting)
  for (const [id, key] of await keysOf(before, setting)) assert.is(more.get(id), key)
})

test('a stage before the one it needs is refused', async () => {
  const message = await keysOf([before[2], before[0]], setting).then(
    () => 'taken',
    (error) => error.message,
  )
  assert.is(message, 'stage seed0/4px/cqkd-T4 needs seed0/teacher, which does not come before it')
})

test.run()
