// Results as a terminal shows them.
import type { Table } from '../report/columns.ts'
import { MISSING, significant, thousands } from '../report/format.ts'
import { mark, markdownTable, textTable } from '../report/tableText.ts'
import type { Spread } from '../tune/clock.ts'
import type { Change } from './compare.ts'
import type { Profile } from './profile.ts'
import { type BenchResults, type KernelResult, type Peaks, type StepResult, secondsOf } from './results.ts'
import type { Start } from './start.ts'

export const ms = (seconds: number) => significant(1000 * seconds)
export const share = (value: number | null) => (value === null ? MISSING : `${(100 * value).toFixed(1)} %`)
export const or = (value: number | null) => (value === null ? MISSING : significant(value))
/** Half the distance between the quartiles, of the median. */
export const spreadOf = ({ median, q1, q3 }: Spread) => `±${((50 * (q3 - q1)) / median).toFixed(0)} %`

const tableOf = (title: string, head: string[], rows: string[][], left = [0]) =>
  ({ title, head, left, blocks: [{ title: '', rows }] }) as Table
const table = (...parts: Parameters<typeof tableOf>) => textTable(tableOf(...parts))

export function resultText(results: BenchResults): string {
  const { adapter, software, kernels, steps, rounds, peaks } = results
  const timed = kernels.length + steps.length > 0
  const parts = [
    `${adapter}${software ? ' (SOFTWARE)' : ''}, subgroups of ${results.subgroupSize || 'no known size'}`,
    timed && peaks.all.length ? peakText(peaks, rounds) : '',
    kernels.length ? textTable(kernelTable(kernels)) : '',
    steps.length ? stepText(steps) : '',
  ]
  return `${parts.filter(Boolean).join('\n\n')}\n`
}

/** The kernels' part of a result, to be pasted into an issue or a page. */
export function resultMarkdown(results: BenchResults): string {
  const { adapter, software, subgroupSize, features, peaks, rounds, kernels, version, commit, date } = results
  const timestamps = kernels.some(({ device }) => device)
  const facts = [
    `**${mark(adapter)}**${software ? ' (software)' : ''}, subgroups of ${subgroupSize || 'no known size'}`,
    `peaks: ${significant(peaks.gflops)} GFLOP/s, ${significant(peaks.gbs)} GB/s`,
    `medians of ${rounds} rounds, by ${timestamps ? "the device's timestamps" : 'the wall clock'}`,
    mark(`webgpu-distill ${version}${commit ? ` (${commit})` : ''}, ${date}`),
    `features: ${mark(features.join(', ') || 'none')}`,
    ...(results.userAgent ? [mark(results.userAgent)] : []),
  ]
  return `${facts.map((fact) => `- ${fact}`).join('\n')}\n\n${markdownTable(kernelTable(kernels))}\n`
}

function peakText({ all, gflops, gbs }: Peaks, rounds: number): string {
  const list = (kind: string, unit: string) =>
    all
      .filter((peak) => peak.kind === kind)
      .map((peak) => `${peak.name.replace(`${kind} `, '')} ${significant(peak.rate)}`)
      .join(', ')
      .concat(` ${unit}`)
  const lines = [
    `Peaks, medians of ${rounds} rounds`,
    `  multiply-add  ${significant(gflops)} GFLOP/s: ${list('fma', 'GFLOP/s')}`,
  ]
  if (gbs > 0) lines.push(`  copy          ${significant(gbs)} GB/s: ${list('copy', 'GB/s')}`)
  return lines.join('\n')
}

function kernelTable(kernels: readonly KernelResult[]): Table {
  const several = kernels.some(({ kernel }) => kernel !== 'ours')
  const head = [
    'op pass shape',
    'ms',
    'wall',
    'spread',
    'n',
    'GFLOP/s',
    'of peak',
    'GB/s',
    'of copy',
    'disp',
    'deviation',
  ]
  const rows = kernels.map((result) => {
    const { name, kernel, wall, gflops, gbs, ofPeak, ofCopy, dispatches, check } = result
    const shown = several ? `${name} (${kernel})` : name
    const time = secondsOf(result)
    if (!time) return [shown, 'WRONG', ...Array(8).fill(''), check.error.toExponential(1)]
    return [
      ...[shown, ms(time.median), ms(wall!.median), spreadOf(time), String(time.n), or(gflops), share(ofPeak)],
      ...[or(gbs), share(ofCopy), String(dispatches), check.error.toExponential(1)],
    ]
  })
  return tableOf('Kernels', head, rows)
}

function stepText(steps: readonly StepResult[]): string {
  const head = [
    'step',
    'ms',
    'wall',
    'spread',
    'n',
    'images/s',
    'GFLOP/s',
    'of peak',
    'disp',
    'submits',
    'objects',
    'host ms',
    'MiB',
  ]
  const rows = steps.map((step) => {
    const time = secondsOf(step)!
    const made = Object.values(step.objects).reduce((sum, count) => sum + count, 0)
    return [
      ...[step.name, ms(time.median), ms(step.wall.median), spreadOf(step.wall), String(time.n)],
      ...[significant(step.imagesPerSecond), significant(step.gflops), share(step.ofPeak), String(step.dispatches)],
      ...[String(step.submits), String(made), significant(step.hostMs.median), significant(step.memoryBytes / 2 ** 20)],
    ]
  })
  const more = steps.map(({ name, compileSeconds, firstStepSeconds, start, firstLoss, lastLoss }) => {
    const seconds = (value: number) => `${significant(value)} s`
    const told = ({ seconds: wall, processorSeconds }: Start) =>
      `${seconds(wall)} (processor ${seconds(processorSeconds)})`
    const fresh = start ? `; a new process: cold ${told(start.cold)}, warm ${told(start.warm)}` : ''
    const loss = `loss ${significant(firstLoss)} → ${significant(lastLoss)}`
    return `${name}: first step ${seconds(firstStepSeconds)} (${seconds(compileSeconds)} compiling)${fresh}; ${loss}`
  })
  return [table('Steps', head, rows), '', ...more].join('\n')
}

const MOST = 12

/** By pipeline, then the dispatches that cost most. */
export function profileText(name: string, { pipelines, dispatches, seconds, rounds }: Profile): string {
  const title = `${name}: ${dispatches.length} dispatches, ${ms(seconds)} ms with a pass each, medians of ${rounds}`
  const rows = pipelines.map((each) => [ms(each.seconds), share(each.share), String(each.dispatches), each.pipeline])
  const worst = [...dispatches].sort((a, b) => b.seconds - a.seconds).slice(0, MOST)
  const single = worst.map(({ seconds: own, index, groups, bytes, pipeline }) => {
    return [ms(own), share(own / seconds), String(index), groups.join('x'), thousands(bytes / 1024), pipeline]
  })
  return [
    title,
    '',
    table('By pipeline', ['ms', 'share', 'disp', 'pipeline'], rows, [3]),
    '',
    table('The most expensive dispatches', ['ms', 'share', 'index', 'workgroups', 'KiB', 'pipeline'], single, [5]),
    '',
  ].join('\n')
}

export function changeText(changed: readonly Change[], file: string, sameAdapter: boolean): string {
  const head = ['', 'before ms', 'now ms', 'faster', 'faster against the peak']
  const rows = changed.map(({ name, before, after, faster, ofPeak }) => {
    return [name, ms(before), ms(after), `${significant(faster)}x`, `${significant(ofPeak)}x`]
  })
  const warning = sameAdapter ? '' : '\nANOTHER ADAPTER: these times say nothing about the kernels.'
  return `${table('Compared', head, rows)}\nBefore: ${file}.${warning}\n`
}
