// C3 to C6c: what temperature and image size do to the student's entropy and calibration.
import type { Part } from './claim.ts'
import { against0, type Cells, type Claim, compare, difference, inWords, judged, lookBySize } from './compare.ts'
import { type Group, labelOf, perSeed } from './groups.ts'
import { at, largestAndSmallest, sizesOf, spanOf, students, temperaturesOf } from './select.ts'
import { interval, type Side } from './stats.ts'
import { noted } from './triplet.ts'

/** How much of the calibration error must be overconfidence to be called 'nearly all' (our choice, made beforehand). */
const NEARLY_ALL = 0.9

interface Effect {
  measure: 'entropy' | 'ece' | 'accuracy'
  statistic: string
  side: Side
  unit: 'nats' | 'fraction'
}

/**
 * Highest against lowest temperature, which says what each step, each size and the raw teacher give by themselves; then
 * all of these, and CQKD against supervised.
 */
function temperatureRaises(effect: Effect): Claim['test'] {
  return (cells) => {
    const calibrated = students(cells, 'cqkd', 'calibrated')
    const raw = students(cells, 'cqkd', 'raw')
    const supervised = students(cells, 'supervised')
    const temperatures = temperaturesOf(calibrated)
    if (temperatures.length < 2) return 'fewer than two temperatures with a calibrated teacher'
    const step = (groups: Group[], high: number, low: number, size?: number, decides = false): Part => {
      const [a, b] = [high, low].map((temperature) => at(groups, { temperature, size }))
      const where = spanOf(a.map((group) => ({ ...group, temperature: null })))
      const rows = `${labelOf(groups[0])}, T = ${high} minus T = ${low}, ${where}`
      return compare(a, b, { rows, ...effect, decides })
    }
    const [low, high] = [temperatures[0], temperatures[temperatures.length - 1]]
    const rawTemperatures = temperaturesOf(raw)
    const sized = lookBySize(calibrated, (size) => step(calibrated, high, low, size))
    const named = (groups: Group[], name: string, t: number, before: number) => {
      return [`${name}T = ${t} minus T = ${before}`, step(groups, t, before)] as const
    }
    const steps =
      temperatures.length > 2 ? temperatures.slice(1).map((t, i) => named(calibrated, '', t, temperatures[i])) : []
    const fromRaw =
      rawTemperatures.length > 1
        ? [named(raw, 'raw teacher at ', rawTemperatures[rawTemperatures.length - 1], rawTemperatures[0])]
        : []
    const beside =
      effect.measure === 'accuracy' ? [] : [calibrated, raw].map((groups) => distilled(groups, supervised, effect))
    const rawBeside = beside.slice(1).map((part) => ['raw teacher minus supervised', part] as const)
    return [
      noted(step(calibrated, high, low, undefined, true), inWords([...steps, ...sized, ...fromRaw, ...rawBeside])),
      ...steps.map(([, part]) => part),
      ...sized.map(([, part]) => part),
      ...fromRaw.map(([, part]) => part),
      ...beside,
    ].filter(({ note }) => note !== 'no such rows to compare')
  }
}

/** Distilled minus supervised: whether a teacher's confidence passes to the student. */
function distilled(groups: Group[], supervised: Group[], effect: Effect): Part {
  const name = groups.length ? labelOf(groups[0]) : ''
  const rows = `${name} minus supervised, ${spanOf(groups)}`
  return compare(groups, supervised, { rows, ...effect, decides: false })
}

/** Smallest minus largest size, supervised first. */
function smallImagesRaiseEce(cells: Cells): Part[] | string {
  const supervised = students(cells, 'supervised')
  const sizes = sizesOf(supervised)
  if (sizes.length < 2) return 'supervised rows at fewer than two sizes'
  const [large, small] = [sizes[0], sizes[sizes.length - 1]]
  const lines: [string, Group[]][] = [
    ['supervised', supervised],
    ['CQKD calibrated, mean of its temperatures', students(cells, 'cqkd', 'calibrated')],
    ['CQKD raw, mean of its temperatures', students(cells, 'cqkd', 'raw')],
    ['DML', students(cells, 'dml')],
  ]
  return lines
    .filter(([, groups]) => groups.length)
    .map(([name, groups]) =>
      difference(at(groups, { size: small }), at(groups, { size: large }), {
        rows: `${name}, ${small} px minus ${large} px`,
        statistic: 'ECE',
        measure: 'ece',
        side: 'above',
        decides: name === 'supervised',
      }),
    )
}

/** At the smallest size the signed gap is above 0, and above nine tenths of the ECE. */
function riseIsOverconfidence(cells: Cells): Part[] | string {
  const supervised = students(cells, 'supervised')
  const sizes = sizesOf(supervised)
  if (sizes.length === 0) return 'no supervised rows'
  const parts = (size: number, decides: boolean): Part[] => [
    against0(at(supervised, { size }), {
      rows: `supervised, ${size} px`,
      statistic: 'signed gap (confidence minus accuracy)',
      measure: 'signedGap',
      side: 'above',
      decides,
    }),
    against0(at(supervised, { size }), {
      rows: `supervised, ${size} px`,
      statistic: `signed gap minus ${NEARLY_ALL} ECE`,
      measure: ({ signedGap, ece }) => (signedGap === null || ece === null ? null : signedGap - NEARLY_ALL * ece),
      side: 'above',
      decides,
    }),
  ]
  const smallest = sizes[sizes.length - 1]
  return [...parts(smallest, true), ...sizes.filter((size) => size !== smallest).flatMap((size) => parts(size, false))]
}

