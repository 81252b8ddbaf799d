// Runs the shared program in Chromium and in a Node process of its own.
import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { visit } from './chromium.ts'

/** Bundles the page from the sources, so that it is never stale, and calls one of its programs with `input`. */
export async function inBrowser(
  name: string,
  input: Record<string, string> = {},
): Promise<{ adapter: string; result: never }> {
  const { forBrowser } = await import(resolve('build.mjs'))
  const options = { ...forBrowser(), entryPoints: ['test/browser/page.ts'], write: false as const }
  const { outputFiles = [] } = await build(options)
  const files = { '/': '<script type="module" src="page.js"></script>', '/page.js': outputFiles[0].text }
  return visit({ files }, (page) => page.evaluate(`run(${JSON.stringify(name)}, ${JSON.stringify(input)})`))
}

/** Bundles the program for Node and runs it in a child, on SwiftShader. */
export async function inNode(): Promise<{ adapter: string; result: never }> {
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
