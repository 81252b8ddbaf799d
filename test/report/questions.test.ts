// The page of questions: the study made for a claim comes first, every figure is there, the sentence says what the
// verdicts say, and what has no answer is listed.
import { readdirSync, readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ClaimResult } from '../../src/report/claim.ts'
import { CQKD_CLAIMS } from '../../src/report/claims.ts'
import { TRIKD_CLAIMS } from '../../src/report/claimsTrikd.ts'
import { untested } from '../../src/report/compare.ts'
import { QUESTIONS, UNANSWERED } from '../../src/report/questionList.ts'
import { SETTINGS } from '../../src/report/questionSettings.ts'
import { figuresNamed, questionsPage, type Source } from '../../src/report/questions.ts'
import type { Run } from '../../src/report/rows.ts'
import type { Verdict } from '../../src/report/stats.ts'
import { studyOf } from '../../src/report/titles.ts'
import { STUDIES } from '../../src/studies/index.ts'
import { fakeResults } from './fake.ts'
import { fake } from './lines.ts'

const test = suite('report/questions')
const ALL = [{ name: 'cqkd', claims: CQKD_CLAIMS }, { name: 'trikd', claims: TRIKD_CLAIMS }, ...STUDIES]

interface Said {
  study: string
  verdicts: Record<string, Verdict>
  run?: Partial<Run>
  figures?: string[]
}

/** Results with such verdicts, each from one comparison of .01 ± .002. */
function source({ study, verdicts, run, figures = [] }: Said): Source {
  const claims = Object.entries(verdicts).map(([id, verdict]): ClaimResult => {
    const numbers = { n: 3, estimate: 0.01, lower: 0.008, upper: 0.012, note: '' }
    const part = { ...untested('rows', 'accuracy', ''), ...numbers, verdict }
    const text = ALL.flatMap((each) => each.claims).find((claim) => claim.id === id)!.text
    return { id, text, source: '', here: `the way of ${study}`, verdict, reason: 'no rows', parts: [part] }
  })
  return {
    results: { ...fake, run: { ...fake.run, paper: study, ...run }, claims },
    folder: `results/${study}`,
    figures,
  }
}

/** The part of the page under a question. */
const under = (asked: RegExp, ...said: Said[]) => {
  return questionsPage(said.map(source))
    .split('\n## ')
    .slice(1)
    .find((text) => asked.test(text))!
}

