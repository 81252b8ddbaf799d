// Seeds whose generations ended at different places: what claims compare, and what the table tells.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { stream } from '../../src/random.ts'
import { judgeClaims } from '../../src/report/claims.ts'
import { TRIKD_CLAIMS } from '../../src/report/claimsTrikd.ts'
import { generationFigures } from '../../src/report/figuresTrikd.ts'
import { generationTable, lastByChance, lastGeneration } from '../../src/report/generationTable.ts'
import { htmlReport } from '../../src/report/html.ts'
import type { Row } from '../../src/report/rows.ts'
import { textReport } from '../../src/report/tableText.ts'
import { fakeResults } from './fake.ts'

const test = suite('report of saturation')

const template = fakeResults({ seeds: 1 }).rows[0]

/** Seeds 0 and 1 end at 2, seed 2 at 1, seed 3 at the number. */
const ENDS = [2, 2, 1, 3]
// By generation: what it adds to online KD of the same weights.
const GAIN = [0, 0.02, 0.03, 0.031]
const NLL = [0.9, 0.8, 0.75, 0.74]

const made = (seed: number, generation: number, method: string, gain: number, role?: 'teacher'): Row => {
  const over = generation > ENDS[seed]
  const row: Row = {
    ...template,
    method,
    temperature: null,
    teacher: null,
    tau: null,
    size: 7,
    n: 1000,
    seed,
    generation,
  }
  const [accuracy, heldOutNll] = [0.7 + 0.01 * seed + gain + 0.0001 * ((seed * 7 + generation) % 3), NLL[generation]]
  if (role) row.role = role
  return over
    ? { ...row, status: 'saturated', reason: 'saturated', accuracy: null, ece: null, klTeacher: null }
    : { ...row, accuracy, ece: 0.05, heldOutNll, klTeacher: 0.3 - gain, klTeacherTrain: 0.3 - gain }
}
const rows = ENDS.flatMap((_, seed) => [
  made(seed, 0, 'online', 0),
  ...[1, 2, 3].flatMap((g) => [
    made(seed, g, 'trikd', GAIN[g]),
    made(seed, g, 'trikd', GAIN[g], 'teacher'),
    made(seed, g, 'online', 0),
    made(seed, g, 'online', 0, 'teacher'),
  ]),
])
const base = fakeResults({ seeds: 1, run: { paper: 'trikd' } })
const claims = judgeClaims(rows, [], TRIKD_CLAIMS)
const results = { ...base, run: { ...base.run, config: { generations: 3, saturation: 1 } }, rows, teachers: [], claims }
const part = (id: string, i: number) => claims.find((claim) => claim.id === id)!.parts[i]

test("the end of TriKD is every seed's own last generation, against online KD from the weights of that", () => {
  const { rows: named, n, estimate, note } = part('K1', 0)
  assert.equal([named, n, note], ['TriKD, last gen. minus online KD, last gen.', 4, ''])
  const gains = ENDS.map((end) => GAIN[end])
  const mean = gains.reduce((sum, x) => sum + x, 0) / 4
  assert.ok(Math.abs(estimate! - mean) < 1e-4, `${estimate}, expected ${mean}`)
  assert.is(part('K7', 0).n, 4)
  assert.is(part('K6', 0).n, 4)
})

test('without controls it is compared with generation 0, and says so', () => {
  const few = rows.filter(({ method, generation }) => method === 'trikd' || generation === 0)
  const [first] = judgeClaims(few, [], TRIKD_CLAIMS).find(({ id }) => id === 'K1')!.parts
  assert.equal([first.rows, first.n], ['TriKD, last gen. minus online KD, gen. 0', 4])
  assert.match(first.note, 'they start from different initial weights')
})

test('the last step is that of each seed with more than one, and the ends are told', () => {
  const { rows: named, n, estimate, note } = part('K3', 1)
  assert.equal([named, n], ["what generation 1 adds minus what each seed's last adds", 3])
  const last = [0.01, 0.01, 0.001]
  assert.ok(Math.abs(estimate! - last.reduce((sum, x) => sum + 0.02 - x, 0) / 3) < 2e-4, `${estimate}`)
  assert.match(note, 'generations ended by saturation on images held out: at 1 in 1, at 2 in 2 of 4 seeds')
  assert.is(part('K3', 0).n, 4)
})

test('the mean last generation stands beside what chance would make it', () => {
  assert.match(
    lastGeneration(results),
    /^7 px: the last generation is 2\.0 ± 0\.8 \(3 of 4 saturated\); were no .* it 1\.7$/,
  )
  // By drawing NLLs at random.
  const draw = stream(0, 'saturation')
  const ends = Array.from({ length: 20_000 }, () => {
    let [last, best] = [0, draw.uniform()]
    for (let g = 1; g <= 3; g++) {
      last = g
      const next = draw.uniform()
      if (next >= best) break
      best = next
    }
    return last
  })
  const mean = ends.reduce((sum, x) => sum + x, 0) / ends.length
  assert.ok(Math.abs(mean - lastByChance({ saturation: 1, generations: 3 })!) < 0.02, `${mean}`)
  assert.is(lastByChance({ saturation: 2, generations: 3 }), null)
})

test('where every seed had saturated at generation 1 there is no step to compare, and the reason says why', () => {
  const few = rows.map((row) => (row.generation! > 1 ? { ...row, status: 'saturated' as const, accuracy: null } : row))
  const { verdict, reason } = judgeClaims(few, [], TRIKD_CLAIMS).find(({ id }) => id === 'K3')!
  assert.is(verdict, 'not tested')
  assert.match(
    reason,
    /^fewer than two generations.*; generations ended by saturation.*: at 1 in 4 of 4 seeds; the study made for it: npx/,
  )
})

test('a table has the course of every seed, where it ended, and the mean of what they ended with', () => {
  const [{ head, blocks }] = generationTable(results)
  assert.equal(head, ['seed', 'NLL gen. 0', '1', '2', '3', 'last', 'because', 'accuracy %', 'ECE %'])
  const cells = blocks[0].rows
  assert.equal(cells[2].slice(0, 7), ['2', '0.9000', '0.8000', '–', '–', '1', 'saturated'])
  assert.equal(cells[3].slice(0, 7), ['3', '0.9000', '0.8000', '0.7500', '0.7400', '3', 'the last asked for'])
  assert.equal(cells[4].slice(0, 7), ['mean', '', '', '', '', '2.0 ± 0.8', '3 of 4 saturated'])
  assert.equal(generationTable({ ...results, run: base.run }), [], 'none without the rule')
  // Of a study that is not finished.
  const begun = rows.map((row) => {
    const open = row.seed === 3 && row.generation! > 1
    return open ? { ...row, status: 'stopped' as const, accuracy: null, heldOutNll: undefined } : row
  })
  const [{ blocks: some }] = generationTable({ ...results, rows: begun })
  assert.equal(some[0].rows[3].slice(0, 6), ['3', '0.9000', '0.8000', '–', '1', 'stopped'])
  const text = textReport(results)
  // Three seeds have a second generation.
  assert.match(text, /^TriKD, gen\. 2 +3 /m)
  assert.not.match(text, 'not finished')
  const page = htmlReport(results)
  assert.match(page, 'Where generations ended')
  assert.match(page, 'Generations ended by saturation, so 16 of 52 rows were not trained.')
  assert.match(String(generationFigures(results)[0].svg), 'test accuracy, %; of seeds that reached it')
})

test.run()
