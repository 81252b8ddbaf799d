// A made-up results document: plausible numbers from a seeded generator, no training behind them, and every field that
// a reader could mistake for a real run says so.
import { seeded } from '../../src/report/bootstrap.ts'
import { type Bin, equalEdges, errorsOf } from '../../src/report/calibration.ts'
import { judgeClaims } from '../../src/report/claims.ts'
import { REFERENCE } from '../../src/report/reference.ts'
import {
  type Curve,
  type Results,
  type Row,
  type Run,
  SCHEMA_VERSION,
  type Teacher,
  type TeacherRow,
} from '../../src/report/rows.ts'

interface Line {
  method: string
  temperature: number | null
  teacher: Teacher | null
  /** Percent at 14 px: accuracy, signed gap; nats: entropy. */
  accuracy: number
  gap: number
  entropy: number
  seconds: number
}

const QUICK: Line[] = [
  { method: 'supervised', temperature: null, teacher: null, accuracy: 82.31, gap: 7.9, entropy: 0.272, seconds: 61 },
  { method: 'cqkd', temperature: 1, teacher: 'calibrated', accuracy: 82.64, gap: 4.8, entropy: 0.375, seconds: 63 },
  { method: 'cqkd', temperature: 4, teacher: 'calibrated', accuracy: 83.13, gap: 2.6, entropy: 0.441, seconds: 63 },
  { method: 'cqkd', temperature: 20, teacher: 'calibrated', accuracy: 83.4, gap: 2.5, entropy: 0.44, seconds: 63 },
  { method: 'cqkd', temperature: 4, teacher: 'raw', accuracy: 83.09, gap: 9.5, entropy: 0.198, seconds: 63 },
  { method: 'dml', temperature: null, teacher: null, accuracy: 83.4, gap: 4.3, entropy: 0.347, seconds: 188 },
]
const cqkd = (temperature: number, teacher: Teacher, accuracy: number, gap: number, entropy: number): Line => {
  return { method: 'cqkd', temperature, teacher, accuracy, gap, entropy, seconds: 190 }
}
const STANDARD: Line[] = [
  { ...QUICK[0], accuracy: 88.4, gap: 5.9, seconds: 180 },
  cqkd(1, 'calibrated', 88.8, 3.6, 0.31),
  cqkd(2, 'calibrated', 89.1, 2.4, 0.34),
  cqkd(4, 'calibrated', 89.4, 1.9, 0.36),
  cqkd(10, 'calibrated', 89.5, 1.8, 0.37),
  cqkd(20, 'calibrated', 89.5, 1.8, 0.37),
  cqkd(1, 'raw', 88.7, 5.1, 0.24),
  cqkd(4, 'raw', 89.3, 6.8, 0.18),
  cqkd(20, 'raw', 89.4, 6.9, 0.17),
  cqkd(4, 'sameResolution', 88.9, 2.3, 0.35),
  { ...QUICK[5], accuracy: 89.3, gap: 3.1, seconds: 560 },
]

export interface FakeOptions {
  preset?: 'quick' | 'standard'
  seeds?: number
  failed?: boolean
  curves?: boolean
  run?: Partial<Run>
}

