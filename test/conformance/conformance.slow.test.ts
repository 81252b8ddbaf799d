// Every case of the torch, onnx and wpt suites, one test each. A case outside our API has to be refused by a typed
// error and to stand in refused.json; WEBGPU_DISTILL_WRITE_DOCS=1 rewrites that list and docs/conformance.md.
// WEBGPU_DISTILL_CASES=PART runs the cases with PART in their title alone.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { adapters } from './adapters/index.ts'
import { COUNTS, loadSuite, type Suite, suiteFolder } from './cases.ts'
import { type Outcome, run } from './harness.ts'
import { summary, writeDocuments } from './report.ts'

const writing = process.env.WEBGPU_DISTILL_WRITE_DOCS === '1'
const part = process.env.WEBGPU_DISTILL_CASES ?? ''
const refused = JSON.parse(readFileSync('test/conformance/refused.json', 'utf8')) as Record<Suite, string[]>
const outcomes: Outcome[] = []

for (const name of Object.keys(COUNTS) as Suite[]) {
  const test = suite(`conformance ${name}`)
  const folder = suiteFolder(name)
  const cases = folder ? loadSuite(folder) : []

  if (folder) test(`has ${COUNTS[name]} cases`, () => assert.is(cases.length, COUNTS[name]))
  else for (let i = 1; i <= COUNTS[name]; i++) test.skip(`case ${i}: the suite is absent`)

  for (const c of cases) {
    const title = `${c.op}: ${c.name}`
    if (!title.includes(part)) continue
    test(title, async () => {
      const outcome = await run(c, adapters[name])
      outcomes.push(outcome)
      const { status, message } = outcome
      assert.ok(status !== 'failed', message)
      if (writing) return
      const listed = refused[name].includes(title)
      if (status === 'refused') assert.ok(listed, `refused, but not in refused.json: ${message}`)
      else assert.not(listed, 'is in refused.json, but was not refused')
    })
  }

  test.after(() => {
    process.stdout.write(`\n${summary(name, outcomes)}`)
    if (writing && name === 'wpt') writeDocuments(outcomes)
  })
  test.run()
}
