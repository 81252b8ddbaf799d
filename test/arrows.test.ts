// The rules of docs/architecture.md that a machine can check. The arrows themselves are read from that page.
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('arrows')

const list = (folder: string, ending: RegExp) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((name) => ending.test(name))
const text = new Map<string, string>()
const read = (file: string) => text.get(file) ?? text.set(file, readFileSync(file, 'utf8')).get(file)!

const sources = list('src', /(?<!\.d)\.ts$/)
const shaders = list('shaders', /\.wgsl$/)
const tests = list('test', /\.test\.ts$/)

interface Import {
  target: string
  typeOnly: boolean
}

/** What a file imports or re-exports, relative ones as paths from the root. */
function importsOf(file: string): Import[] {
  const code = read(file).replace(/^\s*\/\/.*$/gm, '')
  const found = code.matchAll(
    /\b(?:import|export)\s+(type\s)?(?:[\w*{][^'"]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/g,
  )
  return [...found].map((m) => {
    const name = m[2] ?? m[3]
    return { target: name.startsWith('.') ? join(dirname(file), name) : name, typeOnly: Boolean(m[1]) }
  })
}

/** `src/gpu/tape.ts` → `gpu`, `src/node.ts` → `node`. */
const layerOf = (file: string) => file.split('/')[1].replace(/\.ts$/, '')

/** Layer → layers it may import, along any chain of the page's arrows. */
function arrows(): Map<string, Set<string>> {
  const block = /```\n([^`]*→[^`]*)```/.exec(read('docs/architecture.md'))![1]
  const direct = new Map<string, Set<string>>()
  for (const chain of block.split(/\n|\s{2,}/)) {
    const stops = chain.split('→').map((stop) => stop.split(/[,|]/).map((name) => name.trim()))
    stops.slice(1).forEach((stop, i) => {
      for (const to of stop) direct.set(to, new Set([...(direct.get(to) ?? []), ...stops[i]]))
    })
  }
  const reach = (layer: string, seen = new Set<string>()): Set<string> => {
    for (const left of direct.get(layer) ?? []) if (!seen.has(left)) reach(left, seen.add(left))
    return seen
  }
  return new Map([...direct.keys(), 'errors'].map((layer) => [layer, reach(layer)]))
}

const none = (offenders: string[], rule: string) => assert.equal(offenders, [], rule)

test('imports point along the arrows of docs/architecture.md', () => {
  const allowed = arrows()
  assert.ok(allowed.get('study')!.has('errors') && !allowed.get('gpu')!.has('tensor'), 'the arrows were read')
  none(
    sources.map(layerOf).filter((layer) => !allowed.has(layer)),
    'layers the page does not know',
  )
  const wrong = sources.flatMap((file) =>
    importsOf(file)
      .filter(({ target }) => target.startsWith('src/') && layerOf(target) !== layerOf(file))
      .filter(({ target }) => !allowed.get(layerOf(file))!.has(layerOf(target)))
      .map(({ target }) => `${file} → ${target}`),
  )
  none(wrong, 'imports against the arrows')
})

/**
 * Imports of types that close a cycle; what is run has none. A Gpu makes storages and tapes, and each of them knows its
 * Gpu: they are one thing, in three files for its size. The list may only shrink.
 */
const BACK = ['src/gpu/memory.ts → src/gpu/gpu.ts', 'src/gpu/tape.ts → src/gpu/gpu.ts']

/** Cycles of imports, those of types included but for `excused` ones. */
function cyclesWithout(excused: string[]): string[] {
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (file: string, path: string[]) => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '))
    if (done.has(file) || path.includes(file)) return
    for (const { target, typeOnly } of importsOf(file)) {
      if (!sources.includes(target) || (typeOnly && excused.includes(`${file} → ${target}`))) continue
      visit(target, [...path, file])
    }
    done.add(file)
  }
  for (const file of sources) visit(file, [])
  return cycles
}

test('no import cycle, types included', () => {
  none(cyclesWithout(BACK), 'cycles')
  none(
    BACK.filter((arrow) => cyclesWithout(BACK.filter((other) => other !== arrow)).length === 0),
    'arrows that close no cycle any more: take them off the list',
  )
})

/** Rules of the form "only these files contain that". Comments and strings do not count for words. */
const only: { what: string; where: RegExp; has: (file: string) => boolean }[] = [
  {
    what: 'GPU types',
    where: /^src\/(gpu\/|init\.ts|node\.ts|browser\.ts|node\/adapter)/,
    has: (file) =>
      /\bGPU([A-Z]\w+)?\b/.test(read(file).replace(/\/\/.*|\/\*[\s\S]*?\*\/|'[^'\n]*'|"[^"\n]*"|`[^`]*`/g, '')),
  },
  {
    what: 'imports of .wgsl',
    where: /^src\/(ops\/|autograd\.ts|optim\.ts|bench\/)/,
    has: (file) => importsOf(file).some(({ target }) => target.endsWith('.wgsl')),
  },
  {
    what: 'imports of what only Node has',
    where: /^src\/(node\/|node\.ts|study\/|bench\/)/,
    has: (file) => importsOf(file).some(({ target }) => /^(node:|webgpu$|pngjs$)/.test(target)),
  },
]
for (const { what, where, has } of only) {
  test(`only where they belong: ${what}`, () =>
    none(
      sources.filter((f) => has(f) && !where.test(f)),
      what,
    ))
}

test('no file of src or shaders has more than 300 lines', () => {
  none(
    [...sources, ...shaders].filter((file) => read(file).split('\n').length > 301),
    'too long',
  )
})

test('the first word of a shader is its stem, and somebody imports it', () => {
  const stem = (file: string) => basename(file, '.wgsl')
  none(
    shaders.filter((file) => !new RegExp(`^// ${stem(file)}[:,. ]`).test(read(file))),
    'first word',
  )
  const imported = new Set([...sources, ...tests].flatMap((file) => importsOf(file).map(({ target }) => target)))
  none(
    shaders.filter((file) => !imported.has(file)),
    'imported by nobody',
  )
})

test('docs/architecture.md tells what every file of gpu/ is', () => {
  const page = read('docs/architecture.md')
  const names = sources.filter((file) => layerOf(file) === 'gpu').map((file) => basename(file))
  none(
    names.filter((name) => !page.includes(`\`${name}\``)),
    'untold',
  )
})

test('every test file registers what it tests', () => {
  none(
    tests.filter((file) => !/\w\.run\(\)/.test(read(file))),
    'without .run()',
  )
})

test.run()
