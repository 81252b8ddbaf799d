// The kernel bench as a page, as a person meets it.
import { resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseResults } from '../../src/bench/compare.ts'
import { fromFragment } from '../../src/bench/share.ts'
import { visit, whyNoChromium } from './chromium.ts'

const test = suite('bench page')
const check = whyNoChromium ? test.skip : test

/** Opens the page on a narrow screen; fails on whatever it throws, and on whatever it asks the network for. */
async function open(work: (page: Page, address: string) => Promise<void>): Promise<void> {
  const { benchPage } = await import(resolve('build.mjs'))
  await visit({ files: { '/': await benchPage() }, viewport: { width: 320, height: 640 } }, async (page) => {
    const faults: string[] = []
    const address = page.url()
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('request', (request) => request.url().startsWith(`${address}?`) || faults.push(request.url()))
    await page.goto('about:blank')
    faults.length = 0
    await work(page, address)
    assert.equal(faults, [])
  })
}

const text = async (page: Page, selector: string) => ((await page.textContent(selector)) ?? '').trim()
/** Waits until the element says so. */
const says = (page: Page, selector: string, has: RegExp) =>
  page.locator(selector).filter({ hasText: has }).waitFor({ timeout: 120_000 })
const told = (page: Page, has: RegExp) => says(page, '#status', has)
const wide = (page: Page) => page.evaluate('document.documentElement.scrollWidth')

check('runs by keyboard, checks and times, and gives the result as JSON, as Markdown and as a link', () =>
  open(async (page, address) => {
    await page.goto(`${address}?op=relu&shape=3x2x5x5&rounds=2`)
    await told(page, /^Ready, on .*swiftshader/)
    await page.focus('#set')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await told(page, /^The adapter's peaks/)
    assert.is(await text(page, '#go'), 'Cancel')
    await told(page, /^Done in \d+ s\.$/)
    assert.equal(await page.$$eval('#table .group', (rows) => rows.map((row) => row.textContent)), [
      'relu forward',
      'relu backward',
    ])
    assert.match(await text(page, '#table tbody tr:nth-child(2)'), /^3x2x5x5\d/)
    assert.match(await text(page, '#adapter'), /swiftshader/)
    assert.is(await wide(page), 320)

    await page.click('#json')
    // The refusal comes a moment after the click.
    await says(page, '#copied', /JSON is in the field below, selected\.$/)
    const results = parseResults(await page.inputValue('#text'), 'copied')
    assert.equal(
      results.kernels.map(({ name, check }) => [name, check.ok]),
      [
        ['relu forward 3x2x5x5', true],
        ['relu backward 3x2x5x5', true],
      ],
    )
    assert.ok(results.peaks.gflops > 0 && results.peaks.gbs > 0 && results.kernels[0].wall!.n === 2)
    assert.match(results.userAgent!, /HeadlessChrome/)
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.click('#markdown')
    await says(page, '#copied', /^Markdown copied/)
    assert.match(await page.evaluate<string>('navigator.clipboard.readText()'), /\| relu backward 3x2x5x5 \|/)
    const link = page.url()
    const shared = await fromFragment(new URL(link).hash)
    assert.is(shared.kernels[1].name, 'relu backward 3x2x5x5')
    assert.is(shared.adapter, results.adapter)

    // Whoever opens the link needs no WebGPU, and runs nothing.
    await page.addInitScript(`delete Navigator.prototype.gpu`)
    await page.goto('about:blank')
    await page.goto(link)
    await page.waitForSelector('#missing:visible')
    assert.match(await text(page, '#why'), /^This browser has no WebGPU/)
    assert.ok(await page.isVisible('#shared'))
    assert.is(await text(page, '#adapter'), `${results.adapter} (software)`)
    assert.is((await page.$$('#table tbody tr')).length, 4)
    assert.is(await page.isVisible('#works'), false)
    await page.evaluate(`location.hash = '#r1=AAAA'`)
    await page.waitForSelector('#broken:visible')
    assert.match(await text(page, '#whyBroken'), /^This link holds no result that can be shown: /)
    assert.is(await page.isVisible('#result'), false)
  }),
)

check('a kernel of a person is checked, and timed beside ours', () =>
  open(async (page, address) => {
    await page.goto(`${address}?rounds=1`)
    await told(page, /^Ready/)
    await page.click('summary')
    await page.selectOption('#case', 'conv2d dX')
    await page.fill('#shape', '3x2x5x6:4:3/2')
    await page.click('#try')
    await told(page, /^Done in \d+ s\. gather\.wgsl takes \d+\.\d\d times as long as ours\.$/)
    assert.match(await text(page, '#table tbody tr:nth-child(3) th'), /gather\.wgsl$/)
    await page.fill('#source', (await page.inputValue('#source')).replace('dx[i] = sum', 'dx[i] = 2.0 * sum'))
    await page.click('#try')
    await told(page, /computes something else, so it was not timed/)
    assert.match(await text(page, '#table tbody tr:nth-child(3) .wrong'), /^WRONG/)
    await page.fill('#source', 'fn nothing() {}')
    await page.click('#try')
    assert.match(await text(page, '#trouble'), /^yours\.wgsl: needs one @compute entry point/)
  }),
)

check('cancels; says plainly that the GPU went away, that there is none, that the address is wrong', () =>
  open(async (page, address) => {
    await page.goto(`${address}?op=relu&shape=3x2x5x5`)
    await told(page, /^Ready/)
    await page.click('#go')
    await told(page, /peaks/)
    await page.click('#go')
    await told(page, /^Cancelled\. Nothing was kept\.$/)
    assert.is(await text(page, '#go'), 'Run')
    assert.is(await page.isVisible('#result'), false)

    await page.evaluate(`{
      const request = GPUAdapter.prototype.requestDevice
      GPUAdapter.prototype.requestDevice = async function (...options) {
        const device = await request.apply(this, options)
        setTimeout(() => device.destroy(), 300)
        return device
      }
    }`)
    await page.click('#go')
    await told(page, /^The GPU was taken away while it was at .*Close other tabs/)

    await page.goto(`${address}?op=relu&shape=3x2`)
    await page.waitForSelector('#missing:visible')
    assert.match(await text(page, '#why'), /^Shape 3x2: relu takes NxCxHxW/)
    await page.addInitScript(`navigator.gpu.requestAdapter = async () => null`)
    await page.goto(`${address}?rounds=1`)
    await page.waitForSelector('#missing:visible')
    assert.match(await text(page, '#why'), /offers no WebGPU adapter.*restarting the browser/)
  }),
)

test.run()
