// What a run finds in its folder and does not go on from.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { nodeFiles } from '../../src/node/files.ts'
import { earlierLines } from '../../src/study/earlier.ts'
import { Store } from '../../src/study/store.ts'
import { smallRecipe } from './small.ts'

const test = suite('what an earlier run left')

test('a table of another recipe and cells of which none fits are told of, more seeds are not', async () => {
  const out = mkdtempSync(join(tmpdir(), 'earlier-test-'))
  try {
    const store = new Store(nodeFiles, join(out, 'cells'))
    await store.open()
    const lines = (key: string, recipe = smallRecipe) => {
      return earlierLines({ store, out, recipe, keys: new Map([['seed0/teacher', key]]) })
    }
    assert.equal(await lines('a'), [], 'an empty folder')
    await store.finish('a', { schemaVersion: 1 }, null)
    const table = (recipe: unknown) =>
      writeFileSync(join(out, 'results.json'), JSON.stringify({ run: { config: recipe } }))
    table(smallRecipe)
    assert.equal(await lines('a'), [])
    assert.equal(await lines('a', { ...smallRecipe, seeds: [0, 1, 2] }), [])
    const replaced = `the table in ${out} is of another recipe and will be replaced; --out DIR keeps both`
    assert.equal(await lines('a', { ...smallRecipe, methods: ['dml'] }), [replaced])
    const other = `${out}/cells: 1 finished, none of this recipe, data set, adapter and program; they stay`
    assert.equal(await lines('b', { ...smallRecipe, epochs: 9 }), [other, replaced])
    writeFileSync(join(out, 'results.json'), 'cut off {')
    assert.equal(await lines('a'), [])
  } finally {
    rmSync(out, { recursive: true })
  }
})

test.run()
