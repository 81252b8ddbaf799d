// The bench as a process of its own.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('bench program')
let folder = ''
let launcher = ''

test.before(async () => {
  mkdirSync('.test-build', { recursive: true })
  folder = resolve(mkdtempSync(join('.test-build', 'bench-')))
  const { common } = await import(resolve('build.mjs'))
  const outfile = join(folder, 'bench.mjs')
  await build({ ...common(), entryPoints: ['src/bench/cli.ts'], outfile, platform: 'node', packages: 'external' })
  launcher = join(folder, 'kernels.mjs')
  writeFileSync(launcher, readFileSync('bench/kernels.js', 'utf8').replace('../dist/bench.js', './bench.mjs'))
})
test.after(() => rmSync(folder, { recursive: true, force: true }))

function run(...argv: string[]) {
  const adapter = process.env.WEBGPU_DISTILL_ADAPTER
  const all = [launcher, ...argv, ...(adapter ? ['--adapter', adapter] : [])]
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { encoding: 'utf8' })
  return { status, out: stdout, err: stderr }
}

test('--list and --help need no adapter', () => {
  const { status, out, err } = run('--list', '--filter', 'conv2d dX')
  assert.is(status, 0)
  assert.is(err, '')
  assert.match(out, /^conv2d dX 64x16x28x28:16:3\n/)
  assert.ok(
    out
      .trim()
      .split('\n')
      .every((line) => line.startsWith('conv2d dX ')),
  )
  assert.match(run('--list', '--step').out, /^supervised-resnet8-14\n/)
  assert.match(run('--help').out, /Usage: node bench\/kernels\.js/)
})

test('wrong usage is one line and exit code 2', () => {
  for (const argv of [
    ['--op', 'fft'],
    ['--filter', 'nothing'],
    ['--op', 'relu', '--kernel', 'absent.wgsl'],
  ]) {
    const { status, out, err } = run(...argv)
    assert.is(status, 2, err)
    assert.is(out, '')
    assert.match(err, /^kernels: .+\n$/)
  }
})

test('--json is JSON alone, which --compare reads; --trace is a file', () => {
  const small = ['--op', 'relu', '--shape', '3x2x5x5', '--rounds', '2', '--json']
  const first = run(...small)
  assert.is(first.status, 0, first.err)
  const found = JSON.parse(first.out)
  assert.is(found.schemaVersion, 1)
  assert.equal(
    found.kernels.map(({ name }: { name: string }) => name),
    ['relu forward 3x2x5x5', 'relu backward 3x2x5x5'],
  )
  assert.ok(found.adapter && found.peaks.gflops > 0 && found.kernels[0].wall.n === 2)
  const old = join(folder, 'old.json')
  writeFileSync(old, first.out)
  const trace = join(folder, 'trace.json')
  const second = run(...small, '--no-subgroups', '--compare', old, '--trace', trace)
  assert.is(second.status, 0, second.err)
  assert.is(JSON.parse(second.out).subgroupSize, 0)
  assert.match(second.err, /relu backward 3x2x5x5 .+x .+x\n/)
  assert.ok(JSON.parse(readFileSync(trace, 'utf8')).traceEvents.length > 4)
})

test('--once does a first step and tells what processors spent on it', () => {
  const { status, out, err } = run('--step', '--once', '--filter', 'supervised-resnet8-14')
  assert.is(status, 0, err)
  assert.ok(JSON.parse(out).processorSeconds > 0)
})

test('a wrong result is exit code 1', () => {
  const file = join(folder, 'wrong.wgsl')
  writeFileSync(
    file,
    `// wrong: y = x.
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&y)) { y[id.x] = x[id.x]; }
}
`,
  )
  // relu's other pass writes something else.
  const argv = ['--op', 'relu', '--shape', '3x2x5x5', '--rounds', '1', '--kernel', file]
  const { status, out } = run(...argv)
  assert.is(status, 1)
  assert.match(out, /wrong\.wgsl\) +WRONG/)
  assert.not.match(out, /relu backward/)
})

test.run()
