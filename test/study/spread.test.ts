// Which cells a process does, what is handed to schedulers, what a watcher is told.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseArguments, type StudyArguments } from '../../src/study/args.ts'
import { CQKD, TRIKD } from '../../src/study/papers.ts'
import { paysOn, processesFor, shareProcessors } from '../../src/study/processes.ts'
import { depths, partOf, ranges, shardOf, widest } from '../../src/study/shards.ts'
import type { Stage } from '../../src/study/stage.ts'
import { levels, submitText } from '../../src/study/submit.ts'
import { TRIKD_PRESETS } from '../../src/study/trikdRecipe.ts'
import { UsageError } from '../../src/study/usage.ts'
import { rowsOf, secondsLeft, type Watched, watchText } from '../../src/study/watch.ts'
import { smallStages } from './small.ts'

const test = suite('spreading a study')

// teacher, supervised, cqkd-T2, cqkd-T4; then the same of seed 1.
const stages = smallStages({ temperatures: [2, 4], seeds: [0, 1] })
const trikd = TRIKD.stages(TRIKD_PRESETS.quick.recipe, { side: 28, channels: 1, classes: 10 })

function refused(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    assert.instance(error, UsageError)
    return (error as Error).message
  }
  return assert.unreachable('it was taken') as never
}

test('a cell is chosen by its number, from the flag or from the scheduler, and brings what it needs', () => {
  const chosen = (cell: string, env = {}) => partOf(stages, { cell }, env)!
  assert.is(partOf(stages, {}, { SLURM_ARRAY_TASK_ID: '3' }), null, 'without a flag nothing is read')
  assert.equal([...chosen('4').chosen], ['seed0/4px/cqkd-T4'])
  assert.equal([...chosen('4').wanted].sort(), ['seed0/4px/cqkd-T4', 'seed0/teacher'])
  assert.equal([...chosen('2').wanted], ['seed0/4px/supervised'])
  assert.is(chosen('', { SLURM_ARRAY_TASK_ID: '4' }).name, 'cell-4')
  assert.is(chosen('', { JOB_COMPLETION_INDEX: '0' }).name, 'cell-1')
  assert.is(chosen('5', { SLURM_ARRAY_TASK_ID: '4' }).name, 'cell-5', 'what is said counts')
  assert.match(
    refused(() => chosen('9')),
    '--cell 9: the study has 8 cells; --list shows them',
  )
  assert.match(
    refused(() => chosen('0')),
    '--cell 0: a whole number from 1',
  )
  assert.match(
    refused(() => chosen('')),
    'neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set',
  )
  assert.match(
    refused(() => chosen('', { SLURM_ARRAY_TASK_ID: '0' })),
    '--cell from SLURM_ARRAY_TASK_ID 0: a whole number from 1',
  )
})

test('a study is shared by two processes where that pays, unless it is told otherwise or has to be one', () => {
  const two = availableParallelism() > 1 && process.env.LP_NUM_THREADS === undefined ? 2 : 1
  assert.is(processesFor({}, 8), two)
  assert.is(processesFor({}, 1), 1)
  for (const told of [{ cell: '' }, { shard: '1/2' }, { fresh: true }, { list: true }, { dryRun: true }]) {
    assert.is(processesFor(told, 8), 1, JSON.stringify(told))
  }
  assert.is(processesFor({ processes: 1 }, 8), 1)
  assert.is(processesFor({ processes: 3 }, 8), 3)
  assert.ok(paysOn('llvmpipe (LLVM 15.0.6, 256 bits), Mesa 25.0.7, software'))
  assert.is(widest(stages), 4, 'without teachers')
  assert.is(widest(smallStages({ methods: ['supervised'] })), 1)
  assert.not(paysOn('SwiftShader Device (Subzero)'))
})

test('processes share the processors; one that has a single one gets no thread beside its own', () => {
  const before = process.env.LP_NUM_THREADS
  const shared = (processes: number, told?: string) => {
    delete process.env.LP_NUM_THREADS
    if (told !== undefined) process.env.LP_NUM_THREADS = told
    shareProcessors(processes)
    return process.env.LP_NUM_THREADS
  }
  try {
    const all = availableParallelism()
    assert.is(shared(1), undefined)
    assert.is(shared(Math.max(2, all)), '0')
    assert.is(shared(2 * all), '0')
    assert.is(shared(2), all < 4 ? '0' : String(Math.floor(all / 2)))
    assert.is(shared(2, '7'), '7', 'whoever has set it knows better')
  } finally {
    delete process.env.LP_NUM_THREADS
    if (before !== undefined) process.env.LP_NUM_THREADS = before
  }
})

