// Builds dist/: one browser bundle, one Node bundle, the programs, and the declarations.
// `node build.mjs --no-types` skips the declarations (tests do).
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = dirname(fileURLToPath(import.meta.url))

/** Hash of everything that decides bits: the shaders and the modules that compute, sample or schedule. */
export function fingerprint() {
  const hash = createHash('sha256')
  const folders = ['shaders', 'src/ops', 'src/nn', 'src/data', 'src/distill', 'src/train']
  const single = ['src/autograd.ts', 'src/random.ts', 'src/optim.ts', 'src/schedule.ts'].map((f) => join(root, f))
  const files = folders.flatMap((dir) => list(join(root, dir))).concat(single)
  for (const file of files.filter((f) => existsSync(f)).sort())
    hash.update(file.slice(root.length)).update('\0').update(readFileSync(file)).update('\0')
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

/** What only Node has; never in a bundle. */
export const external = ['webgpu', 'pngjs', '@sparticuz/chromium', 'playwright-core', 'esbuild', 'node:*']

export async function bundle() {
  await Promise.all([
    build({ ...common(), entryPoints: ['src/browser.ts'], outfile: 'dist/browser.js', platform: 'browser', sourcemap: true }),
    build({
      ...common(),
      entryPoints: { node: 'src/node.ts', cli: 'src/study/cli.ts' },
      outdir: 'dist',
      splitting: true,
      platform: 'node',
      external,
      sourcemap: true,
    }),
  ])
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  await bundle()
  if (!process.argv.includes('--no-types')) {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    execFileSync(process.execPath, [tsc, '-p', 'tsconfig.types.json'], { cwd: root, stdio: 'inherit' })
  }
}
