// The claims of the further studies, table, figures and the page of questions, on made-up rows whose answers are known.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { judgeClaims } from '../../src/report/claims.ts'
import { ANCHOR_CLAIMS } from '../../src/report/claimsAnchors.ts'
import { CMKD_CLAIMS } from '../../src/report/claimsCmkd.ts'
import { LOST_INFORMATION_CLAIMS } from '../../src/report/claimsLost.ts'
import { MIMICRY_CLAIMS } from '../../src/report/claimsMimicry.ts'
import { RIVAL_CLAIMS } from '../../src/report/claimsRivals.ts'
import { FEW_DATA_CLAIMS, WEIGHT_CLAIMS } from '../../src/report/claimsStudies.ts'
import { TEACHER_CLAIMS } from '../../src/report/claimsTeachers.ts'
import type { Claim } from '../../src/report/compare.ts'
import { axisFigures } from '../../src/report/figuresAxis.ts'
import { mainFigures } from '../../src/report/figuresOf.ts'
import { labelOf } from '../../src/report/groups.ts'
import { htmlReport } from '../../src/report/html.ts'
import { parseResults } from '../../src/report/results.ts'
import type { Curve, Results } from '../../src/report/rows.ts'
import { markdownReport, rowsCsv } from '../../src/report/tableText.ts'
import { fake, hold, type Line, reversed, rowsOf, verdicts } from './lines.ts'

const test = suite('report/studies')

test('weights', () => {
  const trikd = (at: number, accuracy: number, teacher: number, klAnchor: number): Line[] => {
    const kind = { method: 'trikd', generation: 1, axis: 'w', at }
    return [
      { ...kind, accuracy, klAnchor },
      { ...kind, role: 'teacher', accuracy: teacher },
    ]
  }
  const right = [...trikd(0, 0.7, 0.75, 0.5), ...trikd(1, 0.72, 0.75, 0.3), ...trikd(8, 0.71, 0.7, 0.1)]
  assert.equal(verdicts(WEIGHT_CLAIMS, right), hold(['W1', 'W2', 'W3']))
  const wrong = [...trikd(0, 0.7, 0.75, 0.1), ...trikd(1, 0.68, 0.75, 0.3), ...trikd(8, 0.71, 0.8, 0.5)]
  assert.equal(verdicts(WEIGHT_CLAIMS, wrong), reversed(['W1', 'W2', 'W3']))
  assert.equal(
    verdicts(WEIGHT_CLAIMS, trikd(1, 0.7, 0.7, 0.1)),
    ['W1', 'W2', 'W3'].map((id) => `${id} not tested`),
  )
})

const CURVES = { supervised: [0.2, 4], trikd: [0.15, 4], online: [0.16, 4], kd: [0.18, 4] }
const fewData = (better: boolean) =>
  [250, 500, 1000, 2000].flatMap((n) =>
    Object.entries(CURVES).map(([method, [e, c]]): Line => {
      const ours = method === 'trikd'
      const error = (better ? e : ours ? 0.25 : e) + c * n ** -0.6
      const gap = ours === better ? 0.1 : 0.2
      const ece = ours === better ? 0.05 : 0.1
      const kind = ours ? { generation: 1 } : {}
      return { method, ...kind, axis: 'images', at: n, n, accuracy: 1 - error, trainAccuracy: 1 - error + gap, ece }
    }),
  )

