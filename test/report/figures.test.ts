// The figures of the studies on file: readable, and no two lines of one look alike.
import { readdirSync, readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { curveFigures } from '../../src/report/figures.ts'
import { mainFigures } from '../../src/report/figuresOf.ts'
import { parseResults } from '../../src/report/results.ts'
import { checkTexts } from './texts.ts'

const test = suite('report/figures on file')

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

test.run()
