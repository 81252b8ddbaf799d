import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ClaimResult } from '../../src/report/claim.ts'
import { CQKD_CLAIMS, judgeClaims } from '../../src/report/claims.ts'
import type { Row, TeacherRow } from '../../src/report/rows.ts'
import { close } from './check.ts'
import { fakeResults } from './fake.ts'

const test = suite('report/claims')

const EMPTY: Row = {
  method: 'supervised',
  size: 14,
  temperature: null,
  teacher: null,
  tau: null,
  seed: 0,
  n: 2000,
  status: 'ok',
  accuracy: null,
  top5: null,
  ece: null,
  signedGap: null,
  entropy: null,
  nll: null,
  brier: null,
  trainAccuracy: null,
  trainNll: null,
  seconds: null,
  teacherSeconds: null,
  imagesPerSecond: null,
  inferenceMs: null,
  forwardFlops: null,
  sha256: null,
}

/** Rows of one cell, a value a seed. */
function cell(where: Partial<Row>, values: Partial<Record<keyof Row, number[]>>): Row[] {
  const seeds = Object.values(values)[0]?.length ?? 0
  return Array.from({ length: seeds }, (_, seed) => {
    const numbers = Object.fromEntries(Object.entries(values).map(([key, list]) => [key, list[seed]]))
    return { ...EMPTY, ...where, seed, ...numbers }
  })
}

const calibrated = (temperature: number, size = 14): Partial<Row> => ({
  method: 'cqkd',
  teacher: 'calibrated',
  temperature,
  size,
})

function claim(id: string, rows: Row[], teachers: TeacherRow[] = []): ClaimResult {
  return judgeClaims(rows, teachers).find((result) => result.id === id)!
}

test('the list is whole and in order, every claim with text and source', () => {
  const ids = CQKD_CLAIMS.map(({ id }) => id)
  const later = ['C6', 'C6b', 'C6c', 'C7', 'C7b', 'C8', 'C9', 'C10']
  assert.equal(ids, ['C0', 'C0b', 'C1', 'C1b', 'C1c', 'C2', 'C2b', 'C3', 'C4', 'C5', ...later])
  for (const { text, source } of CQKD_CLAIMS) assert.ok(text && source)
})

test('without rows every claim is not tested, and says why', () => {
  for (const { id, verdict, reason } of judgeClaims([], [])) {
    assert.is(verdict, 'not tested', id)
    assert.ok(reason.length > 5, id)
  }
})

test('one seed gives a direction and no verdict, on every claim that the rows reach', () => {
  for (const { id, verdict, parts } of fakeResults({ seeds: 1 }).claims) {
    assert.ok(
      verdict === 'one seed, no verdict' || (['C1b', 'C1c', 'C6c'].includes(id) && verdict === 'not tested'),
      `${id}: ${verdict}`,
    )
    for (const part of parts.filter(({ decides }) => decides)) {
      assert.ok(id === 'C2b' || part.direction, `${id}: no direction`)
      assert.is(part.lower, null)
    }
  }
})

