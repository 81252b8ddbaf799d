// What a run is, in words: which data, how much of it, and how far it stands from the paper's own experiment.
import { fixed, percent, plusMinus, thousands } from './format.ts'
import { groupRows, seedsOf } from './groups.ts'
import type { Results } from './rows.ts'
import { listOf, sizesOf } from './select.ts'
import { interval, type Verdict } from './stats.ts'

const DATASETS: Record<string, string> = {
  'fashion-mnist': 'Fashion-MNIST',
  cifar10: 'CIFAR-10',
  cifar100: 'CIFAR-100',
  imagenet: 'ImageNet',
  synthetic: 'SYNTHETIC pictures',
  identities: 'SYNTHETIC identities',
}

/** Pictures that this program makes up. */
export const isSynthetic = (dataset: string): boolean => dataset === 'synthetic' || dataset === 'identities'

export function datasetName(dataset: string): string {
  return DATASETS[dataset] ?? dataset
}

/** True unless the run is the paper's own experiment: its preset, its data, nothing overridden. */
export function isReduced({ preset, dataset, overrides = [] }: Results['run']): boolean {
  return preset !== 'paper' || dataset !== 'imagenet' || overrides.length > 0
}

/** Of a preset that is called after the paper, as it is, nothing is known to be reduced. */
const isWhole = ({ preset, overrides = [] }: Results['run']): boolean => preset === 'paper' && overrides.length === 0

/** One line above every table. */
export function caption({ run, rows }: Pick<Results, 'run' | 'rows'>): string {
  const counts = groupRows(rows).flatMap(({ images }) => (images ? [images] : []))
  const images = [...new Set([Math.min(...counts), Math.max(...counts)])].map(thousands).join(' to ')
  const { ok } = seedsOf(rows)
  return [
    datasetName(run.dataset),
    `preset ${run.preset}${isReduced(run) ? ` (${isWhole(run) ? '' : 'reduced: '}not the paper's experiment)` : ''}`,
    ...(counts.length > 0 ? [`${images} training images`] : []),
    ok.length > 1 ? `mean ± standard deviation over ${ok.length} seeds` : 'one seed: direction only',
  ].join(', ')
}

// Verdict, then the words for one claim and for several.
const COUNTED: [Verdict, string, string][] = [
  ['holds', 'holds', 'hold'],
  ['reversed', 'is reversed', 'are reversed'],
  ['undecided', 'is undecided', 'are undecided'],
  [
    'one seed, no verdict',
    'has a direction but, from one seed, no verdict',
    'have a direction but, from one seed, no verdict',
  ],
  ['not tested', 'was not tested', 'were not tested'],
]

/** The paragraph that opens a report. */
export function summary({ run, rows, teachers, claims }: Results): string {
  const sizes = sizesOf(groupRows(rows))
  const { ok } = seedsOf(rows)
  const untrained = rows.filter(({ status }) => status === 'saturated').length
  const bad = rows.filter(({ status }) => status !== 'ok').length - untrained
  const full = teachers.filter(({ role }) => role === 'full')
  const tau = full.map((row) => row.tau).filter((x) => x !== null)
  const counts = COUNTED.flatMap(([verdict, one, several]) => {
    const ids = claims.filter((claim) => claim.verdict === verdict).map(({ id }) => id)
    return ids.length ? [`${ids.length} ${ids.length === 1 ? one : several} (${ids.join(', ')})`] : []
  })
  const sentences = [
    isSynthetic(run.dataset) &&
      'These are seeded synthetic pictures, not photographs: nothing here carries over to real images.',
    `Students of ${listOf(sizes)} px on ${datasetName(run.dataset)}, ${seedsText(ok.length)}, run with preset ${run.preset} on ${run.adapter}${run.software ? ' (a processor in place of a GPU)' : ''}.`,
    isReduced(run) &&
      `${isWhole(run) ? 'This run' : 'This is a reduced run: small networks, little data. It'} asks the paper's questions but is not the paper's experiment.`,
    run.overrides?.length && `The preset was changed: ${run.overrides.join(' ')}.`,
    tau.length > 0 &&
      `The teacher sees full resolution; its temperature τ, fitted on held-out logits, is ${plusMinus(interval(tau), (x) => fixed(x, 2))}${eceText(full)}.`,
    counts.length && `Of ${claims.length} claims, ${listOf(counts)}.`,
    untrained > 0 && `Generations ended by saturation, so ${untrained} of ${rows.length} rows were not trained.`,
    bad > 0 && `${bad} of ${rows.length} rows did not finish and ${bad === 1 ? 'is' : 'are'} left out.`,
    ok.length > 1 && 'Intervals are 95\u00a0%, paired by seed and not corrected for the number of claims.',
  ]
  return sentences.filter(Boolean).join(' ')
}

function seedsText(n: number): string {
  return n === 1 ? 'one seed' : `${n} seeds`
}

function eceText(teachers: Results['teachers']): string {
  const means = (['raw', 'calibrated'] as const).map((which) => {
    const values = teachers.map((row) => row[which]?.ece).filter((x) => typeof x === 'number')
    return values.length ? values.reduce((sum, x) => sum + x, 0) / values.length : null
  })
  return means[0] === null || means[1] === null
    ? ''
    : ` and takes its test ECE from ${percent(means[0])} to ${percent(means[1])} %`
}