test('few data', () => {
  const few = FEW_DATA_CLAIMS.filter(({ id }) => id !== 'C6d')
  assert.equal(verdicts(few, fewData(true)), hold(['K8', 'K8b', 'K9']))
  assert.equal(verdicts(few, fewData(false)), reversed(['K8', 'K8b', 'K9']))
  // What any teacher gives is not the triplet's.
  const asKd = fewData(true).map((line) => {
    const error = 0.15 + 4 * (line.n ?? 0) ** -0.6
    return line.method === 'kd' ? { ...line, accuracy: 1 - error } : line
  })
  assert.is(verdicts(FEW_DATA_CLAIMS, asKd)[2], 'K9 undecided')
  const [, , k9] = judgeClaims(rowsOf(fewData(true)), [], FEW_DATA_CLAIMS)
  assert.match(k9.here ?? '', 'minus each of supervised, KD and online KD')
  // A smaller gap may be a worse fit of the training images: both ends are told.
  const [k8] = judgeClaims(rowsOf(fewData(true)), [], FEW_DATA_CLAIMS)
  const end = (which: string) => k8.parts.find(({ statistic }) => statistic === `accuracy on ${which} images`)!
  const [gap, train, seen] = [k8.parts[0], end('training'), end('test')]
  assert.ok(Math.abs(gap.estimate! - (train.estimate! - seen.estimate!)) < 1e-9)
  assert.match(gap.note, /^of that accuracy on training images [−+].* points \[.*\], accuracy on test images /)
  const fitted = k9.parts.find(({ rows, statistic }) => rows === 'TriKD minus supervised' && /fit/.test(statistic))!
  assert.ok(Math.abs(fitted.estimate! + 0.05) < 2e-3, `e differs by ${fitted.estimate}, made with -0.05`)
})

/** 28 px from .6 to .84, 4 px .12 below; at the same accuracy its ECE is larger, or smaller. */
const lostInformation = (better: boolean) =>
  [250, 500, 1000].flatMap((n, i) =>
    [28, 4].map((size): Line => {
      const accuracy = 0.6 + 0.12 * i - (size === 4 ? 0.12 : 0)
      const matched = 0.2 + (better ? -1 : 1) * (accuracy - 0.6) * 0.3
      const ece = size === 28 ? matched : matched + (better ? 0.05 : -0.15)
      const kind = { method: 'supervised', axis: 'images', at: n, n }
      return { ...kind, size, accuracy, ece, signedGap: better ? ece : -ece }
    }),
  )

test('small pictures and lost information', () => {
  const ids = ['C6', 'C6b', 'C6c', 'C6d']
  const told = (better: boolean) => verdicts(LOST_INFORMATION_CLAIMS, lostInformation(better)).slice(0, 4)
  assert.equal(told(true), hold(ids))
  assert.equal(told(false), reversed(ids))
  const [, , { parts }] = judgeClaims(rowsOf(lostInformation(true)), [], LOST_INFORMATION_CLAIMS)
  // At 250 images 4 px is less accurate than 28 px ever is; at 500 as accurate as 28 px at 250.
  assert.equal(
    parts.map(({ rows, decides }) => [rows.split(',')[2].trim(), decides]),
    [
      ['1000 images', true],
      ['500 images', false],
    ],
  )
  for (const { estimate } of parts) assert.ok(Math.abs(estimate! - 0.05) < 2e-3, `${estimate}, made with .05`)
})

test('one method at several sizes and numbers of images: a line a size, the ECE against the accuracy first', () => {
  const { figures } = mainFigures(documentOf('lost-information', lostInformation(true), LOST_INFORMATION_CLAIMS))
  assert.equal(
    figures.map(({ id }) => id),
    ['ece-by-accuracy', 'accuracy-by-images', 'ece-by-images', 'error-curves-28', 'error-curves-4'],
  )
  for (const text of ['>28 px<', '>4 px<', 'test accuracy, %, with 250 to 1000 training images'])
    assert.match(String(figures[0].svg), text)
  const few = mainFigures(documentOf('few-data', fewData(true), FEW_DATA_CLAIMS)).figures
  assert.is(few[0].id, 'accuracy-by-images-7', 'several methods: a line a method')
  const curves = few.find(({ id }) => id === 'error-curves-7')!
  // A fitted curve of many short lines, beside as many markers as there are numbers of images.
  const [, path] = /<path d="(M[^"]*)" stroke-width="1.8"/.exec(String(curves.svg))!
  assert.ok(path.split('L').length > 20, path)
})

