import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { build } from 'esbuild'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { commandOf, commit, FINGERPRINT, packageFolder, VERSION, versionOf } from '../../src/study/facts.ts'

const test = suite('facts of a run')

test('version and fingerprint are those of the build', () => {
  assert.match(VERSION, /^\d+\.\d+\.\d+/)
  assert.match(FINGERPRINT, /^[0-9a-f]{16}$/)
})

test('whatever trains and measures a cell is in the fingerprint', async () => {
  const { common, deciding } = await import(resolve('build.mjs'))
  const bundle = { ...common(), entryPoints: ['src/study/runStage.ts'], platform: 'node', packages: 'external' }
  const { metafile } = await build({ ...bundle, write: false, metafile: true })
  const [{ inputs }] = Object.values(metafile!.outputs)
  // A device's work is the same however it is recorded; the words of errors and the time of a step are no bits.
  const others = /^src\/(gpu\/.*|errors\.ts|study\/stepTimes\.ts)$/
  const used = Object.keys(inputs).filter((file) => !others.test(file))
  assert.ok(used.length > 50)
  const known = new Set(deciding().map((file: string) => relative('.', file)))
  assert.equal(
    used.filter((file) => !known.has(file)),
    [],
  )
})

test('the commit is that of our own checkout, and absent in an installed package', () => {
  assert.is(packageFolder(), resolve('.'))
  const work = mkdtempSync(join(tmpdir(), 'webgpu-distill-facts-'))
  try {
    // A package inside somebody's repository: their commit is not ours.
    const git = (...args: string[]) => execFileSync('git', ['-C', work, ...args], { stdio: 'ignore' })
    git('init')
    const identity = ['-c', 'user.name=a', '-c', 'user.email=a@b']
    git(...identity, 'commit', '--allow-empty', '-m', 'theirs')
    const installed = join(work, 'node_modules', 'webgpu-distill')
    mkdirSync(join(installed, 'dist'), { recursive: true })
    writeFileSync(join(installed, 'package.json'), '{ "name": "webgpu-distill" }')
    const found = packageFolder(join(installed, 'dist', 'cli.js'))
    assert.is(found, installed)
    assert.is(commit(found), null)
    assert.match(commit(work)!, /^[0-9a-f]{40}$/)
    writeFileSync(join(work, 'file'), '1')
    git('add', 'file')
    assert.match(commit(work)!, /^[0-9a-f]{40}-dirty$/)
    assert.is(packageFolder(join(work, 'elsewhere.js')), null)
    assert.is(commit(null), null)
  } finally {
    rmSync(work, { recursive: true })
  }
})

test('versions of packages, null for one that is absent', () => {
  assert.match(versionOf('uvu')!, /^\d+\.\d+/)
  assert.is(versionOf('no-such-package'), null)
})

test('the command can be given to a shell again', () => {
  assert.is(commandOf(['--seeds', '0,3'], 'cqkd', '/x/bench/cqkd.js'), 'node bench/cqkd.js --seeds 0,3')
  assert.is(commandOf([], 'trikd', '/x/bench/cqkd.js'), 'node bench/trikd.js', '--paper trikd')
  assert.is(
    commandOf(['--data', 'my data'], 'cqkd', '/x/.bin/webgpu-distill'),
    "npx webgpu-distill cqkd --data 'my data'",
  )
})

test.run()