test('the page begins with its questions, each with a word of answer and a link to it', () => {
  const page = questionsPage([source({ study: 'cqkd', verdicts: { C1: 'holds', C2: 'reversed' } })])
  const [contents, ...sections] = page.split('\n## ')
  const answered = sections.filter((text) => /^Asked by:/m.test(text))
  assert.is(contents.match(/^- \[/gm)?.length, answered.length)
  assert.match(contents, /^- \[Does CQKD beat [^\]]*\?\]\(#does-cqkd-beat-[a-z-]*\) In part\.$/m)
  assert.match(contents, /\) No results on file\.$/m)
})

test('what one seed says is listed, and weighs nothing in the sentence beside what several say', () => {
  const asked = /^Can a teacher be both/
  const several = (study: string): Said => ({ study, verdicts: { K10: 'holds' } })
  const one = (study: string): Said => ({ study, verdicts: { K10: 'one seed, no verdict' } })
  const both = under(asked, several('teachers'), one('teachers'))
  assert.match(both, /^\*\*Yes:\*\* A teacher can be both good and easy to follow\.$/m)
  assert.match(both, '**One seed, no verdict** on')
  assert.match(under(asked, one('teachers')), /^\*\*Undecided, from one seed:\*\*/m)
  assert.not.match(under(asked, several('teachers'), one('trikd')), 'Tested otherwise')
  assert.match(under(asked, one('teachers'), several('trikd')), 'Tested otherwise: K10 holds in trikd')
})

test('a question asks for claims that there are, once each, and every claim of every study is asked for', () => {
  const known = new Set(ALL.flatMap(({ claims }) => claims.map(({ id }) => id)))
  const asked = QUESTIONS.flatMap(({ decided, beside = [] }) => [...decided, ...beside])
  for (const id of asked) assert.ok(known.has(id), id)
  for (const id of known) assert.ok(asked.includes(id), `no question asks for ${id}`)
  for (const { asked: text, decided, beside = [] } of QUESTIONS) {
    assert.ok(decided.length > 0 && new Set([...decided, ...beside]).size === decided.length + beside.length, text)
  }
})

test('every figure that a question names is one of its study, in every result on file', () => {
  const folders = readdirSync('docs/results').map((name) => `docs/results/${name}`)
  const results = folders.map((folder) => {
    const { run } = JSON.parse(readFileSync(`${folder}/results.json`, 'utf8'))
    return { study: studyOf(run), folder, figures: readdirSync(`${folder}/figures`) }
  })
  for (const { asked, figure } of QUESTIONS) {
    assert.ok(figure, `${asked}: no figure`)
    const [study, ...names] = figure!
    const own = results.filter((result) => result.study === study)
    assert.ok(own.length > 0, `${asked}: no results of ${study} on file`)
    for (const { folder, figures } of own) {
      const ids = figures.map((file) => file.replace(/\.svg$/, ''))
      for (const name of names) assert.ok(figuresNamed(name, ids).length > 0, `${folder} has no figure ${name}: ${ids}`)
    }
  }
})

test('a figure of every size, the largest first; a missing one is said to be missing', () => {
  const ids = ['ece-by-tau-7', 'ece-by-tau-14', 'ece-by-tau', 'teacher-ece-by-tau-14', 'ece-by-tau-px-7']
  assert.equal(figuresNamed('ece-by-tau', ids), ['ece-by-tau-14', 'ece-by-tau-7', 'ece-by-tau'])
  const asked = /^Must T or τ/
  const there = under(asked, { study: 'calibration', verdicts: { T3: 'holds' }, figures: ids.slice(0, 2) })
  assert.match(there, /\n!\[Must .*\]\(results\/calibration\/figures\/ece-by-tau-14\.svg\)\n\n!\[.*ece-by-tau-7\.svg\)/)
  const gone = under(asked, { study: 'calibration', verdicts: { T3: 'holds' }, figures: ['accuracy-by-tau-7'] })
  assert.match(gone, '**Figure missing:** results/calibration has no ece-by-tau.')
})

test('a sentence in front: yes, no, undecided, and where results disagree', () => {
  const one = (verdict: Verdict, run?: Partial<Run>) => ({ study: 'cqkd', verdicts: { C1: verdict, C2: verdict }, run })
  const texts = 'CQKD beats supervised learning; CQKD is more accurate than DML'
  const front = (...said: Said[]) => under(/^Does CQKD beat/, ...said).split('\n')[2]
  assert.is(front(one('holds')), `**Yes:** ${texts}.`)
  assert.is(front(one('reversed')), `**No, found reversed:** ${texts}.`)
  assert.is(front(one('undecided')), `**Undecided at this scale:** ${texts}.`)
  assert.is(front(one('not tested')), `**Not tested:** ${texts}.`)
  assert.is(front({ study: 'anchors', verdicts: { K4: 'holds' } }), '**No results on file.**')
  const [both, places] = ['CQKD beats supervised learning', '(CIFAR-10, quick)']
  assert.is(
    front(one('undecided'), { study: 'cqkd', verdicts: { C1: 'holds' }, run: { dataset: 'cifar10' } }),
    `**In part.** Yes: ${both} ${places}. Undecided at this scale: ${both} (Fashion-MNIST, quick); CQKD is more accurate than DML.`,
  )
  const open = under(/^What does temperature do/, { study: 'cqkd', verdicts: { C3: 'holds', C4: 'undecided' } })
  assert.match(open, '**In part.** Found: A higher temperature gives the student a higher entropy. Undecided at this')
})

test('of several comparisons that do not agree it is said how many hold', () => {
  const front = (verdict: Verdict, ...found: Verdict[]) => {
    const one = source({ study: 'rivals', verdicts: { R3: verdict } })
    const [part] = one.results.claims[0].parts
    one.results.claims[0].parts = [
      ...found.map((each) => ({ ...part, verdict: each })),
      { ...part, verdict: 'reversed', decides: false },
      { ...part, premise: true },
    ]
    const text = questionsPage([one]).split('\n## Do early stopping')[1]
    return text.split('\n')[2].replace(/^.*a finished one/, '')
  }
  assert.is(front('undecided', 'holds', 'holds', 'undecided'), ' (2 of 3 comparisons hold).')
  assert.is(front('reversed', 'holds', 'reversed', 'undecided'), ' (1 of 3 comparisons holds, 1 is reversed).')
  assert.is(front('reversed', 'reversed', 'reversed', 'undecided'), ' (0 of 3 comparisons hold, 2 are reversed).')
  for (const verdict of ['holds', 'undecided', 'reversed'] as const)
    assert.is(front(verdict, verdict, verdict), '.', 'nothing where all agree')
})

test('the study that is made for a claim decides; another is told below, and above where it finds otherwise', () => {
  const trikd: Said = { study: 'trikd', verdicts: { K10: 'undecided', K6: 'not tested' } }
  const text = under(/^Can a teacher be both/, trikd, { study: 'teachers', verdicts: { K10: 'holds', K6: 'holds' } })
  const lines = text.split('\n')
  assert.is(
    lines[2],
    '**Yes:** A teacher can be both good and easy to follow. Tested otherwise: K10 undecided in trikd, Fashion-MNIST, quick.',
  )
  const at = lines.findIndex((line) => line.startsWith('- K10: '))
  assert.match(lines[at], 'As tested here: the way of teachers.')
  const numbers = 'accuracy, rows: +1.00 points [+0.80, +1.20], n = 3.'
  assert.is(lines[at + 1], `  - **Holds** on [Fashion-MNIST, quick](results/teachers/table.md): ${numbers}`)
  assert.is(
    lines[at + 2],
    `  - also in trikd, tested otherwise: the way of trikd. **Undecided** on [Fashion-MNIST, quick](results/trikd/table.md): ${numbers}`,
  )
  assert.not.match(text, /Not tested/, 'a stub stands aside where another study decides')
  const alone = under(/^Can a teacher be both/, trikd)
  assert.match(alone, '**Undecided at this scale:** A teacher can be both good and easy to follow.')
  assert.match(alone, '**Not tested** on [Fashion-MNIST, quick](results/trikd/table.md): no rows.')
})

test('changed recipes and commits with changes are said to be so', () => {
  const run = {
    overrides: ['--dataset cifar10', '--epochs 40'],
    dataset: 'cifar10',
    commit: `${'ab'.repeat(20)}-dirty`,
  }
  const page = questionsPage([source({ study: 'cqkd', verdicts: { C1: 'holds' }, run })])
  assert.match(page, '**Holds** on [CIFAR-10, quick, --epochs 40](')
  assert.match(page, 'commit ababababab with uncommitted changes, `')
})

test('what no results answer is listed until some do', () => {
  const page = questionsPage([source({ study: 'cqkd', verdicts: { C1: 'holds' } })])
  const open = page.split('## Not answered')[1].split('## From')[0]
  for (const { asked, why } of UNANSWERED) assert.ok(open.includes(`- **${asked}** ${why}`), asked)
  const [frozen] = SETTINGS
  assert.match(open, `- **${frozen.asked}** ${frozen.why}`)
})

test('runs with settings that a question asks for answer that one alone', () => {
  const { asked, only } = QUESTIONS.find((question) => question.only)!
  const plain: Said = { study: 'trikd', verdicts: { K3: 'undecided' } }
  const open = questionsPage([source(plain)]).split('## Not answered')[1]
  assert.match(open, `- **${asked}** ${only!.why}`)
  const special = source({ ...plain, run: { config: { saturation: 1 }, overrides: ['--saturation 1'] } })
  const row = { ...fake.rows[0], size: 7, seed: 0 }
  const rows = [
    { ...row, method: 'online', generation: 0 },
    { ...row, method: 'trikd', generation: 1 },
    { ...row, method: 'trikd', generation: 2, status: 'saturated' as const },
  ]
  const page = questionsPage([source(plain), { ...special, results: { ...special.results, rows } }])
  const ended = 'the last generation is 1.0 (1 of 1 saturated)'
  assert.match(page, `## ${asked}\n\n**Measured:** Fashion-MNIST, quick, --saturation 1, 7 px: ${ended}.`)
  assert.is(page.split('quick, --saturation 1](').length, 2, 'there and nowhere else')
  assert.not.match(page.split('## Not answered')[1], asked)
})

test('a changed setting is held against the run without it, and answers no other question', () => {
  const [{ asked }] = SETTINGS
  const plain = source({ study: 'cqkd', verdicts: { C2: 'reversed' } })
  const lower = fakeResults().rows.map((row) => {
    return row.method === 'dml' && row.accuracy !== null ? { ...row, accuracy: row.accuracy - 0.01 } : row
  })
  const config = { ...plain.results.run.config, bnAfterEval: 'freeze', seeds: [0, 1, 2] }
  const run = { config, overrides: ['--bn-after-eval freeze'] }
  const made = source({ study: 'cqkd', verdicts: { C2: 'holds' }, run })
  const frozen = { ...made, folder: 'results/frozen', results: { ...made.results, rows: lower } }
  const whole = { ...plain, results: { ...plain.results, rows: fakeResults().rows } }
  const page = questionsPage([frozen, whole])
  const text = page.split('\n## ').find((part) => part.startsWith(asked))!
  const change = 'accuracy, DML, batch norm frozen minus batch norm in train mode, mean over 14, 7 px: −1.00 points'
  const verdicts =
    'CQKD is more accurate than DML: holds with batch norm frozen, reversed with batch norm in train mode.'
  assert.match(text, `**Found:** Fashion-MNIST, quick, ${change} [−1.00, −1.00], n = 3. ${verdicts}`)
  assert.match(text, '  - **Holds** on [Fashion-MNIST, quick, --bn-after-eval freeze](results/frozen/table.md)')
  assert.match(text, '  - **Reversed** on [Fashion-MNIST, quick](results/cqkd/table.md)')
  assert.is(page.split('results/frozen/table.md').length, 3, 'there and in the list of sources')
  const open = page.split('## Not answered')[1]
  assert.not.match(open, asked)
  const others = { ...plain, results: { ...whole.results, run: { ...plain.results.run, fingerprint: 'others' } } }
  const apart = questionsPage([frozen, others]).split('## Not answered')[1]
  assert.match(apart, asked, 'other kernels are no counterpart')
  const longer = { ...frozen.results.run, config: { ...config, epochs: 99 } }
  const changed = { ...frozen, results: { ...frozen.results, run: longer } }
  assert.match(questionsPage([changed, whole]).split('## Not answered')[1], asked, 'nor is another training')
})

test.run()
