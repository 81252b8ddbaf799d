// TriKD's claims, table and figures on made-up rows whose answers are known.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { agreement } from '../../src/report/agreement.ts'
import { judgeClaims } from '../../src/report/claims.ts'
import { TRIKD_CLAIMS } from '../../src/report/claimsTrikd.ts'
import { generationFigures, mimicryFigure } from '../../src/report/figuresTrikd.ts'
import { groupRows, labelOf } from '../../src/report/groups.ts'
import { htmlReport } from '../../src/report/html.ts'
import { parseResults } from '../../src/report/results.ts'
import type { Results, Row } from '../../src/report/rows.ts'
import { markdownReport, rowsCsv, summaryCsv, textReport } from '../../src/report/tableText.ts'
import { fakeResults } from './fake.ts'

const test = suite('report/trikd')

const SEEDS = [0, 1, 2, 3]
const template = fakeResults({ seeds: 1 }).rows[0]

interface Line extends Partial<Row> {
  method: string
  accuracy: number
}

const own = { loss: 'CE+T+A', peerLoss: 'CE+S+A' }
const teacher = ({ loss, peerLoss, ...line }: Line): Line => {
  return { ...line, ...(loss ? { loss: peerLoss, peerLoss: loss } : {}), role: 'teacher' }
}
const online = { loss: 'CE+T', peerLoss: 'CE+S' }
const arm = (loss: string, peerLoss: string, accuracy: number): Line => {
  return { method: 'ablation', generation: 1, loss, peerLoss, accuracy }
}

/** A world in which every claim that rows can decide is true. */
const LINES: Line[] = [
  { method: 'supervised', accuracy: 0.7, trainAccuracy: 0.99 },
  { method: 'kd', teacher: 'raw', temperature: 1, accuracy: 0.71, klTeacher: 0.5 },
  { method: 'kd', teacher: 'raw', temperature: 4, accuracy: 0.72, klTeacher: 0.4 },
  { method: 'kd', teacher: 'raw', temperature: 1, accuracy: 0.7, teacherWidth: 32 },
  { method: 'kd', teacher: 'raw', temperature: 4, accuracy: 0.71, teacherWidth: 32 },
  { method: 'online', generation: 0, ...online, accuracy: 0.715, klTeacher: 0.3, klTeacherTrain: 0.3 },
  { method: 'online', generation: 1, ...online, accuracy: 0.716, klTeacher: 0.3, klTeacherTrain: 0.3 },
  { method: 'online', generation: 2, ...online, accuracy: 0.714, klTeacher: 0.3, klTeacherTrain: 0.3 },
  { method: 'anchor', generation: 1, loss: 'CE+A', accuracy: 0.72 },
  { method: 'trikd', generation: 1, ...own, accuracy: 0.74 },
  { method: 'trikd', generation: 2, ...own, accuracy: 0.745, trainAccuracy: 0.95, klTeacher: 0.1, klTeacherTrain: 0.1 },
  { method: 'trikd', generation: 1, ...own, accuracy: 0.75, teacherWidth: 32 },
  { method: 'labelAnchor', generation: 1, ...own, accuracy: 0.742 },
  arm('CE', 'CE+S+A', 0.7),
  arm('CE+T', 'CE+S+A', 0.715),
  arm('CE+A', 'CE+S+A', 0.721),
  arm('CE+T+A', 'CE', 0.73),
  arm('CE+T', 'CE', 0.72),
  teacher({ method: 'supervised', accuracy: 0.74 }),
  teacher({ method: 'supervised', accuracy: 0.77, teacherWidth: 32 }),
  teacher({ method: 'online', generation: 0, ...online, accuracy: 0.75 }),
  teacher({ method: 'online', generation: 2, ...online, accuracy: 0.75 }),
  teacher({ method: 'trikd', generation: 2, ...own, accuracy: 0.748 }),
]

/** Seeds differ alike in all rows, and by a little of their own. */
function rowsOf(lines: Line[], seeds = SEEDS): Row[] {
  return lines.flatMap((line, i) =>
    seeds.map((seed): Row => {
      const { teacher: kind = null, temperature = null, ...rest } = line
      const wobble = 0.01 * seed + 0.0004 * (((i * 7 + seed * 5) % 11) / 10 - 0.5)
      const shifted = {
        accuracy: line.accuracy + wobble,
        trainAccuracy: (line.trainAccuracy ?? 0.97) + 0.01 * seed - 0.03,
      }
      const nll = { nll: 0.9, trainNll: line.method === 'trikd' ? 0.5 + wobble / 9 : 0.1 + wobble / 9 }
      return { ...template, ...rest, temperature, teacher: kind, tau: null, size: 7, n: 1000, seed, ...shifted, ...nll }
    }),
  )
}