test('shards part the cells between them, whoever numbers them', () => {
  const all = [1, 2, 3].flatMap((i) => [...partOf(stages, { shard: `${i}/3` }, {})!.chosen])
  assert.equal(all.sort(), stages.map(({ id }) => id).sort())
  const slurm = (id: number, min: number, count: number, step?: number) => ({
    SLURM_ARRAY_TASK_ID: String(id),
    SLURM_ARRAY_TASK_MIN: String(min),
    SLURM_ARRAY_TASK_COUNT: String(count),
    ...(step ? { SLURM_ARRAY_TASK_STEP: String(step) } : {}),
  })
  assert.equal(shardOf('', slurm(0, 0, 4)), { index: 1, count: 4 })
  assert.equal(shardOf('', slurm(14, 10, 3, 2)), { index: 3, count: 3 })
  assert.equal(shardOf('8', slurm(3, 3, 1)), { index: 3, count: 8 }, 'one task of an array, submitted again')
  assert.equal(shardOf('8', { JOB_COMPLETION_INDEX: '7' }), { index: 8, count: 8 })
  for (const [text, env, message] of [
    ['4/3', {}, '--shard 4/3: numbers go from 1 to 3'],
    ['0/3', {}, '--shard 0: a whole number from 1'],
    ['1/x', {}, '--shard x: a whole number'],
    ['3', {}, 'neither SLURM_ARRAY_TASK_ID'],
    ['', { JOB_COMPLETION_INDEX: '1' }, '--shard needs i/n'],
    ['1/2/3', {}, '--shard 1/2/3: i/n'],
    ['', { ...slurm(1, 1, 4), SLURM_ARRAY_TASK_ID: 'x' }, '--shard from SLURM_ARRAY_TASK_ID x: a whole number from 0'],
    ['', { ...slurm(1, 1, 4), SLURM_ARRAY_TASK_MIN: '' }, '--shard from SLURM_ARRAY_TASK_MIN : a whole number'],
    ['', slurm(2, 1, 4, 2), '--shard 1.5/4: numbers go from 1 to 4'],
    ['', slurm(1, 3, 4), '--shard -1/4: numbers go from 1 to 4'],
  ] as const) {
    assert.match(
      refused(() => shardOf(text, env)),
      message,
    )
  }
})

test('levels: what others need, by depth, before what needs it', () => {
  assert.equal(levels(stages), [
    { shared: [1, 5], others: [2, 6] },
    { shared: [], others: [3, 4, 7, 8] },
  ])
  const depth = depths(trikd)
  assert.equal([depth.get('seed0/7px/generation0'), depth.get('seed0/7px/generation2')], [0, 2])
  const numbers = levels(trikd).flatMap(({ shared, others }) => [...shared, ...others])
  assert.equal(
    numbers.sort((a, b) => a - b),
    trikd.map((_, i) => i + 1),
  )
  assert.is(ranges([1, 2, 3, 5, 7, 8]), '1-3,5,7-8')
})

function printed(line: string, some: Stage[] = stages, script = '/lab/node_modules/.bin/webgpu-distill'): string {
  const argv = line.split(' ')
  const options = parseArguments(argv, CQKD) as StudyArguments
  return submitText(some, { scheduler: options.submit!, options, argv, paper: CQKD }, script, "/home/ann's work")
}

