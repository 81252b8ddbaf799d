// Figures: scales, labels that keep their distance, contrast of the palette, and texts that neither meet nor leave the
// frame.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { calibrate } from '../../src/report/calibration.ts'
import { confusionMatrix, DARKEST, mistakesOf, SHADE } from '../../src/report/confusion.ts'
import {
  curveFigures,
  type Figure,
  reliabilityFigures,
  seedBins,
  sizeFigures,
  teacherFigures,
  temperatureFigures,
} from '../../src/report/figures.ts'
import { confusionFigures, confusionTables } from '../../src/report/figuresConfusion.ts'
import { escapeText, markup } from '../../src/report/markup.ts'
import { INK, MUTED, PAPER, TONES, toneOn } from '../../src/report/palette.ts'
import { reliabilityDiagram } from '../../src/report/reliability.ts'
import { linear, logarithmic, niceTicks, spread, tickDigits } from '../../src/report/scale.ts'
import { lineChart, type Series } from '../../src/report/svg.ts'
import { close } from './check.ts'
import { contrast } from './contrast.ts'
import { fakeResults } from './fake.ts'
import { checkTexts, textBoxes } from './texts.ts'

const test = suite('report/svg')

const documents = {
  quick: fakeResults({ curves: true, failed: true }),
  standard: fakeResults({ preset: 'standard', seeds: 5, curves: true }),
  oneSeed: fakeResults({ seeds: 1 }),
}

for (const [name, results] of Object.entries(documents)) {
  test(`no text of a figure meets another or leaves the frame: ${name}`, () => {
    const all = [sizeFigures, temperatureFigures, reliabilityFigures, teacherFigures, confusionFigures, curveFigures]
    const figures = all.flatMap((draw): Figure[] => draw(results))
    assert.ok(figures.length >= 20, `${figures.length} figures`)
    assert.is(new Set(figures.map(({ id }) => id)).size, figures.length, 'ids are unique')
    for (const figure of figures) checkTexts(figure)
  })
}

test('a figure has title, description, axis labels with units, and a name at every line', () => {
  const [accuracy] = sizeFigures(documents.quick)
  const svg = accuracy.svg.text
  for (const part of ['<title', '<desc', 'role="img"', '>test accuracy, %<', '>image size, px<', '>14<', '>7<']) {
    assert.ok(svg.includes(part), part)
  }
  for (const label of ['supervised', 'calibrated, T 1', 'calibrated, T 4', 'calibrated, T 20', 'raw, T 4', 'DML']) {
    assert.ok(svg.includes(`>${label}</text>`), label)
  }
  assert.match(svg, /<desc[^>]*>test accuracy, % against image size, px\. supervised: 14, 81/)
  assert.not(svg.includes('<style'), 'the page has the style')
  assert.match(sizeFigures(documents.quick, true)[0].svg.text, /<style>.*prefers-color-scheme:dark/)
})

test('many lines are split by teacher into two figures on the same axes', () => {
  const ids = sizeFigures(documents.standard).map(({ id }) => id)
  assert.equal(ids.slice(0, 2), ['accuracy-by-size', 'accuracy-by-size-1'])
  const ticks = (svg: string) => textBoxes(svg).filter(({ text }) => /^\d\d$/.test(text) && Number(text) > 80)
  const [a, b] = sizeFigures(documents.standard).map(({ svg }) => ticks(svg.text).map(({ text }) => text))
  assert.equal(a, b)
})

test('one image size, one method, no numbers: drawn or left out, never broken', () => {
  const { rows } = documents.quick
  const one = sizeFigures({ rows: rows.filter(({ size, method }) => size === 7 && method === 'supervised') })
  assert.is(one.length, 4)
  for (const figure of one) {
    checkTexts(figure)
    assert.not(/NaN|undefined|Infinity/.test(figure.svg.text))
  }
  assert.equal(sizeFigures({ rows: [] }), [])
  assert.equal(temperatureFigures({ rows: rows.filter(({ method }) => method === 'supervised') }), [])
  const blank = rows.map((row) => ({
    ...row,
    accuracy: null,
    ece: null,
    entropy: null,
    seconds: null,
    bins: undefined,
  }))
  assert.equal(sizeFigures({ rows: blank }), [])
  assert.equal(reliabilityFigures({ rows: blank }), [])
  assert.equal(curveFigures({}), [])
})