/**
 * The smallest size against the full one with fewer images: it decides; then each smaller size at each number of images
 * whose accuracy the full one has, too.
 */
function lostInformation({ all, groups }: Cells): Part[] | string {
  const supervised = students({ groups: all }, 'supervised')
  const main = students({ groups }, 'supervised')
  const small = sizesOf(main).pop()
  const several = sizesOf(supervised).filter((size) => at(supervised, { size }).length > 1)
  const full = several.find((size) => small !== undefined && size > small)
  if (small === undefined || full === undefined) {
    return 'needs supervised rows at full size with fewer training images (the accuracy-matched control)'
  }
  const [ours] = at(main, { size: small })
  const control = at(supervised, { size: full })
  const part = atEqualAccuracy(ours, control, true)
  if (!part) return `no seed's accuracy at ${small} px lies between those at ${full} px with fewer images`
  const others = supervised.filter(({ size, images }) => size < full && !(size === small && images === ours.images))
  return [part, ...others.flatMap((group) => atEqualAccuracy(group, control, false) ?? [])]
}

/** ECE of a group minus that of the control at equal accuracy, interpolated between its numbers of images. */
function atEqualAccuracy({ size, images, rows }: Group, control: Group[], decides: boolean): Part | null {
  const full = control[0].size
  const [accuracy, ece] = [perSeed(rows, 'accuracy'), perSeed(rows, 'ece')]
  const differences = [...accuracy].flatMap(([seed, target]) => {
    const curve = control.flatMap((group) => {
      const [x, y] = [perSeed(group.rows, 'accuracy').get(seed), perSeed(group.rows, 'ece').get(seed)]
      return x === undefined || y === undefined ? [] : [{ x, y }]
    })
    const matched = interpolate(curve, target)
    return matched === null || !ece.has(seed) ? [] : [ece.get(seed)! - matched]
  })
  if (differences.length === 0) return null
  const left = accuracy.size - differences.length
  const part = judged(interval(differences), {
    rows: `supervised, ${size} px, ${images} images, minus ${full} px with as many fewer as give the same accuracy`,
    statistic: 'ECE at equal accuracy',
    side: 'above',
    decides,
  })
  return {
    ...part,
    note: left ? `${left} of ${accuracy.size} seeds left out: accuracy outside the control's range` : '',
  }
}

/** y at x on the line through the points sorted by x; null outside them. */
function interpolate(points: { x: number; y: number }[], x: number): number | null {
  const sorted = [...points].sort((a, b) => a.x - b.x)
  const above = sorted.findIndex((point) => point.x >= x)
  if (above < 0 || (above === 0 && sorted[0].x > x)) return null
  if (above === 0) return sorted[0].y
  const [a, b] = [sorted[above - 1], sorted[above]]
  return a.y + ((b.y - a.y) * (x - a.x)) / (b.x - a.x)
}

export const CALIBRATION_CLAIMS: Claim[] = [
  {
    id: 'C3',
    text: 'A higher temperature gives the student a higher entropy',
    source: 'abstract',
    here: 'highest minus lowest temperature, calibrated teacher, mean over sizes',
    test: temperatureRaises({ measure: 'entropy', statistic: 'entropy', side: 'above', unit: 'nats' }),
  },
  {
    id: 'C4',
    text: 'A higher temperature gives the student a lower calibration error',
    source: 'abstract',
    here: 'highest minus lowest temperature, calibrated teacher, mean over sizes',
    test: temperatureRaises({ measure: 'ece', statistic: 'ECE', side: 'below', unit: 'fraction' }),
  },
  {
    id: 'C5',
    text: 'A higher temperature gives the student a higher accuracy',
    source: 'abstract',
    here: 'highest minus lowest temperature, calibrated teacher, mean over sizes',
    test: temperatureRaises({ measure: 'accuracy', statistic: 'accuracy', side: 'above', unit: 'fraction' }),
  },
  {
    id: 'C6',
    text: 'Small images raise the calibration error',
    source: 'review',
    here: (cells) => largestAndSmallest(students(cells, 'supervised')),
    test: smallImagesRaiseEce,
  },
  {
    id: 'C6b',
    text: 'The rise is overconfidence: the signed gap is above 0 and nearly all of the ECE',
    source: 'review',
    here: (cells) =>
      `supervised at ${sizesOf(students(cells, 'supervised')).pop()} px; nearly all: ${100 * NEARLY_ALL} % of it`,
    test: riseIsOverconfidence,
  },
  {
    id: 'C6c',
    text: 'It comes from lost information: at equal accuracy, reached with fewer images at full size, it is smaller',
    source: "a reviewer's reading",
    here: ({ groups, all }) => {
      const [small, full] = [groups, all].map((some) => sizesOf(students({ groups: some }, 'supervised')))
      return `supervised, ${small.pop()} px against ${full[0]} px with fewer images`
    },
    test: lostInformation,
  },
]
