// The programs as whole processes: built once per test file, run in children.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { synthetic } from '../../src/data/synthetic.ts'
import { parseResults } from '../../src/report/results.ts'

export interface Ended {
  code: number | null
  signal: string | null
  out: string
  err: string
}

export interface Program {
  /** For outputs of runs; goes with the program. */
  folder: string
  /** The launcher: `node launcher cqkd …`. */
  launcher: string
  /** Arguments of a study of a few seconds: 8x8 pictures in the format of Fashion-MNIST. */
  small: string[]
  start: (args: string[], env?: NodeJS.ProcessEnv) => { child: ChildProcess; ended: Promise<Ended> }
  run: (args: string[], env?: NodeJS.ProcessEnv) => Promise<Ended>
  remove: () => void
}

/** Bundles `src/cli.ts` as build.mjs does. */
export async function makeProgram(): Promise<Program> {
  mkdirSync('.test-build', { recursive: true })
  const folder = resolve(mkdtempSync(join('.test-build', 'study-')))
  const { common } = await import(resolve('build.mjs'))
  await build({
    ...common(),
    entryPoints: { cli: 'src/cli.ts' },
    outdir: join(folder, 'dist'),
    splitting: true,
    platform: 'node',
    packages: 'external',
  })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const launcher = join(folder, 'launcher.js')
  writeFileSync(
    launcher,
    "import { main } from './dist/cli.js'\n\nprocess.exitCode = await main(process.argv.slice(2))\n",
  )
  const data = join(folder, 'data')
  writeData(data)
  const start: Program['start'] = (args, env = {}) => {
    const study = ['cqkd', 'trikd'].includes(args[0])
    const usual: [string, string | undefined][] = [
      ['--adapter', process.env.WEBGPU_DISTILL_ADAPTER],
      ['--processes', '1'],
    ]
    const chosen = usual.flatMap(([flag, value]) => (study && value && !args.includes(flag) ? [flag, value] : []))
    const words = [launcher, ...args.slice(0, 1), ...chosen, ...args.slice(1)]
    return watch(spawn(process.execPath, words, { env: { ...process.env, ...env } }))
  }
  const small = ['cqkd', '--dataset', 'fashion-mnist', '--data', data, '--sizes', '4', '--methods', 'supervised,cqkd']
  small.push('--temperatures', '4', '--train-images', '60', '--calibration-images', '40', '--epochs', '2')
  small.push('--batch', '20', '--looks', 'none', '--teacher', 'resnet8:4,4,4/1', '--student', 'resnet8:4,4,4/1')
  return {
    folder,
    launcher,
    small,
    start,
    run: (args, env) => start(args, env).ended,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export function watch(child: ChildProcess): { child: ChildProcess; ended: Promise<Ended> } {
  let [out, err] = ['', '']
  child.stdout?.on('data', (text) => (out += text))
  child.stderr?.on('data', (text) => (err += text))
  const ended = new Promise<Ended>((done) => child.on('close', (code, signal) => done({ code, signal, out, err })))
  return { child, ended }
}

/** Resolves when `found` does; throws after a minute, and where the process that is to do it ends before. */
export async function until(found: () => boolean, what: string, ended?: Promise<Ended>): Promise<void> {
  let over: Ended | undefined
  ended?.then((end) => (over = end))
  for (let waited = 0; !found(); waited += 20) {
    if (over) throw new Error(`ended before ${what}: ${JSON.stringify(over)}`)
    if (waited > 60_000) throw new Error(`waited a minute for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** What a study wrote into its folder. */
export const resultsIn = (folder: string) =>
  parseResults(JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')))
export const digestsIn = (folder: string) => resultsIn(folder).rows.map(({ sha256 }) => sha256)

/** The events of a log; none where it is not there yet. */
export function eventsIn(path: string) {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []
  return lines.filter(Boolean).map((line) => JSON.parse(line))
}

/** Four IDX files of small synthetic pictures. */
function writeData(folder: string): void {
  if (existsSync(folder)) return
  mkdirSync(folder, { recursive: true })
  const { train, test } = synthetic({ train: 120, test: 50, size: 8 })
  for (const [stem, half] of Object.entries({ train, t10k: test })) {
    writeFileSync(join(folder, `${stem}-images-idx3-ubyte`), idx([half.n, 8, 8], half.images))
    writeFileSync(join(folder, `${stem}-labels-idx1-ubyte`), idx([half.n], Uint8Array.from(half.labels)))
  }
}

function idx(shape: number[], data: Uint8Array): Uint8Array {
  const header = Buffer.alloc(4 + 4 * shape.length)
  header.writeUInt32BE(0x0800 + shape.length, 0)
  for (const [i, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * i)
  return Buffer.concat([header, data])
}
