// The study of faces: its stages, flags, rows, table and claims.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makePair } from '../../src/data/dataset.ts'
import { identities } from '../../src/data/identities.ts'
import { judgeClaims } from '../../src/report/claims.ts'
import { FACES_CLAIMS } from '../../src/report/claimsFaces.ts'
import { rocFigures } from '../../src/report/figuresVerification.ts'
import { parseResults } from '../../src/report/results.ts'
import type { Results, Row } from '../../src/report/rows.ts'
import { summaryCsv, textReport } from '../../src/report/tableText.ts'
import { RATES } from '../../src/report/verification.ts'
import { FACES, type FacesRecipe } from '../../src/studies/faces.ts'
import { parseArguments, type StudyArguments } from '../../src/study/args.ts'
import type { Stage } from '../../src/study/stage.ts'
import { keysOf } from '../../src/study/store.ts'
import { trikdStages } from '../../src/study/trikdStages.ts'
import { fakeResults } from '../report/fake.ts'
import { setting } from '../study/small.ts'

const test = suite('studies/faces')

const PICTURES = { side: 24, channels: 1, classes: 60 }
const parsed = (line: string) => {
  return (parseArguments(line.split(' ').filter(Boolean), FACES) as StudyArguments<FacesRecipe>).recipe
}

test('every stage verifies; else they are those of TriKD', async () => {
  const recipe = parsed('--seeds 1')
  const stages = FACES.stages(recipe, PICTURES)
  assert.equal(
    stages.map(({ id }) => id),
    ['teacher', 'supervised', 'kd-T4', 'generation0', 'generation1'].map((name) => `seed0/10px/${name}`),
  )
  const plain = (stage: Stage): Stage => {
    const { verify, ...rest } = stage
    assert.equal(verify, { identities: null, pairs: 20_000 })
    return rest
  }
  assert.equal(stages.map(plain), trikdStages(recipe, PICTURES))
  assert.ok(stages.every(({ nodes }) => Object.values(nodes).every(({ network }) => network.embedding === 32)))
  const [a, b] = [await keysOf(stages, setting), await keysOf(stages.map(plain), setting)]
  assert.ok([...a].every(([id, key]) => key !== b.get(id)))
})

test('the flags say how many identities are held out, and how many pairs are compared', () => {
  const [stage] = FACES.stages(parsed('--held-out 5 --pairs 300'), PICTURES)
  assert.equal(stage.verify, { identities: 5, pairs: 300 })
  assert.throws(() => parsed('--held-out 1'), /--held-out 1: a whole number from 2/)
  assert.throws(() => parsed('--pairs 0'), /--pairs 0: a whole number from 1/)
})

test('a margin is of every trained network, and of networks of cosines only', async () => {
  const stages = FACES.stages(parsed('--margin 0.2 --seeds 1'), PICTURES)
  for (const { nodes } of stages) {
    for (const { trained, margin } of Object.values(nodes)) assert.is(margin, trained ? 0.2 : undefined)
  }
  assert.throws(() => parsed('--margin 2'), /--margin 2: .*a number from 0 to 1/)
  assert.throws(() => parsed('--margin 0.2 --student wrn-10-1'), /margin 0\.2: teacher and student need an/)
})

test('the data are split by identity before anything sees them', async () => {
  const made = identities({ identities: 9, train: 2, test: 1, size: 8 })
  const pair = await makePair(made.train, made.test, 'synthetic')
  const third = FACES.data!(pair, parsed(''))
  assert.equal([third.train.classes.length, third.others!.n], [6, 9])
  const five = FACES.data!(pair, parsed('--held-out 5'))
  assert.equal([five.train.classes.length, five.others!.n], [4, 15])
})

