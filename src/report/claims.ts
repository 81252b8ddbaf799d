// The claims of the CQKD paper and of its reviews, each computed from the rows. Lists of other claims may stand beside
// this one. Intervals are not corrected for the number of claims.
import type { ClaimResult } from './claim.ts'
import { CALIBRATION_CLAIMS } from './claimsCalibration.ts'
import { COST_CLAIMS } from './claimsCost.ts'
import { METHOD_CLAIMS } from './claimsMethods.ts'
import { type Cells, type Claim, together, untested } from './compare.ts'
import { groupRows, mainGroups } from './groups.ts'
import type { Row, TeacherRow } from './rows.ts'

export const CQKD_CLAIMS: Claim[] = [...METHOD_CLAIMS, ...CALIBRATION_CLAIMS, ...COST_CLAIMS].sort((a, b) =>
  a.id.localeCompare(b.id, 'en', { numeric: true }),
)

/** Every claim's verdict from the rows of a study. */
export function judgeClaims(rows: Row[], teachers: TeacherRow[], claims: Claim[] = CQKD_CLAIMS): ClaimResult[] {
  const saturated = rows.filter(({ status }) => status === 'saturated')
  const cells = { groups: mainGroups(rows), all: groupRows(rows), teachers, saturated }
  return claims.map((claim) => judge(claim, cells))
}

function judge({ id, text, source, test }: Claim, cells: Cells): ClaimResult {
  const found = test(cells)
  if (typeof found === 'string') return { id, text, source, verdict: 'not tested', reason: found, parts: [] }
  const parts = found.length ? found : [untested('', '', 'no rows')]
  const verdict = together(parts)
  const cause = parts.find((part) => part.decides && part.verdict === 'not tested')
  return { id, text, source, verdict, reason: verdict === 'not tested' ? (cause?.note ?? 'no rows') : '', parts }
}
