// Generations end by saturation: which cells are not trained, what stands in their place, and what results say of it.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { TRIKD_CLAIMS } from '../../src/report/claimsTrikd.ts'
import { parseResults } from '../../src/report/results.ts'
import type { Results, Run } from '../../src/report/rows.ts'
import { failures } from '../../src/report/table.ts'
import { markdownReport } from '../../src/report/tableText.ts'
import type { Cell } from '../../src/study/cells.ts'
import { saturated } from '../../src/study/ended.ts'
import { resultsOf } from '../../src/study/results.ts'
import { depths } from '../../src/study/shards.ts'
import { needs, type Stage } from '../../src/study/stage.ts'
import { keysOf } from '../../src/study/store.ts'
import { checkTrikd, TRIKD_PRESETS, type TrikdRecipe } from '../../src/study/trikdRecipe.ts'
import { trikdStages } from '../../src/study/trikdStages.ts'
import { memoryFiles } from '../memoryFiles.ts'
import { running } from './running.ts'
import { setting, smallData } from './small.ts'

const test = suite('saturation')
const data = await smallData()

const tiny = { depth: 8, widths: [4, 4, 4], stemStride: 1 }
const recipe: TrikdRecipe = {
  ...TRIKD_PRESETS.quick.recipe,
  trainImages: 60,
  sizes: [4],
  methods: ['online', 'trikd', 'control', 'label-anchor'],
  seeds: [0],
  epochs: 2,
  batch: 20,
  teacher: tiny,
  student: tiny,
  looks: { heldOut: 40, test: 50, outputs: false },
  // Far more than can each have a lower NLL than all before.
  generations: 8,
  saturation: 1,
}
const stagesOf = (changes: Partial<TrikdRecipe> = {}) => {
  return trikdStages(checkTrikd({ ...recipe, ...changes }), { side: 8, channels: 1, classes: 10 })
}
const named = (stages: Stage[], name: string) => stages.find(({ id }) => id === `seed0/4px/${name}`)!

test('a generation and its control wait for all before them; cells and order stay what they are without the rule', async () => {
  const [plain, stages] = [stagesOf({ saturation: undefined }), stagesOf({ saturation: 2 })]
  assert.equal(
    stages.map(({ id }) => id),
    plain.map(({ id }) => id),
  )
  assert.equal([...depths(stages)], [...depths(plain)])
  const generations = (g: number) => Array.from({ length: g }, (_, i) => `seed0/4px/generation${i}`)
  for (const name of ['generation3', 'control3']) {
    const { saturation } = named(stages, name)
    assert.is(saturation?.patience, 2)
    assert.equal(
      saturation?.of.map(({ stage, node }) => `${stage} ${node}`),
      generations(3).map((id) => `${id} student`),
    )
    assert.equal(needs(named(stages, name)).sort(), generations(3))
  }
  // Two generations in a row can't have failed to lower anything before there are three.
  for (const name of ['generation2', 'control1', 'label-anchor']) assert.is(named(stages, name).saturation, undefined)
  const [before, after] = [await keysOf(plain, setting), await keysOf(stages, setting)]
  const other = stages.filter(({ id }) => before.get(id) !== after.get(id)).map(({ id }) => id.split('/').at(-1))
  const later = [3, 4, 5, 6, 7, 8]
  assert.equal(
    other.sort(),
    [...later.map((g) => `control${g}`), ...later.map((g) => `generation${g}`)].sort(),
    'the others are shared with a study without the rule',
  )
})

test('the rule: as many in a row as its patience without a lower NLL than all before', () => {
  const verdict = (nlls: number[], patience: number) => {
    const cells = new Map<string, Pick<Cell, 'status' | 'reason' | 'outcome'>>()
    for (const [g, nll] of nlls.entries()) {
      const looks = {
        student: { heldOut: { accuracy: 0.5, nll } },
        teacher: { heldOut: { accuracy: 0.5, nll: 9 - g } },
      }
      // Of the last epoch, whatever was before.
      const curve = [
        { epoch: 1, looks: { student: { heldOut: { nll: 0.1 } } } },
        { epoch: 2, looks },
      ]
      cells.set(`seed0/4px/generation${g}`, { status: 'ok', reason: null, outcome: { curve } } as unknown as Cell)
    }
    return saturated(named(stagesOf({ saturation: patience }), `generation${nlls.length}`), cells)
  }
  assert.is(verdict([0.9, 0.8], 1), null)
  assert.is(
    verdict([0.9, 0.9], 1),
    'saturated at generation 1: NLL on images held out 0.9000, 0.9000 by generation, patience 1',
  )
  assert.match(verdict([0.9, 0.95], 1)!, 'at generation 1')
  assert.is(verdict([0.9, 0.95], 2), null)
  assert.is(verdict([0.9, 0.95, 0.85], 2), null)
  assert.match(verdict([0.9, 0.95, 0.92], 2)!, 'at generation 2')
})