/** Rows of three seeds; `tar` at a false accept rate of 1 %. */
const rowsOf = (method: string, tar: number, more: Partial<Row> = {}): Row[] => {
  const [model] = fakeResults().rows
  return [0, 1, 2].map((seed) => ({
    ...model,
    method,
    seed,
    size: 12,
    ...more,
    samePairs: 3800,
    differentPairs: 5000,
    tar1e1: Math.min(1, tar + 0.4),
    tar1e2: tar + 0.001 * seed * (method === 'trikd' ? 1 : -1),
    tar1e3: null,
    auc: 0.8,
    eer: 0.2,
    roc: RATES.filter((far) => far >= 0.002).map((far) => ({ far, tar: far ** 0.3 })),
  }))
}
const results = (): Results => {
  const rows = [
    ...rowsOf('supervised', 0.2),
    ...rowsOf('kd', 0.25, { teacher: 'raw', temperature: 4 }),
    ...rowsOf('online', 0.31, { generation: 0 }),
    ...rowsOf('trikd', 0.31, { generation: 1 }),
    ...rowsOf('trikd', 0.4, { generation: 1, role: 'teacher' }),
  ]
  const { run, schemaVersion } = fakeResults({ run: { dataset: 'identities', paper: 'faces' } })
  return { schemaVersion, run, rows, teachers: [], claims: judgeClaims(rows, [], FACES_CLAIMS) }
}

test('claims are decided at a false accept rate of 1 %', () => {
  const { claims } = results()
  assert.equal(
    claims.map(({ id, verdict }) => `${id} ${verdict}`),
    ['F1 holds', 'F2 holds', 'F3 undecided', 'F4 holds'],
  )
  const [deciding, ...others] = claims[0].parts
  assert.ok(Math.abs(deciding.estimate! - (0.31 + 0.001 - (0.25 - 0.001))) < 1e-12)
  assert.equal(
    others.map(({ verdict }) => verdict),
    ['holds', 'not tested', 'undecided', 'undecided'],
  )
  assert.match(claims[2].parts[0].note, 'they start from different initial weights')
  assert.equal(
    judgeClaims(rowsOf('supervised', 0.2), [], FACES_CLAIMS).map(({ verdict }) => verdict),
    ['not tested', 'not tested', 'not tested', 'not tested'],
  )
})

test('the table opens with the verification, tells the pairs, and says that the identities are made up', () => {
  const text = textReport(results())
  assert.match(text, /^SYNTHETIC identities, preset quick \(reduced/)
  assert.match(text, /VERIFICATION\nmethod +T +n +TAR % at 10 % +at 1 % +at 0\.1 % +AUC % +EER %/)
  assert.match(text, /\nKD raw +4 +3 +65\.00 ± 0\.00 +24\.90 ± 0\.10 +– +80\.00 ± 0\.00 +20\.00 ± 0\.00\n/)
  assert.ok(text.indexOf('VERIFICATION') < text.indexOf('ACCURACY AND CALIBRATION'))
  assert.not.match(textReport(fakeResults()), 'VERIFICATION')
  const head = (results: Results) => summaryCsv(results).split('\n')[0]
  assert.match(head(results()), /,tar1e1,tar1e1Sd,tar1e2,tar1e2Sd,tar1e3,tar1e3Sd,auc,aucSd,eer,eerSd,paperAccuracy$/)
  assert.not.match(head(fakeResults()), 'tar1e1')
})

test('the curves begin at a power of ten; students and teachers have a figure each', () => {
  const figures = rocFigures(results())
  assert.equal(
    figures.map(({ id }) => id),
    ['roc-students-12', 'roc-teachers-12'],
  )
  const svg = String(figures[0].svg)
  for (const name of ['supervised', 'KD raw, T 4', 'TriKD, gen. 1']) assert.match(svg, `>${name}<`)
  assert.match(svg, /true accept rate, %, mean over seeds against false accept rate\. supervised: 0\.01, 25\.119; /)
  assert.equal(rocFigures(fakeResults()), [])
})

test('a results document holds them; what cannot be is refused', () => {
  const document = JSON.parse(JSON.stringify(results()))
  assert.equal(parseResults(document).rows[0].roc!.length, document.rows[0].roc.length)
  document.rows[0].roc[0].tar = 30
  assert.throws(() => parseResults(document), /rows\[0\]\.roc is .*; a list of \{ far, tar \} expected/)
  document.rows[0].roc = []
  document.rows[0].tar1e2 = 31
  assert.throws(() => parseResults(document), /rows\[0\]\.tar1e2 is 31; a fraction/)
})

test.run()