test('rivals', () => {
  const lines = (better: boolean): Line[] => [
    ...['kd', 'eskd', 'takd', 'sckd', 'dkd'].flatMap((method, i) => [
      {
        method,
        teacher: 'raw' as const,
        accuracy: 0.71,
        ece: method === 'kd' ? 0.12 : better ? 0.1 + 0.001 * i : 0.14,
      },
      { method, teacher: 'calibrated' as const, accuracy: better ? 0.72 : 0.7, ece: better ? 0.05 : 0.2 },
    ]),
    { method: 'supervised', accuracy: 0.7 },
    { method: 'online', generation: 0, accuracy: 0.71 },
    { method: 'trikd', generation: 1, accuracy: better ? 0.75 : 0.69, ece: better ? 0.06 : 0.3 },
    { method: 'supervised', role: 'teacher', ece: 0.15 },
    { method: 'earlyStopped', role: 'teacher', ece: better ? 0.05 : 0.2 },
    { method: 'trikd', generation: 1, role: 'teacher', ece: better ? 0.06 : 0.2 },
  ]
  const ids = ['K1', 'R1', 'R2', 'R3', 'R4', 'R5']
  assert.equal(verdicts(RIVAL_CLAIMS, lines(true)), hold(ids))
  assert.equal(verdicts(RIVAL_CLAIMS, lines(false)), reversed(ids))
})

test('anchors', () => {
  const lines = (better: boolean): Line[] => [
    ...[1, 2].flatMap((generation) => [
      { method: 'online', generation, accuracy: 0.71, curveArea: 0.6 },
      {
        method: 'trikd',
        generation,
        accuracy: 0.73 + 0.002 * generation,
        curveArea: better ? 0.65 : 0.5,
        epochsTo99: 10,
      },
    ]),
    { method: 'labelAnchor', generation: 1, accuracy: 0.731, curveArea: 0.62, epochsTo99: better ? 14 : 7 },
  ]
  const rows = (better: boolean) =>
    rowsOf(lines(better)).map((row) => ({ ...row, epochsTo99: (row.epochsTo99 ?? 10) + 0.1 * (row.seed % 2) }))
  const told = (better: boolean) =>
    judgeClaims(rows(better), [], ANCHOR_CLAIMS).map(({ id, verdict }) => `${id} ${verdict}`)
  assert.equal(told(true).slice(1), hold(['K4', 'A1']))
  assert.equal(told(false).slice(1), reversed(['K4', 'A1']))
})

const at = (width: string, student: number, teacher: number, ours: number, kl: number): Line[] => {
  const value = { axis: 'teacher', at: width }
  return [
    { method: 'kd', teacher: 'raw', temperature: 4, ...value, accuracy: student, klTeacher: 0.3, ece: 0.1 },
    { method: 'supervised', role: 'teacher', ...value, accuracy: teacher },
    { method: 'online', generation: 0, role: 'teacher', ...value, accuracy: teacher },
    { method: 'trikd', generation: 1, ...value, accuracy: ours, klTeacher: kl },
    { method: 'trikd', generation: 1, role: 'teacher', ...value, accuracy: teacher + 0.2 - kl },
    { method: 'takd', teacher: 'raw', temperature: 4, ...value, accuracy: 0.715 },
  ]
}

test('teachers', () => {
  const ids = ['K1b', 'K5', 'K5b', 'K5c', 'K6', 'K10']
  const right = [
    ...at('width 8', 0.72, 0.72, 0.72, 0.2),
    ...at('width 32', 0.7, 0.76, 0.73, 0.2),
    ...at('width 32 for 5 epochs', 0.73, 0.7, 0, 0.2).slice(0, 2),
  ]
  assert.equal(verdicts(TEACHER_CLAIMS, right), hold(ids))
  const wrong = [
    ...at('width 8', 0.7, 0.72, 0.72, 0.2),
    ...at('width 32', 0.74, 0.76, 0.7, 0.4),
    ...at('width 32 for 5 epochs', 0.7, 0.7, 0, 0.2).slice(0, 2),
  ]
  assert.equal(verdicts(TEACHER_CLAIMS, wrong), reversed(ids))
})