const judged = (lines: Line[], seeds?: number[]) => {
  return new Map(judgeClaims(rowsOf(lines, seeds), [], TRIKD_CLAIMS).map((claim) => [claim.id, claim]))
}
const all = judged(LINES)
const change = (which: (line: Line) => boolean, by: Partial<Line>) => {
  return judged(LINES.map((line) => (which(line) ? { ...line, ...by } : line)))
}
const without = (which: (line: Line) => boolean) => judged(LINES.filter((line) => !which(line)))
const second = ({ method, generation, role }: Line) => method === 'trikd' && generation === 2 && !role

test('in a world where the paper is right every claim that can be decided holds', () => {
  const verdicts = [...all].map(([id, { verdict }]) => `${id} ${verdict}`)
  assert.equal(verdicts, [
    'K1 holds',
    'K2 holds',
    'K3 holds',
    'K4 not tested',
    'K5 holds',
    'K5b holds',
    'K6 holds',
    'K7 holds',
    'K8 holds',
    'K9 not tested',
    'K10 holds',
    'K11 not tested',
  ])
  assert.match(all.get('K4')!.reason, 'held-out accuracy during training is not measured')
  assert.match(all.get('K9')!.reason, 'several numbers of training images')
  assert.match(all.get('K11')!.reason, 'KL-only students')
})

test('their numbers are the differences of the rows', () => {
  const estimate = (id: string, rows: string | RegExp) => {
    const part = all.get(id)!.parts.find((one) => (typeof rows === 'string' ? one.rows === rows : rows.test(one.rows)))
    assert.ok(part, `${id} ${rows}: ${all.get(id)!.parts.map((one) => one.rows)}`)
    return part!.estimate!
  }
  const near = (got: number, want: number) => assert.ok(Math.abs(got - want) < 5e-4, `${got}, expected ${want}`)
  near(estimate('K1', 'TriKD, gen. 2 minus KD raw, T = 4'), 0.025)
  near(estimate('K1', 'TriKD, gen. 2 minus online KD, gen. 2'), 0.031)
  near(estimate('K2', 'student CE+T+A minus CE+A'), 0.019)
  near(estimate('K2', 'student CE+T+A minus CE+T, teacher CE'), 0.01)
  near(estimate('K3', 'generation 1'), 0.024)
  near(estimate('K3', 'what generation 1 adds minus what generation 2 adds to 1'), 0.017)
  near(estimate('K4', /^TriKD, label anchor minus TriKD, gen. 1/), 0.002)
  near(estimate('K5', /^KD, teacher of width 32/), -0.01)
  near(estimate('K5', /^teacher of width 32/), 0.03)
  near(estimate('K5b', /./), 0.02)
  near(estimate('K6', 'TriKD, gen. 2 minus online KD, gen. 2'), -0.002)
  near(estimate('K7', 'TriKD, gen. 2 minus online KD, gen. 2'), -0.2)
  near(estimate('K8', 'TriKD, gen. 2 minus supervised'), -0.085)
  near(estimate('K10', /KD raw, mean over temperatures/), -0.35)
})

test('the other way round they are reversed', () => {
  const worse = change(second, { accuracy: 0.69, klTeacher: 0.9, klTeacherTrain: 0.9, trainAccuracy: 0.999 })
  for (const id of ['K1', 'K7', 'K8', 'K10']) assert.is(worse.get(id)!.verdict, 'reversed', id)
  assert.is(
    change(({ method }) => method === 'anchor' || method === 'ablation', { accuracy: 0.76 }).get('K2')!.verdict,
    'reversed',
  )
  const growing = change(second, { accuracy: 0.8 })
  assert.is(growing.get('K3')!.verdict, 'reversed', 'the last step is larger than the first')
  const large = change(({ teacherWidth, method }) => teacherWidth === 32 && method === 'kd', { accuracy: 0.75 })
  assert.is(large.get('K5')!.verdict, 'reversed')
  assert.is(large.get('K5b')!.verdict, 'reversed')
})

test('a point of accuracy is the margin of what is similar', () => {
  const weak = (by: number) =>
    change(({ method, role }) => method === 'trikd' && role === 'teacher', { accuracy: 0.75 - by })
  assert.is(weak(0.008).get('K6')!.verdict, 'holds')
  assert.is(weak(0.01).get('K6')!.verdict, 'undecided')
  assert.is(weak(0.02).get('K6')!.verdict, 'reversed')
})

test('K4: how soon is compared where epochs were looked at, in any study', () => {
  const looked = (label: number) => {
    const epochs = (line: Line) => ({ ...line, epochsTo99: line.method === 'labelAnchor' ? label : 10 })
    return judged(LINES.map(epochs)).get('K4')!
  }
  assert.equal([looked(14).verdict, looked(7).verdict], ['holds', 'reversed'])
  assert.is(looked(14).parts[2].estimate, 4)
})

