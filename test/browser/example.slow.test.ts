// The page of examples/browser, as a person sees it.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { build } from 'esbuild'
import type { Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { visit, whyNoChromium } from './chromium.ts'

const test = suite('example page')
const check = whyNoChromium ? test.skip : test

async function open<T>(work: (page: Page) => Promise<T>): Promise<T> {
  const { forBrowser } = await import(resolve('build.mjs'))
  const { outputFiles = [] } = await build({ ...forBrowser(), entryPoints: ['examples/browser/main.ts'], write: false })
  const files = { '/': readFileSync('examples/browser/index.html', 'utf8'), '/main.js': outputFiles[0].text }
  return visit({ files }, work)
}

check('trains, draws the loss and tells the test accuracy; says plainly where WebGPU is missing', () =>
  open(async (page) => {
    const faults: string[] = []
    page.on('pageerror', (error) => faults.push(error.message))
    const address = page.url()
    await page.goto(`${address}?epochs=1&pictures=64&test=50`)
    await page.waitForSelector('text=/Ready, on .*swiftshader/')
    await page.click('#go')
    await page.waitForSelector('text=/^Done in/', { timeout: 240_000 })
    assert.match((await page.textContent('#loss')) ?? '', /^\d\.\d{3}$/)
    assert.match((await page.textContent('#test')) ?? '', /^\d+\.\d %$/)
    assert.match((await page.getAttribute('#chart .loss', 'd')) ?? '', /^M.*L/)
    assert.is(await page.isVisible('#missing'), false)

    await page.addInitScript(`Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined })`)
    await page.goto(address)
    await page.waitForSelector('#missing:visible')
    assert.match((await page.textContent('#why')) ?? '', /no WebGPU/)
    assert.is(await page.isVisible('#go'), false)
    assert.equal(faults, [])
  }),
)

test.run()
