// The weight of the code: lines per folder, the largest files, the bundles, and what changed since a commit.
//   npm run size [-- COMMIT]
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { common, external, forBrowser } from '../build.mjs'

// A reader that has enough (`| head`) is no error.
process.stdout.on('error', () => process.exit(0))

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const since = process.argv[2]
const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
const scope = ['--', 'src', 'shaders']

/** File → lines, of the working tree or of a commit. */
function linesNow() {
  const names = git('ls-files', '--cached', '--others', '--exclude-standard', ...scope)
    .split('\n')
    .filter(Boolean)
  const count = (name) => {
    try {
      return readFileSync(join(root, name), 'utf8').split('\n').length - 1
    } catch {
      return 0 // removed, not yet committed
    }
  }
  return new Map(names.map((name) => [name, count(name)]).filter(([, lines]) => lines > 0))
}

function linesAt(commit) {
  const rows = git('grep', '-c', '', commit, ...scope)
    .split('\n')
    .filter(Boolean)
  return new Map(rows.map((row) => /^[^:]+:(.+):(\d+)$/.exec(row)).map((m) => [m[1], Number(m[2])]))
}

const folderOf = (name) => {
  const folder = dirname(name)
  return folder === 'src' ? 'src/*.ts' : folder.split('/').slice(0, 2).join('/')
}
const sum = (map) => [...map.values()].reduce((a, b) => a + b, 0)
const signed = (n) => (n === 0 ? '' : `${n > 0 ? '+' : ''}${n}`)
const row = (...cells) => console.log(cells.map((c, i) => (i === 0 ? c.padEnd(30) : String(c).padStart(10))).join(''))

const now = linesNow()
let before = new Map()
if (since) {
  try {
    before = linesAt(since)
  } catch {
    console.error(`size: '${since}' is no commit of this repository`)
    process.exit(2)
  }
}
const groups = new Map()
for (const [name, lines] of now) {
  const group = groups.get(folderOf(name)) ?? { files: 0, lines: 0, before: 0 }
  groups.set(folderOf(name), { ...group, files: group.files + 1, lines: group.lines + lines })
}
for (const [name, lines] of before) {
  const group = groups.get(folderOf(name)) ?? { files: 0, lines: 0, before: 0 }
  groups.set(folderOf(name), { ...group, before: group.before + lines })
}

row('folder', 'files', 'lines', since ? 'change' : '')
for (const [folder, g] of [...groups].sort()) row(folder, g.files, g.lines, since ? signed(g.lines - g.before) : '')
row('all of src and shaders', now.size, sum(now), since ? signed(sum(now) - sum(before)) : '')

console.log('\nlargest files')
for (const [name, lines] of [...now].sort((a, b) => b[1] - a[1]).slice(0, 8)) row(name, lines)
const short = [...now.values()].filter((lines) => lines < 100).length
console.log(`${short} of ${now.size} files have fewer than 100 lines`)

console.log('\nbundles (kB, 1 kB = 1000 bytes)')
row('', 'minified', 'gzipped')
const bundles = {
  'browser.js': { ...forBrowser(), entryPoints: ['src/browser.ts'] },
  'node.js': { ...common(), entryPoints: ['src/node.ts'], platform: 'node', external },
}
for (const [name, options] of Object.entries(bundles)) {
  const { outputFiles } = await build({ ...options, minify: true, write: false })
  const bytes = outputFiles[0].contents
  row(name, (bytes.length / 1000).toFixed(1), (gzipSync(bytes, { level: 9 }).length / 1000).toFixed(1))
}
