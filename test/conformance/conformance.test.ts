// Every case of the torch, onnx and wpt suites, one test each. A case outside our API has to be refused by a typed error
// and to stand in refused.json; WEBGPU_DISTILL_WRITE_DOCS=1 rewrites that list and docs/conformance.md.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { adapters } from './adapters/index.ts'
import { type Case, COUNTS, loadSuite, type Suite, suiteFolder } from './cases.ts'
import { type Outcome, run } from './harness.ts'
import { summary, writeDocs } from './report.ts'

const writing = process.env.WEBGPU_DISTILL_WRITE_DOCS === '1'
const only = process.env.WEBGPU_DISTILL_CASES
const refused = JSON.parse(readFileSync('test/conformance/refused.json', 'utf8')) as Record<string, string[]>
const outcomes: Outcome[] = []
const titleOf = (c: Case) => `${c.op}: ${c.name}`

for (const name of Object.keys(COUNTS) as Suite[]) {
  const test = suite(`conformance ${name}`)
  const folder = suiteFolder(name)
  const cases = folder ? loadSuite(folder) : []
  const listed = new Set(refused[name])

  if (folder) test(`has ${COUNTS[name]} cases`, () => assert.is(cases.length, COUNTS[name]))
  else for (let i = 0; i < COUNTS[name]; i++) test.skip(`case ${i + 1}: the suite is absent`, () => {})

  for (const c of cases.filter((c) => !only || titleOf(c).includes(only))) {
    test(titleOf(c), async () => {
      const outcome = await run(c, adapters[name])
      outcomes.push(outcome)
      const { status, message } = outcome
      assert.ok(status !== 'failed', message)
      if (writing) return
      if (status === 'refused') assert.ok(listed.has(titleOf(c)), `refused, but not in refused.json: ${message}`)
      else assert.not(listed.has(titleOf(c)), 'works now: take it off refused.json')
    })
  }

  test.after(() => {
    for (const line of summary(name, outcomes)) process.stdout.write(`\n${line}`)
    if (writing && name === 'wpt') writeDocs(outcomes)
  })
  test.run()
}
