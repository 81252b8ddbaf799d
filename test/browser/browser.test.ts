// The same engine in a real headless Chromium.
import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { allclose } from '../check.ts'
import { visit, whyNoChromium } from './chromium.ts'
import { shapes, values } from './program.ts'

const test = suite('browser')
const check = whyNoChromium ? test.skip : test

/** Bundles the page from the sources, so that it is never stale, and calls one of its programs. */
async function inBrowser(name: string): Promise<{ adapter: string; result: never }> {
  const { forBrowser } = await import(resolve('build.mjs'))
  const options = { ...forBrowser(), entryPoints: ['test/browser/page.ts'], write: false as const }
  const { outputFiles = [] } = await build(options)
  const files = { '/': '<script type="module" src="page.js"></script>', '/page.js': outputFiles[0].text }
  return visit({ files }, (page) => page.evaluate(`run(${JSON.stringify(name)})`))
}

/** Bundles the program for Node and runs it in a child, on SwiftShader. */
async function inNode(): Promise<{ adapter: string; result: never }> {
  const { common } = await import(resolve('build.mjs'))
  const outfile = resolve('.test-build', `browser-${process.pid}.mjs`)
  try {
    await build({ ...common(), entryPoints: ['test/browser/node.ts'], platform: 'node', packages: 'external', outfile })
    const { stdout } = await promisify(execFile)(process.execPath, [outfile, 'swiftshader'])
    return JSON.parse(stdout)
  } finally {
    rmSync(outfile, { force: true })
  }
}

/** relu(conv2d) in float64 with the gradient of its sum for w: stride 2, padding 1. */
function reference() {
  const [[n, c, h, w], [k]] = [shapes.x, shapes.w]
  const [oh, ow] = [Math.floor((h - 1) / 2) + 1, Math.floor((w - 1) / 2) + 1]
  const [x, weight, bias] = [values(n * c * h * w, 1), values(k * c * 9, 2), values(k, 3)]
  const y = new Float64Array(n * k * oh * ow)
  const dw = new Float64Array(weight.length)
  for (let at = 0; at < y.length; at++) {
    const [j, i, o, b] = [
      at % ow,
      Math.floor(at / ow) % oh,
      Math.floor(at / (ow * oh)) % k,
      Math.floor(at / (ow * oh * k)),
    ]
    const taps: [number, number][] = []
    for (let t = 0; t < c * 9; t++) {
      const [row, column] = [2 * i - 1 + (Math.floor(t / 3) % 3), 2 * j - 1 + (t % 3)]
      if (row < 0 || row >= h || column < 0 || column >= w) continue
      taps.push([o * c * 9 + t, ((b * c + Math.floor(t / 9)) * h + row) * w + column])
    }
    y[at] = Math.max(
      0,
      taps.reduce((sum, [p, q]) => sum + weight[p] * x[q], bias[o]),
    )
    if (y[at] > 0) for (const [p, q] of taps) dw[p] += x[q]
  }
  return { y, dw }
}

check('convolution and relu agree with float64 in Chromium, forward and backward', async () => {
  const { adapter, result } = await inBrowser('convolution')
  assert.match(adapter, /swiftshader/i)
  const { y, dw } = result as { y: number[]; dw: number[] }
  const want = reference()
  allclose(y, want.y, {}, 'y')
  allclose(dw, want.dw, {}, 'dw')
})

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
