// Runs every test file in one process, on one device, and ends with `N passed, N failed, N skipped`.
//   node test/run.mjs [--quick] [--adapter NAME] [part of a file name …]
// All files are bundled together with code splitting, so that they share one copy of src/ and one engine. A file that
// registers no test, or fails to load, fails the run. `*.slow.test.ts` are left out by --quick.
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { common } from '../build.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const args = process.argv.slice(2)
const quick = args.includes('--quick')
const at = args.indexOf('--adapter')
if (at >= 0) process.env.WEBGPU_DISTILL_ADAPTER = args[at + 1]
const wanted = args.filter((a, i) => !a.startsWith('--') && !(at >= 0 && i === at + 1))

const files = readdirSync(join(root, 'test'), { recursive: true, withFileTypes: true })
  .filter((e) => e.isFile() && e.name.endsWith('.test.ts'))
  .map((e) => relative(root, join(e.parentPath ?? e.path, e.name)))
  .filter((f) => !(quick && f.endsWith('.slow.test.ts')))
  .filter((f) => wanted.length === 0 || wanted.some((w) => f.includes(w)))
  .sort()
if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(' ') || 'test/**/*.test.ts'}`)
  process.exit(2)
}

// A folder of its own per run: two runs side by side must not overwrite each other's bundles.
const out = join(root, '.test-build', `suite-${process.pid}`)
mkdirSync(out, { recursive: true })
process.on('exit', () => rmSync(out, { recursive: true, force: true }))
await build({
  ...common(),
  entryPoints: files,
  outdir: out,
  outbase: root,
  outExtension: { '.js': '.mjs' },
  splitting: true,
  platform: 'node',
  packages: 'external',
  sourcemap: 'inline',
})
process.setSourceMapsEnabled(true)

globalThis.UVU_DEFER = 1
await import('uvu')
const queue = globalThis.UVU_QUEUE
const total = { passed: 0, failed: 0, skipped: 0 }
const broken = []
const started = performance.now()
const patience = 10 * 60_000

function giveUp(file) {
  console.error(`  ${file} has run for ${patience / 60_000} minutes: given up`)
  process.stdout.write(`${total.passed} passed, ${total.failed + 1} failed, ${total.skipped} skipped\n`)
  process.exit(1)
}

for (const [index, file] of files.entries()) {
  globalThis.UVU_INDEX = index
  queue[index] = [file]
  const begun = performance.now()
  process.stdout.write(`${file}\n`)
  // A device that never answers must not hold up whoever waits for the run.
  const watchdog = setTimeout(() => giveUp(file), patience)
  try {
    await import(pathToFileURL(join(out, file.replace(/\.ts$/, '.mjs'))).href)
  } catch (error) {
    broken.push(file)
    console.error(`  could not be loaded: ${error?.stack ?? error}`)
    total.failed++
    clearTimeout(watchdog)
    continue
  }
  const suites = queue[index].slice(1)
  let ran = 0
  for (const run of suites) {
    const [errors, passed, skipped, of] = await run()
    if (errors !== true) process.stdout.write(`\n${errors}\n`)
    total.passed += passed
    total.failed += of - passed
    total.skipped += skipped
    ran += of + skipped
  }
  if (ran === 0) {
    broken.push(file)
    total.failed++
    console.error(`  ${basename(file)} registered no test; does it end with .run()?`)
  }
  clearTimeout(watchdog)
  process.stdout.write(`  ${((performance.now() - begun) / 1000).toFixed(1)} s\n`)
}

// Files that opened something (the shared engine) close it here.
for (const close of globalThis.TEST_CLOSERS ?? []) await close()
process.stdout.write(`\n${((performance.now() - started) / 1000).toFixed(1)} s\n`)
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`)
process.exitCode = total.failed > 0 ? 1 : 0