test('C1: by temperature, paired by seed, a seed averaged over its sizes first', () => {
  const rows = [
    ...cell({ size: 14 }, { accuracy: [0.8, 0.82, 0.81] }),
    ...cell({ size: 7 }, { accuracy: [0.7, 0.72, 0.71] }),
    ...cell(calibrated(1, 14), { accuracy: [0.81, 0.834, 0.824] }),
    ...cell(calibrated(1, 7), { accuracy: [0.71, 0.73, 0.724] }),
    ...cell(calibrated(4, 14), { accuracy: [0.79, 0.83, 0.803] }),
    ...cell(calibrated(4, 7), { accuracy: [0.7, 0.7, 0.703] }),
  ]
  const { verdict, parts } = claim('C1', rows)
  const [all, t1, t4, at14, at7, t1at14] = parts
  assert.is(verdict, 'holds')
  // Differences by seed: T = 1 gives .01, .012, .014; T = 4 gives -.005, -.005, -.007.
  close(t1.estimate, 0.012)
  assert.is(t1.verdict, 'holds')
  close(t4.estimate, -(0.005 + 0.005 + 0.007) / 3)
  assert.is(t4.verdict, 'reversed')
  close(all.estimate, (t1.estimate! + t4.estimate!) / 2)
  assert.is(all.note, 'T = 1: holds; T = 4: reversed; 14 px, 7 px: undecided', 'the mean says what it is the mean of')
  assert.equal([at14.decides, at7.decides], [false, false])
  assert.ok(Math.abs(all.estimate! - (at14.estimate! + at7.estimate!) / 2) < 1e-12, 'sizes weigh the same')
  assert.is(all.n, 3)
  close(t1at14.estimate, 0.038 / 3)
  assert.match(t1at14.rows, /T = 1, 14 px/)
  const half = (4.302652729749462 * 0.002) / Math.sqrt(3)
  close(t1.upper! - t1.lower!, 2 * half, 1e-9)
})

test('C1b, C1c: at the temperatures that the students of a teacher of their own resolution have', () => {
  const rows = [
    ...cell(calibrated(1), { accuracy: [0.9, 0.9, 0.9] }),
    ...cell(calibrated(4), { accuracy: [0.83, 0.84, 0.851], ece: [0.05, 0.051, 0.05] }),
    ...cell({ ...calibrated(4), teacher: 'sameResolution' }, { accuracy: [0.81, 0.82, 0.83], ece: [0.03, 0.03, 0.03] }),
  ]
  const { verdict, parts } = claim('C1b', rows)
  assert.is(verdict, 'holds')
  close(parts[0].estimate, 0.061 / 3)
  const worse = claim('C1c', rows)
  assert.is(worse.verdict, 'reversed')
  close(worse.parts[0].estimate, 0.061 / 3)
  assert.match(claim('C1b', rows.slice(0, 6)).reason, 'same-resolution')
})

test('a failed cell takes its seed out of the comparison, and the note says so', () => {
  const rows = [
    ...cell({}, { accuracy: [0.8, 0.81, 0.8, 0.79] }),
    ...cell(calibrated(4), { accuracy: [0.82, 0.82, 0.82, 0.5] }),
  ]
  rows[7].status = 'failed'
  const [part] = claim('C1', rows).parts
  assert.is(part.n, 3)
  assert.is(part.verdict, 'holds')
  assert.match(part.note, /1 of 4 seeds left out/)
})

test('DML members are averaged before pairing', () => {
  const rows = [
    ...cell(calibrated(4), { accuracy: [0.85, 0.86, 0.84] }),
    ...[0.01, 0, -0.01].flatMap((shift, member) => {
      return cell({ method: 'dml', member }, { accuracy: [0.8 + shift, 0.82 + shift, 0.81 + shift] })
    }),
  ]
  const { verdict, parts } = claim('C2', rows)
  assert.is(verdict, 'holds')
  assert.is(parts[0].n, 3)
  close(parts[0].estimate, 0.04)
})

test('C2b: ratio of spreads with an F interval; a twentyfold spread over five seeds shows', () => {
  const steady = [0.8, 0.801, 0.799, 0.8005, 0.7995]
  const wild = steady.map((x) => 0.8 + 20 * (x - 0.8))
  const rows = [...cell({}, { accuracy: steady }), ...cell({ method: 'dml', member: 0 }, { accuracy: wild })]
  const { verdict, parts } = claim('C2b', rows)
  assert.is(verdict, 'holds')
  close(parts[0].estimate, 20, 1e-9)
  assert.match(parts[0].note, /failed rows: DML 0 of 5/)
})

