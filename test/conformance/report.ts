// What the run says at its end, and docs/conformance.md.
import { writeFileSync } from 'node:fs'
import { engine } from '../device.ts'
import { COUNTS, type Suite } from './cases.ts'
import type { Outcome, Status } from './harness.ts'

const SUITES = Object.keys(COUNTS) as Suite[]
const STATUSES: Record<Status, string> = {
  passed: 'passed',
  refused: 'refused as outside our API',
  optional: 'optional and different (NaN, infinities)',
  failed: 'failed',
}

const withStatus = (outcomes: Outcome[], status: Status) => outcomes.filter((o) => o.status === status)
const ofSuite = (outcomes: Outcome[], suite: Suite) => outcomes.filter((o) => o.case.suite === suite)
export const titleOf = ({ case: c }: Outcome) => `${c.op}: ${c.name}`

/** One line: how many cases of a suite ended how. */
export function summary(suite: Suite, outcomes: Outcome[]): string {
  const own = ofSuite(outcomes, suite)
  if (own.length === 0) return `${suite}: absent, ${COUNTS[suite]} cases skipped`
  const noted = withStatus(own, 'passed').filter((o) => o.message !== '').length
  const parts = Object.entries(STATUSES).map(
    ([status, words]) => `${withStatus(own, status as Status).length} ${words}`,
  )
  const remark = noted > 0 ? ` (${noted} of the passed with a remark)` : ''
  return `${suite}: ${parts.join(', ')}; of ${COUNTS[suite]}${remark}`
}

/** The list of refused cases that the next run has to find again. */
function refusedCases(outcomes: Outcome[]): Record<string, string[]> {
  return Object.fromEntries(
    SUITES.map((suite) => [suite, withStatus(ofSuite(outcomes, suite), 'refused').map(titleOf)]),
  )
}

const isGradient = (output: string) => /^grad|^dc_d/.test(output)
const largest = (distances: Outcome['distances']) => Math.max(0, ...distances.map((d) => d.distance))

/** `7 of 8`, of the cases that have such outputs; a dash where none has. */
function share(outcomes: Outcome[], gradient: boolean): string {
  const having = outcomes.filter(({ case: c }) => c.outputs.some(({ name }) => isGradient(name) === gradient))
  const good = having.filter(
    ({ distances }) =>
      distances.length > 0 && distances.every((d) => isGradient(d.output) !== gradient || d.distance <= 1),
  )
  return having.length === 0 ? '–' : `${good.length} of ${having.length}`
}

function table(outcomes: Outcome[]): string[] {
  const operators = [...new Set(outcomes.map((o) => o.case.op))]
  const rows = operators.map((op) => {
    const own = outcomes.filter((o) => o.case.op === op)
    const passed = withStatus(own, 'passed')
    const worst = passed.length > 0 ? largest(passed.flatMap((o) => o.distances)).toPrecision(2) : '–'
    const cells = [
      op,
      own[0].case.tier,
      share(own, false),
      share(own, true),
      `${passed.length} of ${own.length}`,
      worst,
    ]
    return `| ${cells.join(' | ')} |`
  })
  return [
    '| operator | tier | forward | gradient | passed | largest error / tolerance |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ]
}

/** Twenty steps of training: how far each kind of output drifted. */
function trajectories(outcomes: Outcome[]): string[] {
  const runs = outcomes.filter((o) => o.case.op === 'resnet8')
  const kinds = [...new Set(runs.flatMap((o) => o.distances.map((d) => d.output.split(':')[0])))]
  const rows = kinds.map((kind) => {
    const cells = runs.map((o) => largest(o.distances.filter((d) => d.output.split(':')[0] === kind)).toPrecision(2))
    return `| ${[kind, ...cells].join(' | ')} |`
  })
  const names = runs.map((o) => o.case.name)
  return [`| ${['output', ...names].join(' | ')} |`, `| --- |${' --- |'.repeat(names.length)}`, ...rows]
}

function refusals(outcomes: Outcome[]): string[] {
  return withStatus(outcomes, 'refused').map((o) => `- ${titleOf(o)} (${o.message})`)
}

/** The whole of docs/conformance.md. */
export function document(outcomes: Outcome[]): string {
  const lines = [
    '# Conformance',
    '',
    'Written by `WEBGPU_DISTILL_WRITE_DOCS=1 node test/run.mjs conformance`. Every case of three suites: `torch` (ours,',
    'made with PyTorch in float64; outputs and gradients), `onnx` (backend tests of ONNX) and `wpt` (WebNN tests of',
    'web-platform-tests). Tolerances are those of the cases. A case counts as passed where all its outputs agree.',
    '',
    `Adapter: ${engine.info.adapter}${engine.info.software ? ', software' : ''}.`,
    '',
    ...SUITES.map((suite) => `- ${summary(suite, outcomes)}`),
    '',
    'That is with the kernels that this adapter takes by default. `npm test` runs every case again as a GPU and as an',
    'adapter without subgroups would compute it (`elsewhere.slow.test.ts`), and every case with a convolution, the',
    'networks in training among them (by `generic` the small one alone), once for each kernel that can compute one,',
    'wherever that kernel can (`kernels.slow.test.ts`): forward, input and weight gradient. There networks train for four',
    'steps of their twenty. There, too, none may fail.',
  ]
  for (const suite of SUITES) {
    const own = ofSuite(outcomes, suite)
    lines.push('', `## ${suite}`, '', ...table(own))
    if (suite === 'torch') lines.push('', 'Largest error / tolerance of the training runs:', '', ...trajectories(own))
    const remarks = withStatus(own, 'passed').filter((o) => o.message !== '')
    if (remarks.length > 0) lines.push('', 'Remarks:', '', ...remarks.map((o) => `- ${titleOf(o)}: ${o.message}`))
    for (const status of ['failed', 'optional'] as const) {
      const those = withStatus(own, status)
      if (those.length > 0) lines.push('', `${STATUSES[status]}:`, '', ...those.map((o) => `- ${titleOf(o)}`))
    }
    if (withStatus(own, 'refused').length > 0) {
      lines.push('', `### Refused in ${suite}`, '', 'A typed error says what is outside our API.', '', ...refusals(own))
    }
  }
  return `${lines.join('\n')}\n`
}

export function writeDocuments(outcomes: Outcome[]): void {
  writeFileSync('test/conformance/refused.json', `${JSON.stringify(refusedCases(outcomes), null, 2)}\n`)
  writeFileSync('docs/conformance.md', document(outcomes))
}