test('mimicry', () => {
  const lines = (better: boolean): Line[] => [
    ...['mimic', 'mimicSame'].flatMap((method, i) =>
      [1, 10].map((budget) => {
        const kl = (better === (budget === 10) ? 0.1 : 0.2) * (i && !better ? 0.2 : 1)
        const agree = better ? 0.9 : 0.995
        const value = { axis: 'budget', at: budget, klTeacher: kl, klTeacherTrain: kl, agreeTeacherTrain: agree }
        return { method, teacher: 'raw' as const, temperature: 1, ...value }
      }),
    ),
    { method: 'online', generation: 1, klTeacher: 0.3, klTeacherTrain: 0.3, accuracy: 0.7 },
    { method: 'supervised', role: 'teacher', trainNll: 0.8, nll: 0.9 },
    {
      method: 'trikd',
      generation: 1,
      klTeacher: better ? 0.2 : 0.4,
      klTeacherTrain: better ? 0.2 : 0.4,
      accuracy: 0.7,
    },
  ]
  const rows = (better: boolean) =>
    rowsOf(lines(better)).map((row) => {
      const more = 1 + 0.001 * ((row.seed * 3) % 4)
      // Far from the teacher on training images, too, or on others only.
      const train = better ? 1 : 0.1
      const kl = { klTeacher: row.klTeacher! * more, klTeacherTrain: row.klTeacherTrain! * (2 - more) * train }
      return { ...row, ...kl, agreeTeacherTrain: row.agreeTeacherTrain && row.agreeTeacherTrain - 0.0001 * row.seed }
    })
  const course = (method: string, role: 'teacher' | undefined, above: number) =>
    [0, 1, 2].map((seed): Curve => {
      const points = [1, 2].map((epoch) => ({ epoch, accuracy: 0.5 + 0.1 * epoch + above + 0.0003 * seed * above }))
      return { method, role, generation: 1, size: 7, temperature: null, teacher: null, seed, points }
    })
  const curves = (better: boolean) => [
    ...['trikd', 'online'].flatMap((method) => course(method, undefined, 0)),
    ...course('trikd', 'teacher', better ? -0.01 : 0.04),
    ...course('online', 'teacher', 0.02),
  ]
  const told = (better: boolean) =>
    judgeClaims(rows(better), [], MIMICRY_CLAIMS, { curves: curves(better) }).map(
      ({ id, verdict }) => `${id} ${verdict}`,
    )
  assert.equal(told(true), hold(['K7', 'K7b', 'K11', 'M1']))
  assert.equal(told(false), reversed(['K7', 'K7b', 'K11', 'M1']))
  const [, { parts }] = judgeClaims(rows(true), [], MIMICRY_CLAIMS, { curves: curves(true) })
  assert.ok(Math.abs(parts[0].estimate! + 0.01) < 1e-4, `${parts[0].estimate}: as far above as below is as far apart`)
  assert.is(judgeClaims(rows(true), [], MIMICRY_CLAIMS)[1].verdict, 'not tested', 'without curves')
  // Beside it what the ratio is of students that learn the labels, too.
  const labelled = rowsOf([{ method: 'kd', klTeacher: 0.4, klTeacherTrain: 0.1 }])
  const k11 = judgeClaims([...rows(false), ...labelled], [], MIMICRY_CLAIMS).find(({ id }) => id === 'K11')!
  assert.match(k11.parts[1].note, /by heart passes that; students of KD, which learn the labels, too: 0\.250 times$/)
  assert.equal([k11.parts[2].decides, k11.parts[2].estimate?.toFixed(6)], [false, '0.250000'])
  // Of training images that it knows by heart a teacher tells only the labels: whoever knows these is near it.
  const byHeart = rows(false).map((row) => (row.role === 'teacher' ? { ...row, trainNll: 0.01 } : row))
  const [again] = judgeClaims(byHeart, [], MIMICRY_CLAIMS).filter(({ id }) => id === 'K11')
  assert.is(again.verdict, 'not tested')
  assert.match(again.parts[0].statistic, 'premise: NLL on training images')
})