test('without controls the comparison says that the weights differ; without rows why there is none', () => {
  const loose = without(({ method, generation }) => method === 'online' && generation !== 0)
  const part = loose.get('K7')!.parts[0]
  assert.is(part.rows, 'TriKD, gen. 2 minus online KD, gen. 0')
  assert.match(part.note, 'they start from different initial weights')
  const noAblation = without(({ method }) => method === 'ablation')
  assert.equal(
    noAblation.get('K2')!.parts.map(({ note }) => note),
    ['', 'the teacher without the anchor, too', 'they start from different initial weights'],
  )
  const bare = judged([LINES[0]])
  for (const { id, verdict, reason } of bare.values()) assert.ok(verdict === 'not tested' && reason.length > 10, id)
  assert.match(without(({ teacherWidth }) => teacherWidth === 32).get('K5')!.reason, 'two widths')
  assert.match(without(second).get('K3')!.reason, 'fewer than two generations')
})

test('one seed has a direction and no verdict', () => {
  const one = judged(LINES, [0])
  assert.is(one.get('K1')!.verdict, 'one seed, no verdict')
  assert.is(one.get('K1')!.parts[0].direction, 'as claimed')
})

const results: Results = (() => {
  const base = fakeResults({ seeds: 1, run: { paper: 'trikd', command: 'node bench/trikd.js' } })
  const rows = rowsOf(LINES)
  const curve = {
    seed: 0,
    size: 7,
    temperature: null,
    teacher: null,
    points: [{ epoch: 1, trainLoss: 1, trainAccuracy: 0.5 }],
  }
  const curves = [
    { ...curve, method: 'trikd', generation: 1, ...own },
    { ...curve, method: 'trikd', generation: 1, role: 'teacher' as const, ...own },
  ]
  const whole = { ...base, rows, teachers: [], claims: judgeClaims(rows, [], TRIKD_CLAIMS), curves }
  return JSON.parse(JSON.stringify(whole))
})()

test('the document is valid, and its fields are checked', () => {
  assert.equal(parseResults(JSON.parse(JSON.stringify(results))), results)
  for (const [field, value] of Object.entries({
    generation: -1,
    role: 'pupil',
    loss: 3,
    klTeacher: 'low',
    agreeAnchor: 2,
  })) {
    const rows = [{ ...results.rows[0], [field]: value }]
    assert.throws(() => parseResults({ ...results, rows }), new RegExp(`rows\\[0\\]\\.${field} is`))
  }
})

test('it is not held against the reference of the other paper', () => {
  const { comparable, reason } = agreement(results)
  assert.is(comparable, false)
  assert.match(reason, /the reference is of CQKD, this run of trikd/)
})

test('students and teachers, generations and losses are lines of their own', () => {
  const groups = groupRows(results.rows)
  assert.is(groups.length, LINES.length)
  assert.ok(groups.every(({ rows }) => rows.length === SEEDS.length))
  assert.is(labelOf(arm('CE+T', 'CE', 1) as Row), 'ablation S CE+T, T CE')
  const swapped = teacher(arm('CE+T', 'CE', 1))
  assert.is(labelOf(swapped as Row), 'ablation S CE+T, T CE')
  const text = textReport(results)
  for (const line of [
    'students, 7 px',
    'teachers, 7 px',
    'TriKD, gen. 2 ',
    'online KD, gen. 1 ',
    'KD raw, teacher 32',
    'LIKENESS',
  ]) {
    assert.match(text, line)
  }
  assert.match(markdownReport(results), '| rows | method |')
  const [head, ...lines] = rowsCsv(results.rows).trim().split('\n')
  assert.match(head, /role,generation,loss,peerLoss,teacherWidth,klTeacher/)
  assert.is(lines.length, results.rows.length)
  assert.match(summaryCsv(results).split('\n')[0], /^method,role,generation,loss,peerLoss,teacherWidth,size/)
  assert.not.match(rowsCsv(fakeResults().rows), 'generation')
})

test('figures over generations, and teachers by accuracy and KL', () => {
  const figures = [...generationFigures(results), ...mimicryFigure(results)]
  assert.equal(
    figures.map(({ id }) => id),
    ['generations-student', 'generations-teacher', 'generations-ece', 'generations-mimicry', 'good-and-easy'],
  )
  for (const name of ['TriKD', 'online KD, same weights', 'label anchor', 'KD raw, T 4'])
    assert.match(String(figures[0].svg), name)
  assert.equal(generationFigures(fakeResults()), [])
  assert.equal(mimicryFigure(fakeResults()), [])
  // A point a run, which no line joins.
  const svg = String(mimicryFigure(results)[0].svg)
  const followed = results.rows.filter(({ role, klTeacher }) => role === undefined && typeof klTeacher === 'number')
  const points = svg.split('class="wd-halo"').length - 1
  assert.ok(points > 6 && points <= 2 * followed.length, `${points} points`)
  assert.not.match(svg, 'stroke-linejoin')
  const page = htmlReport(results)
  assert.match(page, '<h1>Triplet knowledge distillation on Fashion-MNIST</h1>')
  assert.match(page, 'Accuracy of students by generation')
  assert.not.match(page, 'by image size')
  assert.not.match(page, 'id="agreement"')
  assert.match(page, 'id="claim-K10"')
})

test.run()
