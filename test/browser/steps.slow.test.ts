// Training in Chromium against training in Node.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { whyNoChromium } from './chromium.ts'
import { inBrowser, inNode } from './run.ts'

const test = suite('browser training')
const check = whyNoChromium ? test.skip : test

check('ten steps of ResNet-8 give the losses that Node gives, both on SwiftShader', async () => {
  const [browser, node] = await Promise.all([inBrowser('tenSteps'), inNode()])
  assert.match(node.adapter, /swiftshader/i)
  const [got, want] = [browser.result as number[], node.result as number[]]
  assert.is(got.length, 10)
  const apart = got.map((loss, i) => Math.abs(loss - want[i]) / Math.abs(want[i]))
  const message = `losses ${got} in Chromium, ${want} in Node`
  assert.ok(apart[0] <= 1e-6 && apart[9] <= 1e-4, message)
  assert.ok(want[9] < 0.8 * want[0], `it learns: ${want}`)
})

test.run()
