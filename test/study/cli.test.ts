// The command line as a process: what needs no device, and what is found out before one is used for long.

import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fakeResults } from '../report/fake.ts'
import { makeProgram, type Program, watch } from './program.ts'

const test = suite('command line')

let program: Program
test.before(async () => {
  program = await makeProgram()
})
test.after(() => program.remove())

test('help, version and mistakes need neither a device nor the package webgpu', async () => {
  // Out of reach of every node_modules: what imported a package would end with an error.
  const away = mkdtempSync(join(tmpdir(), 'webgpu-distill-cli-'))
  try {
    for (const name of ['dist', 'launcher.js', 'package.json']) {
      cpSync(join(program.folder, name), join(away, name), { recursive: true })
    }
    const run = (...args: string[]) =>
      watch(spawn(process.execPath, [join(away, 'launcher.js'), ...args], { cwd: away })).ended
    const cases: [string[], number, RegExp, RegExp][] = [
      [['--help'], 0, /^Usage: npx webgpu-distill COMMAND/, /^$/],
      [['help'], 0, /doctor/, /^$/],
      [['--version'], 0, /^\d+\.\d+\.\d+\n$/, /^$/],
      [['cqkd', '--help'], 0, /--temperatures T,T .*Presets.*smoke/s, /^$/],
      [['cqkd', '--version'], 0, /^\d+\.\d+\.\d+\n$/, /^$/],
      [['doctor', '--help'], 0, /^Usage: npx webgpu-distill doctor/, /^$/],
      [[], 2, /^$/, /^Usage: npx webgpu-distill COMMAND/],
      [['train'], 2, /^$/, /^webgpu-distill: unknown command 'train'; allowed: cqkd, .*doctor, .*\n$/],
      [['cqkd', '--foo'], 2, /^$/, /^webgpu-distill: unknown flag --foo, the nearest is --\w+; --help tells all\n$/],
      [['cqkd', '--epochs', 'many'], 2, /^$/, /^webgpu-distill: --epochs many: a whole number from 1\n$/],
      [['cqkd', '--preset', 'fast'], 2, /^$/, /^webgpu-distill: --preset fast: one of smoke, .*\n$/],
      [['doctor', 'here'], 2, /^$/, /^webgpu-distill: unknown argument here; --help tells all\n$/],
      [['report', 'here', '--out=a.html'], 2, /^$/, /^webgpu-distill: --out: with --compare and --join only; .*\n$/],
      [['questions', 'here', '--out'], 2, /^$/, /^webgpu-distill: --out needs a value: .*\n$/],
      [['doctor', '--foo'], 2, /^$/, /^webgpu-distill: unknown flag --foo, the nearest is --\w+; --help tells all\n$/],
    ]
    const ended = await Promise.all(cases.map(([args]) => run(...args)))
    for (const [i, [args, code, out, err]] of cases.entries()) {
      assert.is(ended[i].code, code, `${args.join(' ')}: ${ended[i].err}`)
      assert.match(ended[i].out, out, args.join(' '))
      assert.match(ended[i].err, err, args.join(' '))
    }
    const missing = await run('cqkd', '--out', join(away, 'out'))
    assert.is(missing.code, 1)
    assert.match(missing.err, /^webgpu-distill: in Node, WebGPU comes from the package 'webgpu'.*npm install webgpu\n$/)
    const doctor = await run('doctor')
    assert.is(doctor.code, 1)
    assert.match(doctor.out, /the package webgpu\n +npm install webgpu\n.*NOT usable/s)
  } finally {
    rmSync(away, { recursive: true })
  }
})

test('an output folder that takes no files is found before training', async () => {
  const file = join(program.folder, 'file')
  writeFileSync(file, '')
  const { code, out, err } = await program.run([...program.small, '--out', join(file, 'out')])
  assert.is(code, 1)
  assert.not.match(out, 'loss of')
  assert.match(
    err,
    /^webgpu-distill: cannot make the folder .*file\/out: a part of the path is a file, not a folder.*\n$/,
  )
})

test('what does not fit the machine or the data is one line, code 2; damaged data is one line, code 1', async () => {
  const out = ['--out', join(program.folder, 'misfit')]
  const cut = join(program.folder, 'cut')
  cpSync(join(program.folder, 'data'), cut, { recursive: true })
  truncateSync(join(cut, 't10k-images-idx3-ubyte'), 1000)
  const small = program.small
  const with_ = (...flags: string[]) => [...small, ...out, ...flags]
  const cases: [string[], number, RegExp][] = [
    [with_('--sizes', '4,9'), 2, /--sizes 9: the pictures of fashion-mnist have 8 pixels a side\n$/],
    [with_('--train-images', '100'), 2, /--train-images 100 and --calibration-images 40: fashion-mnist has 120/],
    [with_('--batch', '61'), 2, /--batch 61: there are 60 training images\n$/],
    [with_('--calibration-images', '0'), 2, /--calibration-images 0: a calibrated teacher needs images/],
    [with_('--adapter', 'abacus'), 2, /--adapter: unknown adapter 'abacus'; allowed: auto, hardware, /],
    [with_('--data', cut), 1, /t10k-images-idx3-ubyte: truncated, 50x8x8 needs 3200 bytes/],
    [with_('--data', program.folder), 1, /no fashion-mnist here, missing train-images-idx3/],
    [with_('--resume'), 2, /--resume: nothing to go on from in .*misfit/],
  ]
  for (const [args, code, message] of cases) {
    const ended = await program.run(args)
    assert.is(ended.code, code, ended.err)
    assert.match(ended.err, message)
    assert.is(ended.err.trim().split('\n').length, 1, ended.err)
    assert.not.ok(existsSync(out[1]), 'nothing is left behind')
  }
})