test('C3, C4, C5: highest against lowest temperature decides; two temperatures are needed', () => {
  const at = (t: number, shift: number) => {
    return cell(calibrated(t), {
      entropy: [0.3 + shift, 0.31 + shift, 0.33 + shift],
      ece: [0.06 - shift / 2, 0.05 - shift / 2, 0.07 - shift / 2],
      accuracy: [0.8, 0.81, 0.82],
    })
  }
  const rows = [...at(1, 0), ...at(4, 0.05), ...at(20, 0.04)]
  assert.is(claim('C3', rows).verdict, 'holds')
  assert.is(claim('C4', rows).verdict, 'holds')
  assert.is(claim('C5', rows).verdict, 'undecided')
  const steps = claim('C3', rows).parts.map(({ rows: text, verdict }) => `${text}: ${verdict}`)
  assert.ok(
    steps.some((text) => /T = 20 minus T = 4, .*: reversed/.test(text)),
    steps.join('\n'),
  )
  const [top] = claim('C3', rows).parts
  assert.is(top.note, 'T = 4 minus T = 1: holds; T = 20 minus T = 4: reversed')
  const raw = cell({ ...calibrated(4), teacher: 'raw' }, { entropy: [0.1, 0.11, 0.13] })
  const [withRaw] = claim('C3', [...rows, ...raw, ...cell({}, { entropy: [0.2, 0.21, 0.22] })]).parts
  assert.match(withRaw.note, /; T = 20 minus T = 4, raw teacher minus supervised: reversed$/)
  assert.match(claim('C3', at(4, 0)).reason, /fewer than two temperatures/)
})

test('C6b: a gap that is only part of the ECE is not overconfidence alone', () => {
  const whole = cell({ size: 7 }, { ece: [0.1, 0.11, 0.1], signedGap: [0.1, 0.11, 0.099] })
  assert.is(claim('C6b', whole).verdict, 'holds')
  const half = cell({ size: 7 }, { ece: [0.1, 0.11, 0.1], signedGap: [0.05, 0.055, 0.05] })
  assert.is(claim('C6b', half).verdict, 'reversed')
})

test('C6c: ECE at equal accuracy, interpolated between numbers of images at full size', () => {
  const rows = [
    ...cell({ size: 7 }, { accuracy: [0.8, 0.81, 0.8], ece: [0.1, 0.1, 0.11] }),
    ...cell({ size: 28 }, { accuracy: [0.9, 0.9, 0.9], ece: [0.04, 0.04, 0.04] }),
    ...cell({ size: 28, n: 250 }, { accuracy: [0.7, 0.7, 0.7], ece: [0.08, 0.08, 0.08] }),
  ]
  const { verdict, parts } = claim('C6c', rows)
  assert.is(verdict, 'holds')
  // At accuracy .8 the full size has ECE .06, at .81 .058.
  close(parts[0].estimate, (0.04 + 0.042 + 0.05) / 3)
  assert.match(claim('C6c', rows.slice(0, 6)).reason, /accuracy-matched control/)
  const outside = [...rows.slice(0, 3).map((row) => ({ ...row, accuracy: 0.95 })), ...rows.slice(3)]
  assert.match(claim('C6c', outside).reason, /lies between/)
})

test('C7, C7b: accuracy and the gain of CQKD are compared between sizes', () => {
  const rows = [
    ...cell({ size: 14 }, { accuracy: [0.8, 0.81, 0.82] }),
    ...cell({ size: 7 }, { accuracy: [0.7, 0.72, 0.71] }),
    ...cell(calibrated(4, 14), { accuracy: [0.84, 0.85, 0.861] }),
    ...cell(calibrated(4, 7), { accuracy: [0.72, 0.74, 0.73] }),
  ]
  assert.is(claim('C7', rows).verdict, 'holds')
  const { verdict, parts } = claim('C7b', rows)
  close(parts[0].estimate, (0.02 + 0.02 + 0.021) / 3)
  assert.is(verdict, 'holds')
})