const VIEWS = ['grey 32', 'edges 32', 'colour 8']
const cmkd = (better: boolean) =>
  VIEWS.flatMap((view, i): Line[] => {
    const value = { axis: 'view', at: view, size: Number(view.split(' ')[1]) }
    const ours = better ? 0.6 - 0.01 * i : 0.4
    return [
      { method: 'supervised', ...value, accuracy: 0.5 - 0.01 * i, ece: 0.2 },
      { method: 'cmkd', teacher: 'calibrated', temperature: 4, ...value, accuracy: ours, ece: better ? 0.1 : 0.3 },
      { method: 'cmkd', teacher: 'sameResolution', temperature: 4, ...value, accuracy: 0.52 - 0.01 * i, ece: 0.12 },
    ]
  })

test('cross-modal: a gain over the own view and over labels, for modalities and for qualities', () => {
  assert.equal(verdicts(CMKD_CLAIMS, cmkd(true)), hold(['Q1', 'Q1b', 'Q1c']))
  assert.equal(verdicts(CMKD_CLAIMS, cmkd(false)), reversed(['Q1', 'Q1b', 'Q1c']))
  const [, , q1c] = judgeClaims(rowsOf(cmkd(true)), [], CMKD_CLAIMS)
  assert.match(
    q1c.parts[0].note,
    /^minus a teacher of the own view −2\.00 points \[/,
    'what any calibrated teacher does',
  )
  assert.is(
    labelOf({ method: 'cmkd', temperature: 4, teacher: 'sameResolution', axis: 'view', at: 'grey 32' }),
    'CMKD from own view, grey 32',
  )
})

const documentOf = (paper: string, lines: Line[], claims: Claim[]): Results => {
  const rows = rowsOf(lines)
  return { ...fake, run: { ...fake.run, paper }, rows, teachers: [], curves: [], claims: judgeClaims(rows, [], claims) }
}

test('figures stand against what is varied, numbers on an axis, names beside each other', () => {
  const few = axisFigures(documentOf('few-data', fewData(true), FEW_DATA_CLAIMS))
  assert.equal(few.map(({ id }) => id).slice(0, 2), ['accuracy-by-images-7', 'ece-by-images-7'])
  for (const text of ['>250<', '>2000<', 'images', 'TriKD, gen. 1', 'supervised'])
    assert.match(String(few[0].svg), text)
  const views = axisFigures(documentOf('cmkd', cmkd(true), CMKD_CLAIMS))
  assert.equal(views.map(({ id }) => id).slice(0, 2), ['accuracy-by-view', 'ece-by-view'])
  for (const text of ['>grey 32<', '>edges 32<', '>colour 8<']) assert.match(String(views[0].svg), text)
  assert.equal(axisFigures(fake), [])
})

test('documents with what is varied are read back, and written as page, Markdown and CSV', () => {
  const results = documentOf('few-data', fewData(true), FEW_DATA_CLAIMS)
  assert.equal(parseResults(JSON.parse(JSON.stringify(results))).rows.length, results.rows.length)
  assert.match(htmlReport(results), 'Few training images on Fashion-MNIST')
  assert.match(markdownReport(results), '| TriKD, gen. 1, images = 250 |')
  assert.match(
    markdownReport(results),
    /## Error curves[\s\S]*\| 7 px \| TriKD, gen\. 1 \| 4 \| 13\.\d\d \\\[1\d\.\d\d, /,
  )
  assert.match(rowsCsv(results.rows).split('\n')[0], /axis,at/)
  const odd = { ...results, rows: [{ ...results.rows[0], at: [1] }] }
  assert.throws(() => parseResults(odd), /rows\[0\].at is \[1\]; a number or a text expected/)
})

test.run()
