// The claims of the CQKD paper and of its reviews, each computed from the rows. Lists of other claims may stand beside
// this one. Intervals are not corrected for the number of claims.
import type { ClaimResult, Part } from './claim.ts'
import { CALIBRATION_CLAIMS } from './claimsCalibration.ts'
import { COST_CLAIMS } from './claimsCost.ts'
import { METHOD_CLAIMS } from './claimsMethods.ts'
import { type Cells, type Claim, together, untested } from './compare.ts'
import { estimateOf, intervalOf } from './format.ts'
import { groupRows, mainGroups } from './groups.ts'
import { madeFor } from './madeFor.ts'
import type { Curve, Row, TeacherRow } from './rows.ts'

export const CQKD_CLAIMS: Claim[] = [...METHOD_CLAIMS, ...CALIBRATION_CLAIMS, ...COST_CLAIMS].sort((a, b) =>
  a.id.localeCompare(b.id, 'en', { numeric: true }),
)

interface About {
  /** Whose rows these are. */
  study?: string
  curves?: Curve[]
}

/** Every claim's verdict from the rows of a study. */
export function judgeClaims(
  rows: Row[],
  teachers: TeacherRow[],
  claims: Claim[] = CQKD_CLAIMS,
  { study = 'cqkd', curves = [] }: About = {},
): ClaimResult[] {
  const saturated = rows.filter(({ status }) => status === 'saturated')
  const cells = { groups: mainGroups(rows), all: groupRows(rows), teachers, saturated, curves }
  return claims.map((claim) => judge(claim, cells, study))
}

function judge({ id, text, source, here, test }: Claim, cells: Cells, study: string): ClaimResult {
  const found = test(cells)
  const parts = typeof found === 'string' ? [] : found.length ? found : [untested('', '', 'no rows')]
  const verdict = parts.length ? together(parts) : 'not tested'
  if (verdict !== 'not tested') {
    const how = typeof here === 'string' ? here : here(cells)
    return { id, text, source, here: how, verdict, reason: '', parts }
  }
  const decider = madeFor(id)
  const elsewhere = decider && decider !== study ? `; the study made for it: npx webgpu-distill ${decider}` : ''
  const reason = typeof found === 'string' ? found : why(parts)
  return { id, text, source, verdict, reason: `${reason}${elsewhere}`, parts }
}

function why(parts: Part[]): string {
  const failed = parts.find(({ premise, verdict }) => premise && verdict === 'reversed')
  if (failed) {
    const { statistic, rows } = failed
    return `its premise is reversed here: ${statistic}, ${rows}: ${estimateOf(failed)} ${intervalOf(failed)}`
  }
  return parts.find((part) => part.decides && part.verdict === 'not tested')?.note ?? 'no rows'
}
