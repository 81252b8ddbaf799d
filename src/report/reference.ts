// The PyTorch reference of the quick CQKD preset: Fashion-MNIST, 2,000 class-balanced images, ResNet-8, mean ± 95 %
// over 6 seeds, float32 on a processor. Typed in percent as published to us, handed out as fractions.
import type { Metric, Teacher } from './rows.ts'

/** A line of the table. */
export interface ReferenceLine {
  method: string
  temperature: number | null
  teacher: Teacher | null
}

export interface ReferenceEntry extends ReferenceLine {
  size: number
  metric: Metric
  value: number
  /** Half of the 95 % interval; null where none is on file, and then the entry cannot be judged. */
  half: number | null
}

export interface ReferenceDifference {
  size: number
  metric: Metric
  a: ReferenceLine
  b: ReferenceLine
  value: number
  half: number
}

const LINES: ReferenceLine[] = [
  { method: 'supervised', temperature: null, teacher: null },
  { method: 'cqkd', temperature: 1, teacher: 'calibrated' },
  { method: 'cqkd', temperature: 4, teacher: 'calibrated' },
  { method: 'cqkd', temperature: 20, teacher: 'calibrated' },
  { method: 'cqkd', temperature: 4, teacher: 'raw' },
  { method: 'dml', temperature: null, teacher: null },
]
const [SUPERVISED, , CALIBRATED, , RAW, DML] = LINES

// A line as above: accuracy %, ±, ECE %, ±, entropy; at 14 px, then at 7 px.
const VALUES = [
  [82.31, 0.49, 7.92, 0.7, 0.272, 81.37, 0.56, 9.35, 0.58, 0.257],
  [82.64, 0.28, 4.84, 0.6, 0.375, 81.51, 0.65, 6.33, 0.67, 0.365],
  [83.13, 0.38, 2.94, 0.63, 0.441, 82.01, 0.36, 5.19, 0.57, 0.408],
  [83.4, 0.56, 2.84, 0.75, 0.44, 81.85, 0.48, 5.26, 0.54, 0.411],
  [83.09, 0.33, 9.56, 0.56, 0.198, 81.92, 0.36, 11.15, 0.48, 0.186],
  [83.4, 0.53, 4.39, 0.51, 0.347, 82.12, 0.47, 6.08, 0.5, 0.332],
]

const entries = LINES.flatMap((line, i) =>
  [14, 7].flatMap((size, column): ReferenceEntry[] => {
    const [accuracy, accuracyHalf, ece, eceHalf, entropy] = VALUES[i].slice(5 * column, 5 * column + 5)
    return [
      { ...line, size, metric: 'accuracy', value: accuracy / 100, half: accuracyHalf / 100 },
      { ...line, size, metric: 'ece', value: ece / 100, half: eceHalf / 100 },
      { ...line, size, metric: 'entropy', value: entropy, half: null },
    ]
  }),
)

export const REFERENCE = {
  source: 'PyTorch reference of this project, quick CQKD protocol, mean ± 95 % over 6 seeds',
  preset: 'quick',
  dataset: 'fashion-mnist',
  seeds: 6,
  /** The half width of an interval is this many times the spread of one seed: t(0.975, 5) / √6. */
  halfPerSd: 1.05,
  entries,
  teacher: { accuracy: 0.8348, accuracyHalf: 0.0038, eceRaw: 0.0922, eceCalibrated: 0.0192 },
  /** Differences whose paired spread is on file. */
  differences: [
    { size: 14, metric: 'accuracy', a: DML, b: SUPERVISED, value: 0.011, half: 0.0047 },
  ] as ReferenceDifference[],
  /** Pairs of lines whose difference is compared: every method against supervised, raw against calibrated. */
  pairs: [...LINES.slice(1).map((line) => [line, SUPERVISED] as const), [RAW, CALIBRATED] as const],
}
