// Every case again with the defaults of a GPU: other kernels, larger workgroups, more lanes a row. A software adapter
// can run them, it only would not choose them.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { engine } from '../device.ts'
import { adapters } from './adapters/index.ts'
import { COUNTS, loadSuite, type Suite, suiteFolder } from './cases.ts'
import { run } from './harness.ts'

const test = suite('conformance with the defaults of a GPU')
const { software } = engine.info
test.before(() => {
  engine.info.software = false
})
test.after(() => {
  engine.info.software = software
})

for (const name of Object.keys(COUNTS) as Suite[]) {
  const folder = suiteFolder(name)
  if (!folder) test.skip(`${name}: the suite is absent`)
  else {
    test(`${name}, ${COUNTS[name]} cases`, async () => {
      for (const c of loadSuite(folder)) {
        const { status, message } = await run(c, adapters[name])
        assert.ok(status !== 'failed', `${c.op}: ${c.name}: ${message}`)
      }
    })
  }
}

test.run()