test('C8: ratios of seconds; all three must hold; the teacher counts apart', () => {
  const rows = [
    ...cell({}, { seconds: [60, 61, 62] }),
    ...cell(calibrated(4), { seconds: [66, 67, 68], teacherSeconds: [600, 600, 600] }),
    ...cell({ method: 'dml', member: 0 }, { seconds: [180, 182, 187] }),
  ]
  const { verdict, parts } = claim('C8', rows)
  assert.is(verdict, 'holds')
  close(parts[0].estimate, Math.cbrt((66 / 60) * (67 / 61) * (68 / 62)))
  assert.is(parts.find((part) => !part.decides && /DML over CQKD/.test(part.rows))?.verdict, 'reversed')
  assert.match(claim('C8', rows.slice(0, 6)).reason, /no DML rows/)
})

test('C8: where steps were timed with the teacher in them, the ratios are told of those, too', () => {
  const steps = { stepMs: [2, 2, 2], stepMsFull: [10, 10, 10], stepMsLow: [3, 3, 3] }
  const rows = [
    ...cell({}, { seconds: [60, 60, 60] }),
    ...cell(calibrated(4), { seconds: [66, 66, 66], ...steps }),
    // Not timed: it stays out of what is told of those.
    ...cell(calibrated(20), { seconds: [99, 99, 99] }),
    ...cell({ method: 'dml', member: 0 }, { seconds: [180, 180, 180] }),
  ]
  const { parts } = claim('C8', rows)
  const told = parts.filter(({ statistic }) => /teacher in every step/.test(statistic))
  assert.equal(
    told.map(({ rows, statistic, verdict, decides }) => [
      rows.split(',')[0],
      statistic.split(' on ')[1],
      verdict,
      decides,
    ]),
    [
      ['CQKD over supervised', 'full pictures', 'holds', false],
      ['DML over CQKD', 'full pictures', 'reversed', false],
      ['CQKD over supervised', "the student's pictures", 'holds', false],
      ['DML over CQKD', "the student's pictures", 'holds', false],
    ],
  )
  for (const [i, ratio] of [330 / 60, 180 / 330, 99 / 60, 180 / 99].entries()) close(told[i].estimate, ratio)
})

test('C9: times need a measured teacher; FLOPs are counted', () => {
  const { rows, teachers } = fakeResults()
  const { verdict, parts } = claim('C9', rows, teachers)
  assert.is(verdict, 'holds')
  const counted = parts.filter(({ note }) => note === 'counted, not measured')
  close(counted[0].estimate, 10_140_000 / 1_284_000, 1e-9)
  assert.is(counted[0].lower, counted[0].estimate)
  assert.match(
    claim(
      'C9',
      rows,
      teachers.map((t) => ({ ...t, inferenceMs: null })),
    ).reason,
    /not measured/,
  )
})

test('C10: both gaps must shrink', () => {
  const rows = (trainNll: number[]) => [
    ...cell(
      {},
      {
        accuracy: [0.8, 0.8, 0.8],
        trainAccuracy: [0.95, 0.96, 0.95],
        nll: [0.6, 0.6, 0.61],
        trainNll: [0.1, 0.1, 0.1],
      },
    ),
    ...cell(calibrated(4), {
      accuracy: [0.82, 0.82, 0.82],
      trainAccuracy: [0.92, 0.93, 0.925],
      nll: [0.5, 0.5, 0.5],
      trainNll,
    }),
  ]
  assert.is(claim('C10', rows([0.2, 0.2, 0.21])).verdict, 'holds')
  assert.is(claim('C10', rows([-0.3, -0.3, -0.31])).verdict, 'reversed')
})

test('rows with fewer images serve the control only', () => {
  const rows = [
    ...cell({}, { accuracy: [0.8, 0.81, 0.8] }),
    ...cell({ n: 250 }, { accuracy: [0.1, 0.1, 0.1] }),
    ...cell(calibrated(4), { accuracy: [0.82, 0.82, 0.82] }),
  ]
  close(claim('C1', rows).parts[0].estimate, 0.05 / 3)
})

test.run()