test('the list tells the cells, the dry run what they cost', async () => {
  const out = ['--out', join(program.folder, 'listed')]
  const list = await program.run([...program.small, ...out, '--list'])
  assert.is(list.code, 0, list.err)
  assert.match(
    list.out,
    /^2 {2}open {5}[0-9a-f]{24} {2}seed0\/4px\/supervised\n3 {2}open {5}[0-9a-f]{24} {2}seed0\/4px\/cqkd-T4 {2}after 1$/m,
  )
  assert.match(list.out, /^0 of 3 cells are done$/m)
  const dry = await program.run([...program.small, ...out, '--dry-run', '--json'])
  assert.is(dry.code, 0, dry.err)
  const { cells, trainingFlops, seconds } = JSON.parse(dry.out)
  assert.equal(
    cells.map(({ id, steps }: { id: string; steps: number }) => [id, steps]),
    [
      ['seed0/teacher', 6],
      ['seed0/4px/supervised', 6],
      ['seed0/4px/cqkd-T4', 6],
    ],
  )
  assert.ok(seconds > 0 && seconds < 60)
  // Multiply-adds of the network at 8x8, by hand: stem, three blocks (two with 1x1 shortcuts), head; then at 4x4.
  const forward = (p: number) => {
    const [a, b, c] = [p * p, (p * p) / 4, (p * p) / 16]
    return 2 * (9 * 4 * a + 2 * 9 * 16 * (a + b + c) + 16 * (b + c) + 4 * 10)
  }
  assert.is(trainingFlops, 120 * 3 * (forward(8) + 2 * forward(4)) + 60 * forward(8))
  assert.match(dry.err, /^adapter: /m)
})

test('the printed recipe is taken back, to the same cells', async () => {
  const out = ['--out', join(program.folder, 'configured')]
  const printed = await program.run([...program.small, ...out, '--print-config', '--keep'])
  assert.is(printed.code, 0, printed.err)
  const recipe = JSON.parse(printed.out)
  assert.equal(
    [recipe.preset, recipe.epochs, recipe.student],
    ['quick', 2, { depth: 8, widths: [4, 4, 4], stemStride: 1 }],
  )
  assert.match(printed.err, /^3 {2}seed0\/4px\/cqkd-T4\n {3}L\(student\) = .* KL\(teacher\/τ ‖ student; T=4\)$/m)
  assert.not.ok(existsSync(out[1]), 'nothing was trained')
  const file = join(program.folder, 'recipe.json')
  writeFileSync(file, printed.out)
  const data = program.small.slice(program.small.indexOf('--data'), program.small.indexOf('--data') + 2)
  const lists = [program.small, ['cqkd', '--config', file, ...data]].map((args) =>
    program.run([...args, ...out, '--list']),
  )
  const [flags, config] = await Promise.all(lists)
  assert.is(config.code, 0, config.err)
  assert.match(config.out, /^0 of 3 cells are done$/m)
  const cells = ({ out: text }: { out: string }) => text.split('\n').filter((line) => / open /.test(line))
  assert.equal(cells(config), cells(flags))
  writeFileSync(file, '{ "epoch": 3 }')
  const wrong = await program.run(['cqkd', '--config', file])
  assert.is(wrong.code, 2)
  assert.match(
    wrong.err,
    /^webgpu-distill: --config .*recipe.json: unknown key 'epoch', the nearest is 'epochs'; .*\n$/,
  )
})

