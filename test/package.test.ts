// The package as a user gets it: what is in it, what it needs, and that its names and types can be imported.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { install, installed, project, runIn } from './installed.ts'

const test = suite('package')
const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
const tsc = resolve('node_modules/typescript/bin/tsc')

test.before(install)

test('every file that the manifest names is built or is there', () => {
  const built = (path: string) => path.startsWith('./dist/')
  const named = [...Object.values(manifest.bin), ...leaves(manifest.exports)] as string[]
  for (const path of named) {
    const file = built(path) ? join(installed, path) : path
    assert.ok(readFileSync(file).length > 0, path)
  }
  assert.ok(manifest.exports['./package.json'])
})

function leaves(value: unknown): unknown[] {
  return value && typeof value === 'object' ? Object.values(value).flatMap(leaves) : [value]
}

test('conditions name types first and default last', () => {
  const check = (value: unknown, path: string): void => {
    if (!value || typeof value !== 'object') return
    const keys = Object.keys(value)
    if (keys.includes('types')) assert.is(keys[0], 'types', path)
    if (keys.includes('default')) assert.is(keys.at(-1), 'default', path)
    for (const key of keys) check((value as Record<string, unknown>)[key], `${path} ${key}`)
  }
  check(manifest.exports, 'exports')
})

test('the core needs no other package', () => {
  assert.is(manifest.dependencies, undefined)
  assert.is(manifest.peerDependenciesMeta.webgpu.optional, true)
  const imports = (file: string) =>
    [...readFileSync(join(installed, 'dist', file), 'utf8').matchAll(/^(?:import|export)\b[^;]*?from "([^"]+)"/gm)].map(
      (m) => m[1],
    )
  assert.equal(imports('browser.js'), [])
  const seen = new Set<string>()
  const visit = (file: string) => {
    for (const name of imports(file)) {
      if (!name.startsWith('.')) assert.match(name, /^node:/, `dist/${file} imports ${name}`)
      else if (!seen.has(name)) visit(join(file, '..', [...seen.add(name)].at(-1)!))
    }
  }
  visit('node.js')
})

test('without the packages webgpu and sharp, init and decodePicture say what to install', async () => {
  const code = `import { decodePicture, init } from 'webgpu-distill'
    await init().catch((e) => console.log(e.name, e.code, e.message))
    const jpeg = Uint8Array.of(0xff, 0xd8)
    await decodePicture(jpeg, 'x.jpg').catch((e) => console.log(e.name, e.code, e.message))`
  // Moved out of reach of this repository's own node_modules.
  const away = join(tmpdir(), `webgpu-distill-test-${process.pid}`)
  mkdirSync(join(away, 'node_modules'), { recursive: true })
  try {
    cpSync(installed, join(away, 'node_modules', 'webgpu-distill'), { recursive: true })
    const said = await runIn(code, away)
    assert.match(said, /^AdapterError adapter .*npm install webgpu/)
    assert.match(said, /^InputError input JPEG pictures need the package sharp: npm install sharp$/m)
  } finally {
    rmSync(away, { recursive: true, force: true })
  }
})

test('node, browser and subpath entries offer the same names, but for what only Node has', async () => {
  const names = async (from: string) => {
    return (await runIn(`console.log(Object.keys(await import('${from}')).sort().join())`)).trim().split(',')
  }
  const all = await names('webgpu-distill')
  assert.ok(all.includes('init'))
  assert.equal(await names('webgpu-distill/node'), all)
  assert.equal(
    await names('webgpu-distill/browser'),
    all.filter((name) => name !== 'openAdapter' && name !== 'nodeFiles'),
  )
})

const consumers: Record<string, string[]> = {
  nodenext: ['--module', 'nodenext', '--lib', 'es2023,dom'],
  bundler: ['--module', 'esnext', '--moduleResolution', 'bundler', '--lib', 'es2023,dom'],
  'nodenext without the DOM': ['--module', 'nodenext', '--lib', 'es2023', '--types', '@webgpu/types', '--skipLibCheck'],
}
for (const [name, flags] of Object.entries(consumers)) {
  test(`types serve a project of ${name}`, () => {
    const code = [
      `import { type Engine, init, relu, type Tensor } from 'webgpu-distill'`,
      'export const engine: Engine = await init()',
      'export const y: Tensor = relu(engine.tensor([1]))',
      'export async function briefly(): Promise<void> { using other = await init(); other.tensor([1]) }',
      '// @ts-expect-error a tensor is no number: the types are not just any',
      'export const n: number = y',
    ]
    writeFileSync(join(project, 'use.ts'), code.join('\n'))
    const args = [tsc, '--noEmit', '--ignoreConfig', '--strict', '--target', 'es2023', ...flags, 'use.ts']
    try {
      execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8', stdio: 'pipe' })
    } catch (error) {
      assert.unreachable((error as { stdout: string }).stdout)
    }
  })
}

test('launchers have at most 15 lines', () => {
  const launchers = readdirSync('bench').filter((name) => name.endsWith('.js'))
  assert.ok(launchers.includes('cqkd.js'))
  for (const name of launchers) assert.ok(readFileSync(join('bench', name), 'utf8').split('\n').length <= 16, name)
})

test('the lockfile names no registry, and the versions agree', () => {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'))
  const resolved = Object.values<{ resolved?: string }>(lock.packages).filter((entry) => entry.resolved)
  assert.equal(resolved, [])
  assert.is(lock.version, manifest.version)
  assert.match(readFileSync('CHANGELOG.md', 'utf8'), `## ${manifest.version}`)
  assert.match(readFileSync('CITATION.cff', 'utf8'), `version: ${manifest.version}`)
})

test.run()
