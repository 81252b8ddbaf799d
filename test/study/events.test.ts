import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Events, readEvents } from '../../src/study/events.ts'
import { memoryFiles } from '../memoryFiles.ts'

const test = suite('events of a study')

test('a line that a full disk or a kill has torn takes none of the others with it', async () => {
  const files = memoryFiles()
  await new Events(files, 'out/events.jsonl').write('run', { cells: 3 })
  await files.append('out/events.jsonl', '{"schemaVersion":1,"time":"2026-01-01T00:00:00.000Z","event":"progr')
  const later = new Events(files, 'out/events.jsonl')
  await later.write('run', { cells: 4 })
  await later.write('cell', { id: 'seed0/teacher' })
  const events = await readEvents(files, 'out')
  assert.equal(
    events.map(({ event, cells, id }) => cells ?? id ?? event),
    [3, 4, 'seed0/teacher'],
  )
})

test.run()