/** What a script hands to sbatch, which is replaced by one that writes down its arguments and the job, and counts. */
function submitted(script: string, env = {}): { args: string[]; job: string }[] {
  const folder = mkdtempSync(join(tmpdir(), 'submit-'))
  try {
    const stub = `#!/bin/bash
n=$(ls ${folder}/log | wc -l); { printf '%s\\n' "$@"; echo ---; [ -t 0 ] || cat; } > ${folder}/log/$n; echo "$((100 + n));cluster"`
    mkdirSync(join(folder, 'log'))
    writeFileSync(join(folder, 'sbatch'), stub, { mode: 0o755 })
    const path = { ...process.env, ...env, PATH: `${folder}:${process.env.PATH}` }
    const text = script.replace(/^cd .*$/m, `cd ${folder}`)
    execFileSync('bash', ['-c', text, 'this.sh', '--partition=gpu'], { input: '', env: path })
    return readdirSync(join(folder, 'log')).map((name) => {
      const [args, job] = execFileSync('cat', [join(folder, 'log', name)], { encoding: 'utf8' }).split('---\n')
      return { args: args.trim().split('\n'), job }
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('the script for Slurm is one that bash takes, with arrays that wait for each other', () => {
  const script = printed('--preset smoke --submit slurm --out=results/a$b --lr 0.01')
  assert.match(script, `\ncd '/home/ann'\\''s work'\n`)
  const jobs = submitted(script)
  const flag = (i: number, name: string) => jobs[i].args.find((arg) => arg.startsWith(`--${name}`))
  assert.equal(
    jobs.map((_, i) => flag(i, 'array')),
    ['--array=1,5', '--array=2,6', '--array=3-4,7-8', undefined],
  )
  assert.equal(
    jobs.map((_, i) => flag(i, 'dependency')),
    [undefined, undefined, '--dependency=afterany:100', '--dependency=afterany:100:101:102'],
  )
  assert.ok(jobs.every(({ args }) => args.includes('--partition=gpu')))
  const command = "node /lab/node_modules/.bin/webgpu-distill cqkd --preset smoke --out 'results/a$b' --lr 0.01"
  assert.match(jobs[0].job, `\nsrun ${command} --cell\n`)
  assert.match(
    jobs[0].job,
    /\nif \[ \$code = 138 \]; then scontrol requeue "\$\{SLURM_ARRAY_JOB_ID}_\$\{SLURM_ARRAY_TASK_ID}"/,
  )
  assert.ok(flag(3, 'wrap') === `--wrap=${command} --merge`, flag(3, 'wrap'))
  assert.is(flag(2, 'signal'), '--signal=USR1@60')
})

test('tasks may share the cells, and only so many run at the same time', () => {
  const script = printed('--submit slurm --shard 3', stages, '/lab/bench/trikd.js')
  const jobs = submitted(script, { AT_ONCE: '2' })
  assert.equal(
    jobs.map(({ args }) => args.find((arg) => arg.startsWith('--array'))),
    ['--array=1,5%2', '--array=1-3%2', undefined],
  )
  assert.match(jobs[1].job, '\nsrun node /lab/bench/cqkd.js --shard 3\n')
  assert.match(
    refused(() => printed('--submit slurm --shard 1/3')),
    '--shard 1/3: with --submit the number of tasks',
  )
  assert.match(
    refused(() => printed('--submit slurm --fresh')),
    'take another --out',
  )
  for (const instead of ['--list', '--dry-run']) {
    assert.match(
      refused(() => printed(`--submit slurm ${instead}`)),
      `--submit and ${instead}: one at a time`,
    )
  }
  assert.match(
    refused(() => printed('--submit pbs')),
    '--submit pbs: one of slurm, k8s',
  )
  assert.match(
    refused(() => printed('--cell 3 --merge')),
    '--cell and --merge: one at a time',
  )
  for (const part of ['--cell', '--shard']) {
    assert.match(
      refused(() => printed(`${part} --processes 2`)),
      `--processes and ${part}: one or the other`,
    )
  }
})

test('no % of the folder is a pattern to Slurm', () => {
  const jobs = submitted(printed('--preset smoke --submit slurm --out=results/lr-50%a'))
  for (const [i, name] of [
    [0, '%x-%a.txt'],
    [3, '%x.txt'],
  ] as const)
    assert.ok(jobs[i].args.includes(`--output=results/lr-50%%a/logs/${name}`), jobs[i].args.join(' '))
})

test('Kubernetes takes the name and reads no variables into the command; results lie in the volume', () => {
  const named = (out: string) => /\n {2}name: "(.*)"\n/.exec(printed(`--submit k8s --out=${out}`))![1]
  assert.is(named('results/_CIFAR_10._'), 'cifar-10')
  assert.is(named('ä'), 'cqkd')
  assert.is(named(`results/${'long_'.repeat(20)}`), `${'long-'.repeat(12)}l`)
  assert.ok(`${named(`results/${'x'.repeat(80)}`)}-${stages.length - 1}`.length <= 63)
  assert.match(printed('--submit k8s --out=results/$(HOME)-$$'), '"--out", "results/$$(HOME)-$$$$", "--cell"]')
  for (const out of ['/data/cqkd', '../cqkd']) {
    assert.match(
      refused(() => printed(`--submit k8s --out=${out}`)),
      `--out ${out}: with --submit k8s it lies in the volume, below /home/ann's work`,
    )
  }
})

test('the Indexed Job has an index a cell, and forgives a stop behind a checkpoint', () => {
  const text = printed('--preset smoke --submit k8s')
  assert.match(text, /\n {2}completionMode: Indexed\n {2}completions: 8\n {2}parallelism: 8\n/)
  assert.match(text, '"cqkd", "--preset", "smoke", "--cell"]')
  assert.match(text, 'values: [138, 143]')
  assert.match(text, 'name: "cqkd-smoke"')
  assert.match(printed('--submit k8s --shard 4'), /completions: 4\n(.*\n)*.*"--shard", "4"\]/)
})

const cell = (number: number, flops: number) => ({ number, id: `cell ${number}`, key: `k${number}`, needs: [], flops })
const work = { id: 'cell 2', step: 50, steps: 100, imagesPerSecond: 640, loss: 1.5, seconds: 20, first: 0 }
const holder = { host: 'node7', machine: 'm', pid: 321, nonce: 'x', since: '2026-01-01T00:00:00Z', beat: 4, work }
const watched: Watched[] = [
  { cell: cell(1, 100), state: 'done', holder: null },
  { cell: cell(2, 100), state: 'at work', holder },
  { cell: cell(3, 100), state: 'at work', holder: { ...holder, work: { ...work, step: 0 } } },
  { cell: cell(4, 100), state: 'failed', holder: null },
  { cell: cell(5, 100), state: 'open', holder: null },
]
const finished = (id: string) => ({ time: '', event: 'finished' as const, id, status: 'ok', wall: 60 })

test('a watcher is told what is done, who is at what, and how long it takes', () => {
  // 150 FLOPs in 60 + 20 + 20 s; 250 are left, for two processes.
  assert.is(secondsLeft(watched, [finished('cell 1'), finished('of an earlier study')]), (250 * 100) / 150 / 2)
  assert.is(secondsLeft([watched[4]], []), null)
  const lines = watchText('results/x', watched, 83, 80)
  assert.is(lines[0], 'results/x: 1 of 5 cells done, 1 failed, 2 at work, about 1:23 left')
  assert.is(lines[1], '[4/5] cell 4  FAILED')
  assert.match(lines[2], /^\[2\/5\] cell 2 █+░+ .*640 img\/s {2}loss 1\.500 {2}ETA 0:20 {2}node7 321$/)
  assert.match(lines[3], /^\[3\/5\] cell 3 ░+ preparing {2}node7 321$/)
  assert.ok(lines.every((line) => line.length < 80))
  assert.is(rowsOf(['a'.repeat(80), '', 'b'.repeat(81)], 80), 4, 'long lines are wrapped by the terminal')
  assert.equal(watchText('x', [watched[0], watched[4]], null, 80), ['x: 1 of 2 cells done, nobody is at work'])
})

test('an array of numbers that Slurm does not take is left to the tasks that share all cells', () => {
  const { recipe } = CQKD.presets.standard
  const seeds = Array.from({ length: 25 }, (_, i) => i)
  const many = CQKD.stages({ ...recipe, seeds }, { side: 28, channels: 1, classes: 10 })
  const options = parseArguments(['--shard', '8', '--submit', 'slurm'], CQKD) as StudyArguments
  const script = submitText(many, { scheduler: 'slurm', options, argv: ['--shard', '8'], paper: CQKD }, 'x.js', '/work')
  assert.not.match(script, 'shared1=')
  assert.match(script, /shards=\$\(array '--shard 8' "1-8/)
})

test.run()
