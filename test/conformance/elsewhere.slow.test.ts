// Every case again as other adapters would compute it: with the defaults of a GPU (other kernels, larger workgroups,
// more lanes a row), and with those of an adapter without subgroups; networks for a few steps. A software adapter can
// run them, it only would not choose them.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { GpuInfo } from '../../src/gpu/gpu.ts'
import { engine } from '../device.ts'
import { adapters } from './adapters/index.ts'
import { shortened } from './adapters/resnet8.ts'
import { COUNTS, loadSuite, type Suite, suiteFolder } from './cases.ts'
import { run } from './harness.ts'

const ELSEWHERE: Record<string, Partial<GpuInfo>> = {
  'with the defaults of a GPU': { software: false },
  'without subgroups': { subgroupSize: 0 },
}

for (const [where, info] of Object.entries(ELSEWHERE)) {
  const test = suite(`conformance ${where}`)
  const before = { ...engine.info }
  test.before(() => {
    Object.assign(engine.info, info)
  })
  test.after(() => {
    Object.assign(engine.info, before)
  })

  for (const name of Object.keys(COUNTS) as Suite[]) {
    const folder = suiteFolder(name)
    if (!folder) test.skip(`${name}: the suite is absent`)
    else {
      test(`${name}, ${COUNTS[name]} cases`, async () => {
        for (const c of loadSuite(folder).map(shortened)) {
          const { status, message } = await run(c, adapters[name])
          assert.ok(status !== 'failed', `${c.op}: ${c.name}: ${message}`)
        }
      })
    }
  }
  test.run()
}
