// What the run says at its end, and docs/conformance.md.
import { writeFileSync } from 'node:fs'
import { COUNTS, type Suite } from './cases.ts'
import type { Outcome, Status } from './harness.ts'

const STATUSES: Status[] = ['passed', 'refused', 'optional', 'failed']
const count = (outcomes: Outcome[], status: Status) => outcomes.filter((o) => o.status === status).length
const of = (outcomes: Outcome[], suite: Suite) => outcomes.filter((o) => o.case.suite === suite)

export function summary(suite: Suite, outcomes: Outcome[]): string[] {
  const own = of(outcomes, suite)
  if (own.length === 0) return [`${suite}: absent, ${COUNTS[suite]} cases skipped`]
  const parts = STATUSES.map((status) => `${count(own, status)} ${status}`).join(', ')
  const core = own.filter((o) => o.case.tier === 'core' && o.status === 'failed').length
  return [`${suite}: ${parts} of ${COUNTS[suite]}; ${core} core cases failed`]
}

export function writeDocs(outcomes: Outcome[]): void {
  const list = (suite: Suite) =>
    of(outcomes, suite)
      .filter((o) => o.status === 'refused')
      .map((o) => `${o.case.op}: ${o.case.name}`)
  const refused = Object.fromEntries((Object.keys(COUNTS) as Suite[]).map((suite) => [suite, list(suite)]))
  writeFileSync('test/conformance/refused.json', `${JSON.stringify(refused, null, 2)}\n`)
}
