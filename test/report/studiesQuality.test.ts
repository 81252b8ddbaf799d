// The claims of the studies of qualities and of calibration, on made-up rows whose answers are known.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { judgeClaims } from '../../src/report/claims.ts'
import { QUALITY_CLAIMS } from '../../src/report/claimsQualities.ts'
import { CALIBRATION_STUDY_CLAIMS } from '../../src/report/claimsTau.ts'
import { hold, type Line, reversed, rowsOf, verdicts } from './lines.ts'

const test = suite('report/studies of quality')

test('qualities: rows of teachers and students of other sizes', () => {
  const lines = (better: boolean): Line[] =>
    ['kd', 'online', 'trikd'].flatMap((method) =>
      [7, 14].map((px) => {
        const more = (px === 14) === better
        const generation = method === 'kd' ? undefined : method === 'online' ? 0 : 1
        return {
          method,
          generation,
          axis: 'teacher px',
          at: px,
          accuracy: more ? 0.75 : 0.7,
          klTeacher: more ? 0.4 : 0.2,
        }
      }),
    )
  assert.equal(verdicts(QUALITY_CLAIMS, lines(true)).slice(0, 1), ['QA holds'])
  assert.equal(verdicts(QUALITY_CLAIMS, lines(false)).slice(0, 1), ['QA reversed'])
})

test('calibration: correlation over τ by seed, and τ chosen on images held out', () => {
  const lines = (better: boolean): Line[] =>
    [14, 7].flatMap((size) =>
      [0.5, 1, 2, 4].map((tau) => {
        const teacherEce = Math.abs(Math.log(tau / 2)) / 10
        const ece = better ? teacherEce + 0.02 : 0.2 - teacherEce
        const best = size === 14 ? 2 : 4
        const nll = 0.5 + 0.1 * Math.abs(Math.log(tau / best)) * (better ? 1 : -1)
        const heldOutNll = 0.5 + 0.1 * Math.abs(Math.log(tau / best))
        const trainBatchEce = better ? ece / 2 : 0.3 - ece
        const errors = { teacherEce, ece, trainBatchEce, accuracy: 0.8 - ece, nll, heldOutNll }
        return { method: 'cqkd', axis: 'τ', at: tau, size, ...errors }
      }),
    )
  assert.equal(verdicts(CALIBRATION_STUDY_CLAIMS, lines(true)), hold(['T1', 'T2', 'T3', 'T4']))
  assert.equal(verdicts(CALIBRATION_STUDY_CLAIMS, lines(false)), reversed(['T1', 'T2', 'T3', 'T4']))
  const rows = rowsOf(lines(true))
  rows[rows.findIndex(({ seed, at }) => seed === 2 && at === 4)].status = 'failed'
  const t3 = judgeClaims(rows, [], CALIBRATION_STUDY_CLAIMS)[2]
  assert.equal([t3.verdict, t3.parts[0].n], ['holds', 3], 'a seed without every cell is left out')
  const [t1] = judgeClaims(rows, [], CALIBRATION_STUDY_CLAIMS)
  assert.equal(
    [t1.parts[0].n, t1.parts[0].note],
    [3, '1 of 4 seeds left out: not every cell has the number'],
    'of a correlation, too, whichever τ its cell is missing at',
  )
})

test.run()