test('error bars reach from low to high, a window clips the lines', () => {
  const series: Series[] = [
    { label: 'a', tone: 'blue2', dash: 'solid', marker: 'circle', points: [{ x: 1, y: 5, low: 4, high: 6 }] },
  ]
  const chart = { id: 'x', title: 't', description: 'd', x: { label: 'x', kind: 'linear' as const, ticks: [0, 2] } }
  const svg = lineChart({ ...chart, y: { label: 'y', include: [0, 10] }, series })!.text
  const bar = svg.match(/d="M([\d.]+) ([\d.]+)h5M[\d.]+ [\d.]+V([\d.]+)/)!
  const [top, bottom] = [54, 280 - 44]
  close(Number(bar[2]), bottom - 0.4 * (bottom - top), 0.01)
  close(Number(bar[3]), bottom - 0.6 * (bottom - top), 0.01)
  assert.match(lineChart({ ...chart, y: { label: 'y', window: [4, 6] }, series })!.text, /clip-path="url\(#x-c\)"/)
  assert.is(lineChart({ ...chart, y: { label: 'y' }, series: [] }), null)
})

test('reliability: bars at the accuracy, orange where too sure, purple where too modest', () => {
  const sure = calibrate([0.9, 0.9, 0.9, 0.9], [1, 0, 1, 0]).bins
  const modest = calibrate([0.3, 0.3, 0.3, 0.3], [1, 0, 1, 0]).bins
  const draw = (runs: (typeof sure)[]) => reliabilityDiagram({ id: 'r', title: 't', subtitle: 's', runs })
  const svg = draw([sure])!.text
  assert.match(svg, /wd-orange2/)
  assert.not.match(svg, /wd-purple2/)
  assert.match(svg, /ECE 40\.00 %/)
  assert.match(svg, /gap \+40\.0/)
  assert.match(svg, /Confidence 0\.90: accuracy 0\.50, 4 pictures/)
  assert.match(draw([modest])!.text, /wd-purple2/)
  assert.match(draw([modest])!.text, /gap −20\.0/)
  assert.is(draw([]), null)
  assert.is(draw([calibrate([], []).bins]), null)
  checkTexts({ id: 'r', svg: draw([modest])! })
})

test('members of one cohort are one run of a reliability diagram', () => {
  const [a, b] = [calibrate([0.9, 0.9], [1, 0]).bins, calibrate([0.9, 0.9], [1, 1]).bins]
  const [row] = fakeResults({ seeds: 1 }).rows
  const rows = [a, b].flatMap((bins, seed) => [0, 1].map((member) => ({ ...row, seed, member, bins })))
  const found = seedBins([...rows, { ...row, seed: 2, status: 'failed' as const, bins: a }])
  assert.equal(
    found.map((bins) => bins.filter(({ count }) => count).map(({ count, accuracy }) => [count, accuracy])),
    [[[4, 0.5]], [[4, 1]]],
  )
})

test('confusion: the last row of the main method beside supervised training, runs summed, also as a table', () => {
  const { rows, run } = documents.quick
  const ids = confusionFigures({ rows, run }).map(({ id }) => id)
  assert.equal(ids, ['confusion-supervised-14', 'confusion-cqkd-14', 'confusion-supervised-7', 'confusion-cqkd-7'])
  const own = rows.filter(({ size, method, temperature, teacher, status }) => {
    return size === 14 && method === 'cqkd' && temperature === 20 && teacher === 'calibrated' && status === 'ok'
  })
  assert.is(own.length, 3)
  const sum = (i: number, j: number) => own.reduce((total, { confusion }) => total + confusion![i][j], 0)
  const classes = Array.from({ length: 10 }, (_, i) => `class ${i}`)
  const table = confusionTables({ rows, run: { ...run, classes } })[1]
  assert.is(table.title, 'CQKD calibrated, T = 20, 14 px')
  assert.is(table.caption, '14 px, 3 runs, 30,000 answers')
  assert.equal(table.head.slice(1), classes)
  assert.equal(table.blocks[0].rows[2].slice(0, 5), [
    'class 2',
    ...[0, 1, 2, 3].map((j) => sum(2, j).toLocaleString('en')),
  ])
  const { svg } = confusionFigures({ rows, run: { ...run, classes } })[1]
  assert.match(svg.text, `>${sum(2, 3)}</text>`)
  assert.match(svg.text, /<desc[^>]*>Confusion matrix\. Right by class: class 0 \d\d\.\d %, class 1 /)
  assert.is(svg.text.match(/stroke-width="1.2"/g)?.length, 10, 'the right answers are framed')
  // Without counts, as in older cells, there is nothing; with many classes there are the most frequent mistakes.
  const older = rows.map(({ confusion, ...row }) => row)
  assert.equal([confusionFigures({ rows: older, run }), confusionTables({ rows: older, run })], [[], []])
  const counts = Array.from({ length: 30 }, (_, i) =>
    Array.from({ length: 30 }, (_, j) => (i === j ? 50 : i === 7 ? j : 0)),
  )
  const many = { run, rows: rows.map((row) => ({ ...row, confusion: counts })) }
  assert.equal(confusionFigures(many), [])
  const [first] = confusionTables(many)
  assert.equal(first.blocks[0].rows[0], ['7', '29', '87', '6.1'])
  assert.is(first.blocks[0].rows.length, 20)
})

test('confusion: long names are cut, large counts fit their cells, a class without pictures is none', () => {
  const classes = ['x', 'a very long name of a class of pictures', 'z']
  const counts = [
    [123456, 1, 0],
    [0, 7, 2],
    [0, 0, 0],
  ]
  const svg = confusionMatrix({ id: 'c', title: 't', subtitle: 's', classes, counts })
  checkTexts({ id: 'c', svg })
  assert.match(svg.text, />a very lo[^<]{0,6}…</)
  const box = textBoxes(svg.text).find(({ text }) => text === '123456')!
  assert.ok(box.right - box.left <= 30)
  assert.match(svg.text, 'z none. Most frequent mistakes: a very long name of a class of pictures for z 2')
  assert.equal(
    mistakesOf(counts).map(({ of, as, count }) => [of, as, count]),
    [
      [1, 2, 2],
      [0, 1, 1],
    ],
  )
})

test('ticks are round and cover the values', () => {
  assert.equal(niceTicks(0, 10), [0, 2, 4, 6, 8, 10])
  for (const [low, high] of [
    [Infinity, -Infinity],
    [NaN, 1],
    [5e-324, 5e-324],
    [3, 3],
  ])
    assert.ok(niceTicks(low, high).length < 20)
  assert.equal(niceTicks(80.9, 83.7), [80, 81, 82, 83, 84])
  assert.equal(niceTicks(-0.03, 0.04), [-0.04, -0.02, 0, 0.02, 0.04])
  for (const [low, high] of [
    [0.1, 0.7],
    [1e-6, 3e-6],
    [12, 12],
    [0, 0],
    [-5, 1234],
  ]) {
    const ticks = niceTicks(low, high)
    assert.ok(ticks[0] <= low && ticks[ticks.length - 1] >= high, `${low} … ${high}: ${ticks}`)
    assert.ok(ticks.length >= 2 && ticks.length <= 12, `${ticks}`)
  }
  assert.equal([tickDigits([0, 2.5, 5]), tickDigits([0, 0.05]), tickDigits([10, 20]), tickDigits([1])], [1, 2, 0, 0])
  close(linear([0, 10], 100, 0).at(2.5), 75)
  close(logarithmic([7, 14, 28], 0, 100, 10).at(14), 50)
  close(logarithmic([14], 0, 100, 10).at(14), 50)
})

test('labels move apart as little as needed, keep their order and stay inside', () => {
  assert.equal(spread([10, 50], 14, 0, 100), [10, 50])
  assert.equal(spread([50, 50, 50], 10, 0, 100), [40, 50, 60])
  assert.equal(spread([99, 98], 10, 0, 100), [100, 90])
  const places = spread([5, 7, 6, 90, 91, 40], 14, 0, 100)
  const sorted = [...places].sort((a, b) => a - b)
  for (let i = 1; i < sorted.length; i++) assert.ok(sorted[i] - sorted[i - 1] >= 14 - 1e-9)
  assert.ok(sorted[0] >= 0 && sorted[5] <= 100)
  assert.ok(places[0] < places[2] && places[2] < places[1])
})

/** A colour over another one, at an opacity. */
function mixed(over: string, under: string, opacity: number): string {
  const parts = [1, 3, 5].map((i) => {
    const [a, b] = [over, under].map((hex) => Number.parseInt(hex.slice(i, i + 2), 16))
    const mean = Math.round(opacity * a + (1 - opacity) * b)
    return mean.toString(16).padStart(2, '0')
  })
  return `#${parts.join('')}`
}

test('lines contrast 3 : 1 with the background, texts 4.5 : 1, in light and dark', () => {
  for (const side of [0, 1] as const) {
    for (const [name, tone] of Object.entries(TONES)) {
      const found = contrast(tone[side], PAPER[side])
      assert.ok(found >= 3, `${name} ${side ? 'dark' : 'light'}: ${found.toFixed(2)}`)
    }
    for (const text of [INK, MUTED]) assert.ok(contrast(text[side], PAPER[side]) >= 4.5)
    const found = contrast(INK[side], mixed(TONES[SHADE][side], PAPER[side], DARKEST))
    assert.ok(found >= 4.5, `on the darkest cell of a confusion matrix ${found.toFixed(2)}`)
  }
  assert.equal(
    [toneOn('blue', 0, 5), toneOn('blue', 4, 5), toneOn('blue', 1, 3), toneOn('blue')],
    ['blue0', 'blue4', 'blue2', 'blue2'],
  )
})

test('whatever is put into markup is escaped, unless it is markup', () => {
  const bad = `<script>"&'`
  assert.is(
    markup`<p title="${bad}">${[bad, markup`<b>${1}</b>`, null, false]}</p>`.text,
    '<p title="&lt;script&gt;&quot;&amp;&#39;">&lt;script&gt;&quot;&amp;&#39;<b>1</b></p>',
  )
  assert.is(escapeText('a\u0000b\ud800c'), 'a\ufffdb\ufffdc')
})

test.run()
