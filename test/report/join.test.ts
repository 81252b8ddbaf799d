// Results of seeds that were trained apart, as one study: results on file are taken apart and have to come out whole.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { join } from '../../src/report/join.ts'
import { readResults } from '../../src/report/results.ts'
import type { Results } from '../../src/report/rows.ts'
import { fakeResults } from './fake.ts'

const test = suite('seeds that were trained apart')

/** What a run of these seeds alone would have written. */
function of(whole: Results, seeds: number[], more: Partial<Results['run']> = {}): Results {
  const mine = <T extends { seed: number }>(list: readonly T[] = []) => list.filter(({ seed }) => seeds.includes(seed))
  const { run, rows, teachers, curves } = structuredClone(whole)
  return {
    ...whole,
    run: { ...run, seeds, config: { ...run.config, seeds }, ...more },
    rows: mine(rows),
    teachers: mine(teachers),
    curves: mine(curves),
  }
}

for (const name of ['trikd-standard', 'cqkd-quick', 'rivals-quick', 'faces-quick']) {
  test(`${name}: taken apart and joined in any order, it is what it was`, () => {
    const file = `docs/results/${name}/results.json`
    const whole = readResults(readFileSync(file, 'utf8'), file)
    const { seeds, command } = whole.run
    assert.ok(seeds.length > 1, name)
    const one = of(whole, [seeds[1]], { date: '2020-01-01T00:00:00.000Z' })
    const rest = of(
      whole,
      seeds.filter((seed) => seed !== seeds[1]),
    )
    const orders = [
      [one, rest],
      [rest, one],
    ]
    for (const parts of orders) {
      const joined = join(parts.map((results, i) => ({ name: `part ${i}`, results })))
      assert.equal(joined.rows, whole.rows)
      assert.equal(joined.teachers, whole.teachers)
      assert.equal(joined.curves, whole.curves)
      assert.equal(joined.run.seeds, seeds)
      assert.equal(joined.run.config, whole.run.config)
      assert.is(joined.run.date, whole.run.date)
      assert.is(joined.run.command, `${command.replace(/ --seeds \S+/, '')} --seeds ${seeds.join()}`)
    }
  })
}

const whole = fakeResults({ seeds: 3, curves: true })
const joined = (a: Results, b: Results) =>
  join([
    { name: 'here', results: a },
    { name: 'there', results: b },
  ])

test('what one run lacks of a seed is taken from another', () => {
  const stopped = (results: Results, lacks: (size: number) => boolean): Results => ({
    ...results,
    rows: results.rows.map((row) =>
      lacks(row.size) ? { ...row, status: 'stopped', accuracy: null, sha256: null, reason: 'not trained yet' } : row,
    ),
    curves: results.curves?.filter(({ size }) => !lacks(size)),
  })
  const sizes = [...new Set(whole.rows.map(({ size }) => size))]
  assert.ok(sizes.length > 1)
  const small = stopped(whole, (size) => size === sizes[0])
  const large = stopped(of(whole, [0, 2]), (size) => size !== sizes[0])
  for (const { rows, curves } of [joined(small, large), joined(large, small)]) {
    const lost = rows.filter(({ status }) => status === 'stopped')
    assert.ok(lost.length > 0 && lost.every(({ seed, size }) => seed === 1 && size === sizes[0]))
    assert.equal(rows.filter(({ status }) => status === 'ok').length + lost.length, whole.rows.length)
    for (const [i, row] of rows.entries()) if (row.status === 'ok') assert.equal(row, whole.rows[i])
    const there = (whole.curves ?? []).filter(({ seed, size }) => seed !== 1 || size !== sizes[0])
    assert.equal(curves, there, 'each once, in the order of the study')
  }
})

test('training times are added up, where all are known', () => {
  const [a, b] = [of(whole, [0], { trainingSeconds: 5 }), of(whole, [1], { trainingSeconds: 7 })]
  assert.is(joined(a, b).run.trainingSeconds, 12)
  assert.is(joined(a, of(whole, [1], { trainingSeconds: undefined })).run.trainingSeconds, undefined)
})

test('claims are for those who judge all rows', () => {
  assert.equal(joined(of(whole, [0]), of(whole, [1])).claims, [])
})

test('other weights, another adapter, program or recipe: refused with both', () => {
  const first = of(whole, [0, 1])
  const refused = (second: Results, message: RegExp) => assert.throws(() => joined(first, second), message)
  const trained = of(whole, [1, 2])
  trained.rows[4].sha256 = 'f'.repeat(64)
  refused(trained, /^join: row 5 of seed 1 has other weights in here than in there: .* and f+; leave one of them out/)
  const shorter = of(whole, [1, 2])
  shorter.rows.shift()
  refused(shorter, /^join: seed 1 has other rows, or another order, in here \(\d+\) than in there \(\d+\)/)
  const turned = of(whole, [1, 2])
  turned.rows.reverse()
  refused(turned, /^join: seed \d has other rows, or another order/)
  refused(of(whole, [2], { adapter: 'a GPU' }), /^join: adapter is ".*" in here and "a GPU" in there; .*--compare/)
  refused(of(whole, [2], { fingerprint: 'ffff' }), /^join: fingerprint is ".*" in here and "ffff" in there/)
  refused(of(whole, [2], { paper: 'trikd' }), /^join: study is "cqkd" in here and "trikd" in there/)
  refused(of(whole, [2], { overrides: ['--epochs 3'] }), /^join: overrides is .* and \["--epochs 3"\] in there/)
  const other = of(whole, [2])
  other.run.config = { ...other.run.config, epochs: 3 }
  refused(other, /^join: recipe\.epochs is \d+ in here and 3 in there/)
})

test.run()
