// The reports of the studies on file: figures are readable, no two lines of one look alike, names are explained.
import { readdirSync, readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { curveFigures } from '../../src/report/figures.ts'
import { mainFigures } from '../../src/report/figuresOf.ts'
import { glossary } from '../../src/report/glossary.ts'
import { groupRows, methodName } from '../../src/report/groups.ts'
import { htmlReport } from '../../src/report/html.ts'
import { escapeText } from '../../src/report/markup.ts'
import { parseResults } from '../../src/report/results.ts'
import { markdownReport } from '../../src/report/tableText.ts'
import { checkTexts } from './texts.ts'

const test = suite('reports on file')

for (const study of readdirSync('docs/results')) {
  test(study, () => {
    const file = `docs/results/${study}/results.json`
    const results = parseResults(JSON.parse(readFileSync(file, 'utf8')), file)
    const { figures, byTemperature } = mainFigures(results)
    assert.ok(figures.length > 2, `${figures.length} figures`)
    for (const figure of [...figures, ...byTemperature, ...curveFigures(results)]) checkTexts(figure)
    for (const { id, svg } of [...figures, ...byTemperature]) {
      // Tone and shape of every marker beside a name.
      const looks = [...svg.text.matchAll(/<g class="wd-(\w+)"><path [^>]*wd-tie[^>]*\/><path d="([^"]+)" transform/g)]
      const told = looks.map(([, tone, shape]) => `${tone} ${shape}`)
      assert.equal(told, [...new Set(told)], `${id}: two lines look alike`)
    }
  })
}

test('the names of a table are explained: those that occur in it, every method among them', () => {
  const names = (study: string) => {
    const file = `docs/results/${study}/results.json`
    const results = parseResults(JSON.parse(readFileSync(file, 'utf8')), file)
    const terms = glossary(results)
    for (const [name, meaning] of terms) assert.ok(meaning.length > 10, name)
    const page = htmlReport(results)
    for (const [name] of terms) assert.ok(page.includes(`<dt>${escapeText(name)}</dt>`), name)
    assert.match(markdownReport(results), /^- \*\*ECE\*\*: expected calibration error/m)
    const methods = new Set(groupRows(results.rows).map(({ method }) => method))
    assert.is(terms.filter(([name]) => [...methods].some((method) => methodName(method) === name)).length, methods.size)
    return terms.map(([name]) => name)
  }
  const cqkd = names('cqkd-quick')
  const teachers = ['raw', 'calibrated', 'same size, own view']
  assert.equal(cqkd, ['supervised', 'CQKD', 'DML', ...teachers, 'T', 'n', 'ECE', 'entropy'])
  const standard = names('trikd-standard')
  for (const name of ['anchor alone', 'ablation', 'gen.', 'teacher 32']) assert.ok(standard.includes(name), name)
  assert.ok(names('mimicry-quick').includes('budget'))
  assert.equal(names('rivals-quick').slice(0, 4), ['supervised', 'label smoothing', 'KD', 'DML'])
})

test.run()