/** Deterministic: the same options give the same document. */
export function fakeResults({ preset = 'quick', seeds = 3, failed, curves, run }: FakeOptions = {}): Results {
  const random = seeded(42)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const lines = preset === 'quick' ? QUICK : STANDARD
  const sizes = preset === 'quick' ? [14, 7] : [28, 14, 7]
  const images = preset === 'quick' ? 2000 : 10_000
  const rows: Row[] = []
  const teachers: TeacherRow[] = []
  const courses: Curve[] = []
  for (let seed = 0; seed < seeds; seed++) {
    const shared = 0.3 * normal()
    teachers.push(fakeTeacher(seed, preset === 'quick' ? 83.5 : 90.4, normal))
    for (const [place, size] of sizes.entries()) {
      for (const line of lines) {
        const members = line.method === 'dml' ? [0, 1, 2] : [undefined]
        for (const member of members) {
          const accuracy = (line.accuracy - 1.1 * place + shared + 0.2 * normal()) / 100
          const gap = (line.gap + 1.6 * place + 0.25 * normal()) / 100
          const row = fakeRow(line, { size, seed, images, accuracy, gap, place }, random)
          rows.push(member === undefined ? row : { ...row, member })
        }
        if (curves) courses.push(fakeCurve(line, size, seed, preset === 'quick' ? 20 : 40, random))
      }
    }
  }
  if (failed) fail(rows[rows.length - 4])
  const document: Results = {
    schemaVersion: SCHEMA_VERSION,
    run: { ...fakeRun(preset, seeds, sizes, images), ...run },
    rows,
    teachers,
    claims: [],
    ...(curves ? { curves: courses } : {}),
  }
  return { ...document, claims: judgeClaims(rows, teachers) }
}

function fakeRun(preset: string, seeds: number, sizes: number[], images: number): Run {
  return {
    version: '0.0.0-fake',
    commit: 'fake000000000000000000000000000000000000',
    adapter: 'FAKE adapter: numbers made up for a test',
    driver: 'fake driver 1.0',
    features: ['timestamp-query', 'subgroups'],
    seeds: Array.from({ length: seeds }, (_, i) => i),
    dataHash: 'sha256:fake-data',
    fingerprint: 'sha256:fake-kernels',
    command: `node bench/cqkd.js --preset ${preset} --seeds ${seeds}`,
    preset,
    dataset: 'fashion-mnist',
    config: { sizes, images, epochs: 20, student: 'resnet8 8/16/32', teacher: 'resnet8 16/32/64', w: 0.5 },
    date: '2026-01-01T00:00:00.000Z',
    software: true,
  }
}

interface Cell {
  size: number
  seed: number
  images: number
  accuracy: number
  gap: number
  place: number
}

function fakeRow(line: Line, { size, seed, images, accuracy, gap, place }: Cell, random: () => number): Row {
  const bins = fakeBins(accuracy, gap, random)
  const errors = errorsOf(bins)
  const right = bins.reduce((sum, bin) => sum + bin.count * bin.accuracy, 0) / errors.n
  const seconds = (line.seconds / 3.4 ** place) * (1 + 0.03 * random())
  return {
    method: line.method,
    size,
    temperature: line.temperature,
    teacher: line.teacher,
    tau: line.teacher === 'calibrated' ? 2.1 + 0.1 * random() : null,
    seed,
    n: images,
    status: 'ok',
    accuracy: right,
    top5: 0.99 + 0.008 * random(),
    ece: errors.ece,
    signedGap: errors.signedGap,
    entropy: line.entropy - 0.015 * place + 0.01 * (random() - 0.5),
    nll: 0.5 + 2 * Math.max(0, gap) + 0.02 * random(),
    brier: 0.24 + Math.max(0, gap) / 2,
    trainAccuracy: Math.min(0.999, right + 0.06 + line.gap / 200),
    trainNll: 0.2 - line.gap / 200 + 0.01 * random(),
    seconds,
    teacherSeconds: line.teacher ? 95 : null,
    imagesPerSecond: (20 * images) / seconds,
    inferenceMs: (0.09 / 3.6 ** place) * (1 + 0.1 * random()),
    forwardFlops: Math.round(1_284_000 / 3.7 ** place),
    sha256: `fake${Math.floor(random() * 1e9).toString(16)}`,
    bins,
    confusion: fakeConfusion(right),
  }
}