test('a rule without images held out is refused', () => {
  assert.throws(() => checkTrikd({ ...recipe, looks: undefined }), /saturation 1: needs looks/)
  assert.throws(
    () => checkTrikd({ ...recipe, looks: undefined, saturation: undefined, patience: 3 }),
    /patience 3: needs/,
  )
})

let files: ReturnType<typeof memoryFiles>
let cells: Map<string, Cell>
const stages = stagesOf()

async function run(again = stages) {
  const { cells, lines, ...rest } = await running(again, data, { files })
  return { cells: await cells, lines: lines(), ...rest }
}

let end = 0

test('after saturation neither generations nor controls are trained; a record says so, and is found again', async () => {
  files = memoryFiles()
  const first = await run()
  cells = first.cells
  const status = (name: string) => cells.get(`seed0/4px/${name}`)!.status
  const statuses = Array.from({ length: 9 }, (_, g) => status(`generation${g}`))
  end = statuses.lastIndexOf('ok')
  assert.ok(end >= 1 && end < 8, `${statuses}`)
  assert.equal(
    statuses,
    statuses.map((_, g) => (g <= end ? 'ok' : 'saturated')),
  )
  const nlls = Array.from({ length: end + 1 }, (_, g) => {
    return cells.get(`seed0/4px/generation${g}`)!.outcome!.curve.at(-1)!.looks!.student.heldOut.nll
  })
  for (let g = 1; g <= end; g++) assert.is(nlls[g] < nlls[g - 1], g < end, `${nlls}`)
  for (let g = 1; g <= 8; g++) assert.is(status(`control${g}`), status(`generation${g}`))
  assert.is(status('label-anchor'), 'ok')
  for (const [id, { status, reason, outcome, key }] of cells) {
    assert.is(status === 'saturated', outcome === null, id)
    assert.is(await files.exists(`out/cells/${key}.safetensors`), status === 'ok', id)
    if (status === 'saturated') assert.match(reason!, `saturated at generation ${end}: NLL on images held out `)
    assert.is((await first.store.state(key)).state, 'done')
  }
  assert.match(first.lines[0], / at most [\d:]+ left$/)
  assert.is(first.lines.filter((line) => /not trained: saturated at generation/.test(line)).length, 2 * (8 - end))
  const again = await run()
  assert.equal(again.lines, [`${stages.length} of ${stages.length} cells are finished already`])
  assert.equal([...again.cells.values()], [...cells.values()])
})

test('what builds on a failed generation has failed, saturated or not', async () => {
  const change = stagesOf({ generations: 3 })
  const first = named(change, 'generation1')
  first.optimizer = { ...first.optimizer, lr: 1e30 }
  const { cells: broken } = await run(change)
  const status = (name: string) => broken.get(`seed0/4px/${name}`)!.status
  assert.equal(['generation1', 'generation2', 'control2', 'generation3', 'control1'].map(status), [
    'failed',
    'failed',
    'failed',
    'failed',
    'ok',
  ])
})

const facts: Run = {
  ...{ version: '1', commit: null, adapter: 'made up', driver: null, features: [], seeds: [0], dataHash: 'd' },
  ...{ fingerprint: 'f', command: 'c', preset: 'quick', dataset: 'synthetic', paper: 'trikd', date: '2026-01-01' },
  config: { ...recipe },
}

test('results tell where it ended and leave the rest out; nothing of it counts as a failure', () => {
  const results: Results = resultsOf(facts, stages, cells, TRIKD_CLAIMS)
  assert.equal(parseResults(JSON.parse(JSON.stringify(results))), results)
  const rows = results.rows.filter(({ method, role }) => method === 'trikd' && !role)
  assert.is(rows.length, 8)
  assert.ok(rows.every(({ status, accuracy }) => (status === 'saturated') === (accuracy === null)))
  assert.equal(failures(results), [])
  const text = markdownReport(results)
  assert.match(text, '## Where generations ended')
  assert.match(text, `| ${end} | saturated | `)
  assert.match(text, `TriKD, gen. ${end} `)
  assert.not.match(text, `TriKD, gen. ${end + 1}`)
  const told = results.claims.find(({ id }) => id === 'K3')!
  const notes = [told.reason, ...told.parts.map(({ note }) => note)].join()
  assert.match(notes, `generations ended by saturation on images held out: at ${end} in 1 of 1 seeds`)
  const [k7] = results.claims.find(({ id }) => id === 'K7')!.parts
  assert.is(k7.rows, `TriKD, gen. ${end} minus online KD, gen. ${end}`)
})

test.run()
