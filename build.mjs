// Builds dist/: one browser bundle, one Node bundle, the programs, the pages and the declarations.
//   node build.mjs [--no-types]
// Everything is made in a folder beside it and renamed into place, so that a program started meanwhile finds one or the
// other whole.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = dirname(fileURLToPath(import.meta.url))

/** What decides the bits of a cell: the shaders and the modules that compute, sample, schedule, fit or measure. */
export function deciding() {
  const folders = ['shaders', 'src/ops', 'src/nn', 'src/data', 'src/distill', 'src/train']
  const single = {
    src: ['tensor', 'autograd', 'random', 'optim', 'schedule'],
    'src/report': ['calibration', 'metrics', 'temperature', 'verification'],
    'src/study': ['stage', 'runStage', 'rates', 'course', 'ended', 'measure', 'verify'],
  }
  const files = Object.entries(single).flatMap(([dir, stems]) => stems.map((stem) => join(root, dir, `${stem}.ts`)))
  return folders
    .flatMap((dir) => list(join(root, dir)))
    .concat(files)
    .sort()
}

/** Hash of all that. */
export function fingerprint() {
  const hash = createHash('sha256')
  for (const file of deciding()) hash.update(relative(root, file)).update('\0').update(readFileSync(file)).update('\0')
  return hash.digest('hex').slice(0, 16)
}

function list(dir) {
  if (!existsSync(dir)) return []
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((e) => e.isFile())
    .map((e) => join(e.parentPath ?? e.path, e.name))
}

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Options shared by every bundle, the tests' included. */
export const common = () => ({
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  loader: { '.wgsl': 'text' },
  define: { __VERSION__: JSON.stringify(version), __NUMERICS__: JSON.stringify(fingerprint()) },
  logLevel: 'warning',
})

/**
 * Shaders for pages: without comments and indentation, which are half of their text. Lines stay where they are, so that
 * an error still names the file's line; the head comment keeps its first word, the shader's name.
 */
const lean = {
  name: 'lean shaders',
  setup({ onLoad }) {
    onLoad({ filter: /\.wgsl$/ }, ({ path }) => {
      const [head, ...lines] = readFileSync(path, 'utf8').split('\n')
      const stem = /^\/\/ ([\w.-]+)/.exec(head)[0]
      const code = lines.map((line) => line.replace(/\/\/.*/, '').trim())
      return { contents: [stem, ...code].join('\n'), loader: 'text' }
    })
  },
}

/** A bundle for pages: our package by its name is the browser build. */
export const forBrowser = () => ({
  ...common(),
  plugins: [lean],
  platform: 'browser',
  alias: { 'webgpu-distill': join(root, 'src/browser.ts') },
})

/** The bench as a page: one file that asks for no other, to be put anywhere. */
export async function benchPage() {
  const options = { ...forBrowser(), entryPoints: ['examples/bench/main.ts'], minify: true, write: false }
  const { outputFiles } = await build(options)
  const script = outputFiles[0].text.replaceAll('</script', '<\\/script')
  const page = readFileSync(join(root, 'examples/bench/index.html'), 'utf8')
  return page.replace('<script type="module" src="main.js"></script>', () => `<script type="module">${script}</script>`)
}

/** What only Node has; never in a bundle. */
export const external = ['webgpu', 'pngjs', 'sharp', '@sparticuz/chromium', 'playwright-core', 'esbuild', 'node:*']

/** The bundles, into `out`. */
export async function bundle(out) {
  await Promise.all([
    build({ ...forBrowser(), entryPoints: ['src/browser.ts'], outdir: out, sourcemap: true }),
    build({
      ...common(),
      entryPoints: { node: 'src/node.ts', cli: 'src/cli.ts', bench: 'src/bench/cli.ts' },
      outdir: out,
      chunkNames: 'chunks/[name]-[hash]',
      splitting: true,
      platform: 'node',
      external,
      sourcemap: true,
    }),

    build({ ...forBrowser(), entryPoints: ['examples/browser/main.ts'], outdir: join(out, 'example'), minify: true }),
  ])
  copyFileSync(join(root, 'examples/browser/index.html'), join(out, 'example', 'index.html'))
  mkdirSync(join(out, 'example', 'bench'))
  writeFileSync(join(out, 'example', 'bench', 'index.html'), await benchPage())
}

/**
 * The declarations, into `out`/types. tsc leaves `.ts` in their imports, which consumers' compilers refuse. GPU types
 * are not referred to by package: a consumer has them from the DOM library or from `@webgpu/types`, and both at once
 * clash.
 */
export function types(out) {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const folder = join(out, 'types')
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.types.json', '--outDir', folder], {
    cwd: root,
    stdio: 'inherit',
  })
  for (const file of list(folder)) {
    const text = readFileSync(file, 'utf8').replace(/((?:from|import\() ?['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2')
    writeFileSync(file, text)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const fresh = join(root, `dist-${process.pid}.tmp`)
  try {
    await bundle(fresh)
    if (!process.argv.includes('--no-types')) types(fresh)
    rmSync(join(root, 'dist'), { recursive: true, force: true })
    renameSync(fresh, join(root, 'dist'))
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}
