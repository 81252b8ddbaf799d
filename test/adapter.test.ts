// The adapters in Node: sources, cache, libraries, names. Whole processes are in adapterProcess.slow.test.ts.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openAdapter } from '../src/node/adapter.ts'
import { plainNotes } from '../src/node/adapterList.ts'
import { systemDrivers } from '../src/node/adapterVulkan.ts'
import { archiveSources, formatSources, parseDeb822, parseOneLine } from '../src/node/apt.ts'
import { cacheFolder, install, offlineByEnvironment } from '../src/node/cache.ts'
import { dupLibrary } from '../src/node/quiet.ts'
import { loadOrder, neededLibraries } from '../src/node/sharedLibraries.ts'

const adapter = suite('adapter')
const work = mkdtempSync(join(tmpdir(), 'adapter-test-'))
const onLinux = process.platform === 'linux' ? adapter : adapter.skip
const none = () => assert.unreachable('should have failed')

adapter.after(() => rmSync(work, { recursive: true, force: true }))

adapter('parses deb822 sources: comments, several suites, an embedded key, a disabled stanza', () => {
  const text = `# a comment
Types: deb deb-src
# http://example.org/snapshot
URIs: http://deb.example.org/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
URIs: https://vendor.example.org/apt
Suites: stable
Components: extra

Types: deb
Enabled: no
URIs: http://deb.example.org/debian
Suites: bookworm-security
Components: main
`
  const own = archiveSources(parseDeb822(text), { id: 'debian', codename: 'bookworm' })
  assert.is(own.length, 1)
  const written = formatSources(own)
  assert.match(written, 'http://deb.example.org/debian')
  assert.match(written, /suites: bookworm bookworm-updates\n/)
  assert.match(written, / mQINBF\n -----END/)
  assert.not.match(written, 'contrib')
})

adapter('parses one-line sources, Debian and Ubuntu', () => {
  const debian = parseOneLine(
    'deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg] http://deb.example.org/debian bookworm main # note\n' +
      'deb-src http://deb.example.org/debian bookworm main\n#deb http://old.example.org/debian bookworm main\n',
  )
  const own = archiveSources(debian, { id: 'debian', codename: 'bookworm' })
  assert.is(own.length, 1)
  assert.is(own[0].get('signed-by'), '/usr/share/keyrings/a.gpg')
  assert.is(own[0].get('uris'), 'http://deb.example.org/debian')
  const ubuntu = parseOneLine(
    'deb http://mirror.example.org/ubuntu noble main restricted\n' +
      'deb http://mirror.example.org/ubuntu noble-updates main universe\n' +
      'deb http://mirror.example.org/ubuntu noble-security main\ndeb http://ppa.example.org/x/ppa noble other\n',
  )
  const suites = archiveSources(ubuntu, { id: 'ubuntu', codename: 'noble' }).map((source) => source.get('suites'))
  assert.equal(suites, ['noble', 'noble-updates', 'noble-security'])
})

adapter('finds the cache folder and the offline wish in the environment', () => {
  assert.is(cacheFolder({ WEBGPU_DISTILL_CACHE: '/a', XDG_CACHE_HOME: '/b' }), '/a')
  assert.is(cacheFolder({ XDG_CACHE_HOME: '/b' }), join('/b', 'webgpu-distill'))
  assert.match(cacheFolder({}), /\.cache.webgpu-distill$/)
  assert.is(cacheFolder({ WEBGPU_DISTILL_CACHE: '.cache' }), resolve('.cache'), 'for whoever stands elsewhere')
  assert.equal(
    [undefined, '', '0', '1', 'true'].map((value) => offlineByEnvironment({ WEBGPU_DISTILL_OFFLINE: value })),
    [false, false, false, true, true],
  )
})

adapter('installs once when several do it at the same time', async () => {
  const folder = join(work, 'cache', 'thing')
  let built = 0
  const slowly = async (temporary: string) => {
    built++
    writeFileSync(join(temporary, 'a'), 'whole')
    await new Promise((done) => setTimeout(done, 50))
    writeFileSync(join(temporary, 'b'), 'whole')
  }
  await Promise.all([1, 2, 3].map(() => install(folder, slowly)))
  assert.is(built, 3)
  assert.equal(readdirSync(folder).sort(), ['a', 'b'])
  assert.equal(readdirSync(dirname(folder)), ['thing'])
  await install(folder, slowly)
  assert.is(built, 3)
})

adapter('says which file cannot be written', async () => {
  writeFileSync(join(work, 'file'), '')
  const failing = install(join(work, 'file', 'cache', 'thing'), async () => {})
  await failing.then(none, (error) => {
    assert.is(error.code, 'file')
    assert.match(error.message, join(work, 'file', 'cache'))
  })
})

onLinux('reads what a library needs and orders libraries by it', () => {
  assert.ok(neededLibraries(process.execPath).includes('libc.so.6'))
  writeFileSync(join(work, 'not-a-library'), '{}')
  assert.equal(neededLibraries(join(work, 'not-a-library')), [])
  const find = (name: string) => (name === 'node' ? process.execPath : undefined)
  assert.equal(loadOrder(['node', 'node', 'absent'], find), ['node'])
})

adapter('finds the drivers that the environment names', () => {
  const file = join(work, 'driver.json')
  writeFileSync(file, '{}')
  assert.equal(systemDrivers({ VK_DRIVER_FILES: `${file}:/nowhere.json` }), [file])
})

adapter('keeps of the noise what tells something', () => {
  const text = `Warning: maxDynamicUniformBuffersPerPipelineLayout artificially reduced from 1000000 to 16 to fit.
Warning: something required.
 - While initializing adapter (backend=BackendType::Vulkan)
    at InitializeImpl (/home/a/PhysicalDeviceVk.cpp:257)
`
  assert.equal(plainNotes(text), ['something required.'])
})

adapter('refuses an unknown name and says what is allowed', async () => {
  await openAdapter({ adapter: 'nosuch' }).then(none, (error) => {
    assert.is(error.code, 'adapter')
    assert.match(error.message, /unknown adapter 'nosuch'; allowed: auto, hardware, lavapipe, swiftshader/)
  })
})

adapter('writes the code for both processors', () => {
  const calls = [{ from: 2, to: 20, flags: 0x80000 }]
  const arm = dupLibrary(calls, 'arm64')
  assert.is(
    arm.toString('hex', 0x120, 0x120 + 24),
    '080380d2' + '40008052' + '81028052' + '0201a052' + '010000d4' + 'c0035fd6',
  )
  const x64 = dupLibrary(calls, 'x64')
  assert.is(
    x64.toString('hex', 0x120, 0x120 + 23),
    'b824010000' + 'bf02000000' + 'be14000000' + 'ba00000800' + '0f05' + 'c3',
  )
  assert.throws(() => dupLibrary(calls, 'mips'), /mips/)
})

adapter.run()
