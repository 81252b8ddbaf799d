// A study's report as a reader meets it on a phone that runs no script: nothing to scroll sideways, nothing fetched,
// tables that can be read, in light and dark.
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { htmlReport } from '../../src/report/html.ts'
import { parseResults } from '../../src/report/results.ts'
import { contrast } from '../report/contrast.ts'
import { fakeResults } from '../report/fake.ts'
import { visit, whyNoChromium } from './chromium.ts'

const test = suite('report page')
const check = whyNoChromium ? test.skip : test

const NARROW = { width: 320, height: 640 }
const kept = (study: string) => {
  const file = `docs/results/${study}/results.json`
  return htmlReport(parseResults(JSON.parse(readFileSync(file, 'utf8')), file))
}
const PAGES: Record<string, string> = {
  '/cqkd': htmlReport(fakeResults({ preset: 'standard', seeds: 5, curves: true, failed: true })),
  '/one-seed': htmlReport(fakeResults({ seeds: 1 })),
  '/trikd': kept('trikd-quick'),
  '/mimicry': kept('mimicry-quick'),
}

/** What a reader sees; `page.evaluate` runs whether or not the page itself may run scripts. */
const SEEN = `(() => {
  const shown = (element) => element.checkVisibility() && element.getBoundingClientRect().height > 0
  const style = (element) => getComputedStyle(element)
  const tables = [...document.querySelectorAll('table')]
  const cells = tables.flatMap((table) => [...table.querySelectorAll('td, th')])
  return {
    wide: document.documentElement.scrollWidth,
    tables: tables.length,
    hidden: tables.filter((table) => !shown(table)).map((table) => table.textContent.slice(0, 60)),
    // A table that is wider than the screen scrolls in a box of its own, which the keyboard reaches.
    boxed: tables.every((table) => table.parentElement.tabIndex === 0 && style(table.parentElement).overflowX === 'auto'),
    colours: [...new Set(cells.map((cell) => style(cell).color))],
    sizes: Math.min(...cells.map((cell) => parseFloat(style(cell).fontSize))),
    paper: style(document.body).backgroundColor,
    letters: [...document.querySelectorAll('svg text')].map((text) => {
      const { width } = text.ownerSVGElement.getBoundingClientRect()
      return parseFloat(text.getAttribute('font-size')) * width / text.ownerSVGElement.viewBox.baseVal.width
    }),
  }
})()`

interface Seen {
  wide: number
  tables: number
  hidden: string[]
  boxed: boolean
  colours: string[]
  sizes: number
  paper: string
  letters: number[]
}

/** 'rgb(1, 2, 3)' → '#010203'. */
const hex = (rgb: string) => {
  const parts = rgb.match(/\d+/g)!.slice(0, 3)
  return `#${parts.map((part) => Number(part).toString(16).padStart(2, '0')).join('')}`
}

async function looksRight(page: Page, name: string, colorScheme: string): Promise<void> {
  const where = `${name} ${colorScheme}`
  const first = await page.evaluate<Seen>(SEEN)
  assert.is(first.wide, NARROW.width, `${where} scrolls sideways`)
  assert.ok(first.tables > 3 && first.hidden.length < first.tables, where)
  await page.evaluate(`document.querySelectorAll('details').forEach((each) => { each.open = true })`)
  const { wide, hidden, boxed, colours, sizes, paper, letters } = await page.evaluate<Seen>(SEEN)
  assert.is(wide, NARROW.width, `${where} scrolls sideways with everything open`)
  assert.equal(hidden, [], `${where}: tables that cannot be opened`)
  assert.ok(boxed, where)
  assert.is(contrast(hex(paper), '#ffffff') > 10, colorScheme === 'dark', `${where}: background ${paper}`)
  for (const colour of colours) assert.ok(contrast(hex(colour), hex(paper)) >= 4.5, `${where}: ${colour} on ${paper}`)
  assert.ok(sizes >= 12, `${where}: letters of ${sizes} px`)
  assert.ok(letters.length > 100, `${where}: ${letters.length} texts in figures`)
  const smallest = Math.min(...letters)
  assert.ok(smallest >= 8, `${where}: letters of ${smallest.toFixed(1)} px in a figure`)
}

for (const colorScheme of ['light', 'dark'] as const) {
  check(`reads on 320 px without script and network, ${colorScheme}`, () => {
    const files = { '/': 'nothing yet', ...PAGES }
    return visit({ files, viewport: NARROW, colorScheme, javaScriptEnabled: false }, async (page) => {
      const asked: string[] = []
      page.on('request', (request) => asked.push(new URL(request.url()).pathname))
      const address = page.url()
      for (const [path, html] of Object.entries(PAGES)) {
        assert.not.match(html, /<script|<link rel="(?!icon)|src=|@import|url\((?!#)/)
        await page.goto(new URL(path, address).href)
        await looksRight(page, path, colorScheme)
      }
      assert.equal(asked, Object.keys(PAGES))
    })
  })
}

test.run()