/** 1,000 pictures of each of ten classes; wrong answers are mostly those of the next class. */
function fakeConfusion(accuracy: number): number[][] {
  return Array.from({ length: 10 }, (_, i) => {
    const row = new Array<number>(10).fill(0)
    row[i] = Math.round(1000 * Math.min(1, accuracy + 0.05 * Math.sin(i)))
    row[(i + 1) % 10] = Math.round(0.7 * (1000 - row[i]))
    row[(i + 4) % 10] = 1000 - row[i] - row[(i + 1) % 10]
    return row
  })
}

/** 10,000 pictures in 15 bins with about the given accuracy and mean gap; small confidences are rare. */
function fakeBins(accuracy: number, gap: number, random: () => number): Bin[] {
  const edges = equalEdges(15)
  const middles = Array.from({ length: 15 }, (_, k) => (edges[k] + edges[k + 1]) / 2)
  const weigh = (tilt: number) =>
    middles.map((c, k) => (k < 2 ? 0 : Math.exp(tilt * c) + (k === 14 ? Math.exp(tilt * 1.1) : 0)))
  const meanOf = (weights: number[]) => {
    return weights.reduce((sum, w, k) => sum + w * middles[k], 0) / weights.reduce((sum, w) => sum + w, 0)
  }
  let [low, high] = [-10, 60]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (meanOf(weigh(middle)) < accuracy + gap) low = middle
    else high = middle
  }
  const weights = weigh(low)
  const total = weights.reduce((sum, w) => sum + w, 0)
  return middles.map((middle, k) => {
    const count = Math.round((10_000 * weights[k]) / total)
    const bend = 1 + 1.2 * Math.sin(Math.PI * middle)
    const scale = gap / 1.35
    const right = Math.round(count * Math.min(1, Math.max(0, middle - scale * bend + 0.02 * (random() - 0.5))))
    const share = count ? right / count : 0
    return { lower: edges[k], upper: edges[k + 1], count, meanConfidence: count ? middle : 0, accuracy: share }
  })
}

function fakeTeacher(seed: number, accuracy: number, normal: () => number): TeacherRow {
  const random = seeded(1000 + seed)
  const right = (accuracy + 0.3 * normal()) / 100
  const calibration = (gap: number, entropy: number) => {
    const bins = fakeBins(right, gap, random)
    const { ece, signedGap } = errorsOf(bins)
    return { ece, signedGap, entropy, nll: 0.5 + 2 * gap, brier: 0.24, bins }
  }
  return {
    size: 28,
    seed,
    role: 'full',
    status: 'ok',
    tau: 2.1 + 0.05 * normal(),
    accuracy: right,
    top5: 0.995,
    trainAccuracy: 0.999,
    trainNll: 0.01,
    raw: calibration(REFERENCE.teacher.eceRaw, 0.21),
    calibrated: calibration(REFERENCE.teacher.eceCalibrated, 0.46),
    seconds: 95 + 3 * Math.abs(normal()),
    inferenceMs: 0.31,
    forwardFlops: 10_140_000,
    sha256: 'fake-teacher',
  }
}

function fakeCurve(line: Line, size: number, seed: number, epochs: number, random: () => number): Curve {
  const end = line.accuracy - (size < 10 ? 1.2 : 0)
  const points = Array.from({ length: epochs }, (_, i) => {
    const done = (i + 1) / epochs
    const rise = 1 - Math.exp(-5 * done)
    return {
      epoch: i + 1,
      accuracy: (end * (0.55 + 0.45 * rise) + 1.5 * (1 - done) * (random() - 0.5)) / 100,
      trainLoss: 1.6 * Math.exp(-3.2 * done) + 0.1 + line.gap / -100 + 0.03 * random(),
    }
  })
  return { method: line.method, size, temperature: line.temperature, teacher: line.teacher, seed, points }
}

function fail(row: Row): void {
  row.status = 'failed'
  row.reason = 'loss became NaN at step 412 (fake)'
  row.accuracy = row.ece = row.entropy = row.nll = row.brier = row.signedGap = row.top5 = null
  row.sha256 = null
  delete row.bins
}