test('two studies side by side: text, page, document', async () => {
  const folder = (name: string) => join(program.folder, name)
  for (const [name, seeds] of Object.entries({ one: 3, two: 2 })) {
    mkdirSync(folder(name))
    writeFileSync(join(folder(name), 'results.json'), JSON.stringify(fakeResults({ seeds })))
  }
  const page = join(program.folder, 'page.html')
  const both = ['--compare', folder('one'), folder('two')]
  const [text, json, ...wrong] = await Promise.all([
    program.run(['report', ...both, '--out', page]),
    program.run(['report', ...both, '--json', '--out', `${page}2`]),
    program.run(['report', '--compare', folder('one')]),
    program.run(['report', '--compare', folder('one'), folder('three')]),
  ])
  assert.is(text.code, 0, text.err)
  assert.match(text.out, /^A: .*one \(fashion-mnist.*^12 rows in both, .*^ACCURACY, %$.*^wrote .*page.html$/ms)
  assert.match(readFileSync(page, 'utf8'), /^<!doctype html>.*Two studies side by side/s)
  assert.is(JSON.parse(json.out).matched.length, 12, json.err)
  assert.equal(
    wrong.map(({ code }) => code),
    [2, 1],
  )
  assert.match(wrong[0].err, '--compare: two studies, folders or results.json files; got 1')
  assert.match(wrong[1].err, /three\/results.json is not there; a study writes it when it is finished/)
})

test('seeds that were trained apart as one study', async () => {
  const folder = (name: string) => join(program.folder, name)
  for (const seed of [4, 7, 8]) {
    const { run, rows, teachers, ...more } = fakeResults({ seeds: 1, run: seed === 8 ? { adapter: 'another' } : {} })
    const here = { ...run, seeds: [seed], config: { ...run.config, seeds: [seed] } }
    const moved = [rows, teachers].map((list) => list.map((row) => ({ ...row, seed })))
    mkdirSync(folder(`seed${seed}`))
    const results = { ...more, run: here, rows: moved[0], teachers: moved[1], map: [] }
    writeFileSync(join(folder(`seed${seed}`), 'results.json'), JSON.stringify(results))
  }
  const [four, seven] = [folder('seed4'), folder('seed7')]
  const [whole, ...wrong] = await Promise.all([
    program.run(['report', '--join', seven, four, '--out', folder('joined')]),
    program.run(['report', '--join', seven, four]),
    program.run(['report', '--join', seven, '--out', folder('none')]),
    program.run(['report', '--join', seven, folder('seed8'), '--out', folder('none')]),
    program.run(['report', '--join', '--compare', seven, four]),
    program.run(['report', '--json', seven]),
    program.run(['report', '--join', seven, join(four, 'results.json'), '--out', `${four}/`]),
  ])
  assert.is(whole.code, 0, whole.err)
  assert.match(whole.err, /^left out: the maps/)
  assert.match(readFileSync(join(folder('joined'), 'table.md'), 'utf8'), 'over 2 seeds')
  const { run, claims } = JSON.parse(readFileSync(join(folder('joined'), 'results.json'), 'utf8'))
  assert.equal(run.seeds, [4, 7])
  assert.ok(claims.length > 0)
  assert.equal(
    wrong.map(({ code }) => code),
    [2, 2, 1, 2, 2, 2],
  )
  assert.match(wrong[0].err, /--join: needs --out DIR/)
  assert.match(wrong[1].err, /--join: two studies or more; got .*seed7\n/)
  assert.match(wrong[2].err, /join: adapter is .* in .*seed7 and "another" in .*seed8; runs of one study/)
  assert.match(wrong[3].err, /--compare and --join: one or the other/)
  assert.match(wrong[4].err, /--json: with --compare only/)
  assert.match(wrong[5].err, /--out .*seed4\/: its results would be replaced; another folder/)
})

test('report DIR writes tables and figures again; questions tells what they answer', async () => {
  const folder = join(program.folder, 'again')
  mkdirSync(folder)
  writeFileSync(join(folder, 'results.json'), JSON.stringify(fakeResults({ seeds: 3 })))
  const again = await program.run(['report', folder])
  assert.is(again.code, 0, again.err)
  assert.match(again.out, /^wrote .*again\/report.html$/m)
  assert.match(readFileSync(join(folder, 'table.md'), 'utf8'), '| supervised |')
  // A file stands for its folder; Windows' shells write UTF-16.
  const wide = `\ufeff${JSON.stringify(fakeResults({ seeds: 2 }))}`
  writeFileSync(join(folder, 'results.json'), wide, 'utf16le')
  const byFile = await program.run(['report', join(folder, 'results.json')])
  assert.is(byFile.code, 0, byFile.err)
  assert.match(byFile.out, /^wrote .*again\/report.html$/m)
  const page = join(program.folder, 'questions.md')
  const asked = await program.run(['questions', '--out', page, folder])
  assert.is(asked.code, 0, asked.err)
  assert.match(readFileSync(page, 'utf8'), '](again/table.md)')
  assert.match(readFileSync(page, 'utf8'), '](again/figures/accuracy-by-size.svg)')
  assert.is((await program.run(['questions'])).code, 2)
})

test('doctor tests the kernels and tells what is here', async () => {
  const adapter = process.env.WEBGPU_DISTILL_ADAPTER
  const { code, out, err } = await program.run(['doctor', '--json', ...(adapter ? ['--adapter', adapter] : [])])
  assert.is(code, 0, err)
  const { schemaVersion, usable, versions, adapters, selfTest, data } = JSON.parse(out)
  assert.equal([schemaVersion, usable], [1, true])
  assert.match(versions.webgpu, /^\d+\.\d+/)
  assert.ok(adapters[0].features.length > 0 && adapters[0].limits.maxBufferSize > 0)
  assert.is(selfTest.tests.length, 7)
  for (const { name, ok, error, seconds } of selfTest.tests) assert.ok(ok && error < 1e-4 && seconds > 0, name)
  assert.equal(
    data.map(({ name }: { name: string }) => name),
    ['fashion-mnist', 'cifar10', 'cifar100', 'imagefolder', 'imagenet'],
  )
})

test.run()
