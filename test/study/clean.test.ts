// What `clean` counts, removes and leaves; what installs do to each other in a cache that machines share.
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { install } from '../../src/node/cache.ts'
import { cacheEntries, clean } from '../../src/study/clean.ts'

const test = suite('emptying the cache')

test('clean leaves what is being fetched', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'clean-'))
  try {
    const own = `.new-${process.pid}-abc`
    const far = '.new-4194399-elsewhere-abc'
    for (const name of [own, far, '.new-4194399-abc', `data/${own}`, 'lavapipe-x64'])
      mkdirSync(join(folder, name), { recursive: true })
    const said: string[] = []
    assert.is(await clean(['--yes'], { folder, say: (line) => said.push(line) }), 0)
    const left = [far, own, 'data'].sort()
    assert.equal(readdirSync(folder).sort(), left)
    const stay = (name: string) => `stays, a process is fetching it: ${join(folder, name)}`
    assert.equal(said.slice(0, 3), left.map(stay))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('an install takes away what a dead process left, not what another machine is at', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cache-'))
  try {
    const name = `.new-4194399-${hostname()}-abc`
    for (const each of ['.new-4194399-elsewhere-abc', name]) mkdirSync(join(folder, each))
    await install(join(folder, 'driver'), async () => {
      assert.ok(readdirSync(folder).some((each) => each.startsWith(`.new-${process.pid}-${hostname()}-`)))
    })
    assert.equal(readdirSync(folder), ['.new-4194399-elsewhere-abc', 'driver'])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('whoever starts while clean is at work, or after it was killed, finds all of a driver or nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'clean-'))
  const driver = join(folder, 'swiftshader-1')
  mkdirSync(driver)
  for (let i = 0; i < 2000; i++) writeFileSync(join(driver, `${i}`), '')
  const looks = `const { parentPort, workerData } = require('node:worker_threads')
const { readdirSync } = require('node:fs')
const seen = new Set([readdirSync(workerData).length])
parentPort.postMessage('looking')
try { for (;;) seen.add(readdirSync(workerData).length) } catch {}
parentPort.postMessage([...seen])`
  const worker = new Worker(looks, { eval: true, workerData: driver })
  try {
    await once(worker, 'message')
    const seen = new Promise((resolve) => worker.on('message', (found) => Array.isArray(found) && resolve(found)))
    await clean(['--yes'], { folder, say: () => {} })
    assert.equal(await seen, [2000])
    assert.equal(readdirSync(folder), [])
  } finally {
    await worker.terminate()
    rmSync(folder, { recursive: true })
  }
})

test('clean counts and removes what is ours, and asks first', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'clean-'))
  try {
    mkdirSync(join(folder, 'data', 'cifar10'), { recursive: true })
    mkdirSync(join(folder, 'thesis'))
    writeFileSync(join(folder, 'data', 'cifar10', 'a'), 'abc')
    writeFileSync(join(folder, 'thesis', 'a'), 'abc')
    assert.equal(cacheEntries(folder), [{ name: 'data', bytes: 3, busy: false }])
    const said: string[] = []
    assert.is(await clean(['--yes'], { folder, say: (line) => said.push(line) }), 0)
    assert.equal(said, [`    0.0 MB  ${join(folder, 'data')}`, 'removed 0.0 MB'])
    assert.equal(readdirSync(folder), ['thesis'])
    assert.equal(cacheEntries(join(folder, 'none')), [])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('whoever asks for help loses nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'clean-'))
  try {
    mkdirSync(join(folder, 'data'))
    const said: string[] = []
    assert.is(await clean(['--yes', '--help'], { folder, say: (line) => said.push(line) }), 0)
    assert.match(said.join(), '--yes')
    assert.equal(readdirSync(folder), ['data'])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test.run()
