// What concerns a whole process: its terminal, its exit code, its cache. Tried in child processes.

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ListedAdapter } from '../src/node/adapterList.ts'
import { install } from '../src/node/cache.ts'
import { cachedLavapipe } from '../src/node/lavapipe.ts'
import { swiftshaderArchive } from '../src/node/swiftshader.ts'

const adapter = suite('adapter, whole processes')
const work = mkdtempSync(join(tmpdir(), 'adapter-test-'))
const linux = process.platform === 'linux'
const swiftshader = linux && process.arch === 'x64' && swiftshaderArchive() !== undefined

const withSwiftshader = swiftshader ? adapter : adapter.skip
const onLinux = linux && ['x64', 'arm64'].includes(process.arch) ? adapter : adapter.skip
const none = () => assert.unreachable('should have failed')

/** The adapter code as a module that a child process can import; it lies in the repository to find `webgpu`. */
let moduleFolder = ''

function repository(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'node_modules'))) folder = dirname(folder)
  return folder
}

adapter.before(async () => {
  mkdirSync(join(repository(), '.test-build'), { recursive: true })
  moduleFolder = mkdtempSync(join(repository(), '.test-build', 'adapter-'))
  const contents = ['adapter', 'cache', 'adapterList', 'quiet']
    .map((name) => `export * from './src/node/${name}.ts'`)
    .join('\n')
  await build({
    stdin: { contents, resolveDir: repository() },
    outfile: join(moduleFolder, 'adapter.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  })
})

adapter.after(() => {
  rmSync(moduleFolder, { recursive: true, force: true })
  rmSync(work, { recursive: true, force: true })
})

interface Ended {
  code: number | null
  signal: string | null
  out: string
  err: string
  /** Milliseconds from the signal, or from the word `ready` on the output, to the end. */
  lasted: number
}

/** Runs a script with the adapter code in scope as `lib`; sends `kill` once it has written `ready`. */
function child(script: string, env: NodeJS.ProcessEnv = {}, kill?: NodeJS.Signals): Promise<Ended> {
  const file = join(moduleFolder, `${Math.random().toString(36).slice(2)}.mjs`)
  writeFileSync(file, `import * as lib from './adapter.mjs'\n${script}\n`)
  return new Promise((done) => {
    const started = spawn(process.execPath, [file], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const ended: Ended = { code: null, signal: null, out: '', err: '', lasted: 0 }
    let since = Date.now()
    started.stderr.on('data', (data) => (ended.err += data))
    started.stdout.on('data', (data) => {
      ended.out += data
      if (!ended.out.includes('ready')) return
      since = Date.now()
      if (kill) started.kill(kill)
    })
    started.on('close', (code, signal) => done({ ...ended, code, signal, lasted: Date.now() - since }))
  })
}

const open =
  'const { adapter } = await lib.openAdapter({ log: console.log }); const device = await adapter.requestDevice()'

// A machine on which only SwiftShader is left, with an apt-get that betrays itself when it runs.
function bare(name: string): { env: NodeJS.ProcessEnv; cache: string; ran: () => boolean } {
  const folder = join(work, name)
  const cache = join(folder, 'cache')
  const mark = join(folder, 'ran')
  mkdirSync(join(folder, 'bin'), { recursive: true })
  for (const program of ['apt-get', 'dpkg-deb']) {
    const script = `#!/bin/sh\necho ran > ${mark}\necho 'E: the mirror is down' >&2\nexit 100\n`
    writeFileSync(join(folder, 'bin', program), script, { mode: 0o755 })
  }
  const env = {
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    WEBGPU_DISTILL_CACHE: cache,
    WEBGPU_DISTILL_OFFLINE: '',
    VK_DRIVER_FILES: '/nowhere.json',
    VK_ICD_FILENAMES: '/nowhere.json',
  }
  return { env, cache, ran: () => existsSync(mark) }
}

const report = 'console.log(opened.kind, opened.software, opened.origin, opened.name.length > 0)'

adapter('installs the same folder from two processes', async () => {
  const folder = join(work, 'cache-2', 'thing')
  const script = `import fs from 'node:fs'
await lib.install(${JSON.stringify(folder)}, async (temporary) => {
  for (let i = 0; i < 20; i++) { fs.writeFileSync(temporary + '/' + i, 'x'); await new Promise((done) => setTimeout(done, 5)) }
})
console.log(fs.readdirSync(${JSON.stringify(folder)}).length)`
  const ended = await Promise.all([child(script), child(script)])
  assert.equal(
    ended.map((each) => [each.code, each.out, each.err]),
    [0, 0].map((code) => [code, '20\n', '']),
  )
  assert.equal(readdirSync(dirname(folder)), ['thing'])
})

adapter('leaves nothing half-made behind', async () => {
  const parent = join(work, 'cache-3')
  const folder = join(parent, 'thing')
  const failing = install(folder, async () => {
    throw new Error('no')
  })
  await failing.then(none, (error) => assert.is(error.message, 'no'))
  assert.equal(readdirSync(parent), [])
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const script = `await lib.install(${JSON.stringify(folder)}, async () => { console.log('ready'); await new Promise(() => setTimeout(() => {}, 9999)) })`
    const ended = await child(script, {}, signal)
    assert.is(ended.signal, signal)
    assert.equal(readdirSync(parent), [])
  }
  // What a process left that could not clean up: its number is taken by nobody.
  mkdirSync(join(parent, '.new-4194399-abc'))
  await install(folder, async () => {})
  assert.equal(readdirSync(parent), ['thing'])
})

adapter('says how to get the package webgpu where it is absent', async () => {
  const lonely = mkdtempSync(join(work, 'lonely-'))
  writeFileSync(join(lonely, 'adapter.mjs'), readFileSync(join(moduleFolder, 'adapter.mjs')))
  const home = moduleFolder
  moduleFolder = lonely
  const ended = await child('await lib.openAdapter().catch((error) => console.log(error.code, error.message))')
  moduleFolder = home
  assert.match(ended.out, /^adapter .*npm install webgpu\n$/)
})

withSwiftshader('never downloads offline, nor unless it is told to', async () => {
  const cases: [string, NodeJS.ProcessEnv][] = [
    ['{ fetchLavapipe: true, offline: true }', {}],
    ['{ fetchLavapipe: true }', { WEBGPU_DISTILL_OFFLINE: '1' }],
    ['{}', {}],
  ]
  for (const [i, [options, env]] of cases.entries()) {
    const machine = bare(`offline-${i}`)
    const ended = await child(`const opened = await lib.openAdapter(${options}); ${report}`, { ...machine.env, ...env })
    assert.is(ended.err, '')
    assert.is(ended.out, 'swiftshader true package true\n')
    assert.not(machine.ran())
  }
})

withSwiftshader('says why a fetch failed, in one line, and goes on with SwiftShader', async () => {
  const machine = bare('failing')
  const script = `const opened = await lib.openAdapter({ fetchLavapipe: true, log: console.log }); ${report}`
  const ended = await child(script, machine.env)
  assert.ok(machine.ran())
  const lines = ended.out.trim().split('\n')
  assert.is(lines.length, 4)
  assert.match(lines[0], /^no GPU driver here: fetching lavapipe/)
  assert.match(lines[1], /^lavapipe cannot be had, SwiftShader serves instead: .+/)
  assert.match(lines[2], /^adapter: SwiftShader.*, software, from @sparticuz\/chromium$/)
  assert.is(lines[3], 'swiftshader true package true')
  assert.is(ended.err, '')
  assert.equal(
    readdirSync(machine.cache).filter((name) => !name.startsWith('swiftshader-')),
    [],
  )
})

withSwiftshader('writes nothing but its one line, on any adapter, and lets through what comes later', async () => {
  const kinds = ['swiftshader', ...(cachedLavapipe() ? ['lavapipe', 'auto'] : [])]
  for (const kind of kinds) {
    const script = `import fs from 'node:fs'
const { adapter } = await lib.openAdapter({ adapter: '${kind}', log: console.log })
await adapter.requestDevice()
fs.writeSync(2, 'later\\n')
console.error('last')`
    const ended = await child(script)
    assert.match(ended.out, /^adapter: .*\n$/)
    assert.is(ended.err, 'later\nlast\n')
    assert.is(ended.code, 0)
  }
})

onLinux('hides native output within `quietly` only, and gives it to whoever asks', async () => {
  // A file descriptor write, as native code does it: process.stderr is not involved.
  const script = `import fs from 'node:fs'
console.log('first')
const before = fs.readdirSync('/proc/self/fd').length
for (let i = 0; i < 5; i++) lib.quietly(() => fs.writeSync(2, 'noise'), (text) => console.log(text))
try { lib.quietly(() => { throw new Error('through') }) } catch (error) { console.log(error.message) }
fs.writeSync(2, 'heard')
console.log(fs.readdirSync('/proc/self/fd').length - before)`
  const ended = await child(script)
  assert.is(ended.err, 'heard')
  assert.is(ended.out, `first\n${'noise\n'.repeat(5)}through\n0\n`)
})

const withLavapipe = cachedLavapipe() ? withSwiftshader : adapter.skip

withLavapipe("takes the system's lavapipe, by kind, by name and by itself, before the cache's", async () => {
  const machine = bare('system')
  const env = { ...machine.env, VK_DRIVER_FILES: cachedLavapipe()!.icd, PATH: process.env.PATH }
  for (const wanted of ['lavapipe', 'LLVMpipe', 'auto']) {
    const ended = await child(`const opened = await lib.openAdapter({ adapter: '${wanted}' }); ${report}`, env)
    assert.is(ended.out, 'lavapipe true system true\n', ended.err)
  }
})

withSwiftshader('says what a worker thread lacks', async () => {
  const machine = bare('worker')
  const script = `import { isMainThread, SHARE_ENV, Worker } from 'node:worker_threads'
const run = (options) => new Promise((done) => new Worker(new URL(import.meta.url), options).on('exit', done))
if (isMainThread) { await run({}); await run({ env: SHARE_ENV }) }
else console.log(await lib.openAdapter().then((opened) => opened.kind, (error) => error.message))`
  const lines = (await child(script, machine.env)).out.trim().split('\n')
  assert.match(lines[0], /worker thread.*SHARE_ENV/)
  assert.is(lines[1], 'swiftshader')
})

withSwiftshader('lists what could be opened', async () => {
  const script = `const { adapters } = await lib.listAdapters({ offline: true })
console.log(JSON.stringify(adapters))`
  const adapters: ListedAdapter[] = JSON.parse((await child(script)).out)
  assert.ok(adapters.length > 0)
  for (const each of adapters) {
    assert.ok(each.name && each.driver)
    assert.ok(each.features.includes('core-features-and-limits'))
    assert.ok(each.limits.maxStorageBuffersPerShaderStage >= 8)
  }
  assert.ok(adapters.some((each) => each.kind === 'swiftshader'))
})

withSwiftshader('leaves globalThis and the environment alone', async () => {
  const script = `const env = JSON.stringify(process.env)
const names = Object.getOwnPropertyNames(globalThis).join()
${open}
console.log(names === Object.getOwnPropertyNames(globalThis).join(), env === JSON.stringify(process.env))`
  assert.match((await child(script)).out, /true true\n$/)
})

withSwiftshader('lets a program finish, throw and be interrupted', async () => {
  const busy = `const buffer = device.createBuffer({ size: 1 << 20, usage: 12 })
device.queue.writeBuffer(buffer, 0, new Uint8Array(1 << 20))`
  const finished = await child(`${open}\n${busy}\nawait device.queue.onSubmittedWorkDone()\nconsole.log('ready')`)
  assert.equal([finished.code, finished.signal], [0, null])
  assert.ok(finished.lasted < 5000, `took ${finished.lasted} ms to end`)
  const thrown = await child(`${open}\n${busy}\nconsole.log('ready')\nthrow new Error('mine')`)
  assert.is(thrown.code, 1)
  assert.match(thrown.err, 'Error: mine')
  assert.ok(thrown.lasted < 5000, `took ${thrown.lasted} ms to end`)
  const forever = `${open}\n${busy}\nconsole.log('ready')\nfor (;;) await new Promise((done) => setTimeout(done, 10))`
  const interrupted = await child(forever, {}, 'SIGINT')
  assert.is(interrupted.signal, 'SIGINT')
  assert.ok(interrupted.lasted < 5000, `took ${interrupted.lasted} ms to end`)
})

adapter.run()
