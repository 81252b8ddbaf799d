// Pictures for a machine without data. The classes differ in the direction and pitch of fine stripes (5.6 and 3.2
// pixels at 28x28), which a downscale blurs first; lying over them are a coarse shape, a brightness and noise that
// say nothing of the class. Every number comes from an integer hash of (seed, picture, purpose) and from + - * / only,
// so that all platforms make the same bytes.

import { InputError } from '../errors.ts'
import { type Dataset, meanStd } from './dataset.ts'

export interface SyntheticOptions {
  train?: number
  test?: number
  /** Side in pixels. */
  size?: number
  channels?: number
  seed?: number
}

const directions = 5
const pitches = [5.6, 3.2]
const syntheticClasses = pitches.flatMap((pitch) =>
  Array.from({ length: directions }, (_, k) => `stripes of ${pitch} px at ${(k * 180) / directions} degrees`),
)

/**
 * Ten classes in turn, so that every multiple of ten is balanced. The test pictures are others than the training ones.
 * @throws InputError for a count or size that cannot be
 */
export function synthetic(options: SyntheticOptions = {}): { train: Dataset; test: Dataset } {
  const { train = 12_000, test = 4_000, size = 28, channels = 1, seed = 1 } = options
  for (const [what, n, least] of [
    ['train', train, 10],
    ['test', test, 10],
    ['size', size, 1],
    ['channels', channels, 1],
  ] as const) {
    if (!Number.isInteger(n) || n < least)
      throw new InputError(`synthetic: ${what} is ${n}, at least ${least} is needed`)
  }
  const pixels = size * size
  const known = meanStd(draw(seed, 0, Math.min(train, 1000), size, channels), channels, pixels)
  const part = (first: number, n: number): Dataset => ({
    name: 'synthetic',
    images: draw(seed, first, n, size, channels),
    labels: Uint8Array.from({ length: n }, (_, i) => (first + i) % syntheticClasses.length),
    n,
    channels,
    height: size,
    width: size,
    classes: syntheticClasses,
    ...known,
  })
  // The test pictures begin at a fixed place, so that they stay the same when more training pictures are asked for.
  return { train: part(0, train), test: part(1_000_000_000, test) }
}

/** [n, channels, size, size] of the pictures first … first + n - 1. */
function draw(seed: number, first: number, n: number, size: number, channels: number): Uint8Array {
  const images = new Uint8Array(n * channels * size * size)
  let at = 0
  for (let picture = first; picture < first + n; picture++) {
    const label = picture % syntheticClasses.length
    const chance = (purpose: number) => hash(seed, picture, purpose) / 2 ** 32
    // Stripes: direction and pitch of the class, a little off; phase and middle of the patch by chance.
    const angle = (label % directions) / directions / 2 + (chance(0) - 0.5) * 0.04
    const perPixel = 28 / size / pitches[Math.floor(label / directions)] / (0.97 + 0.06 * chance(1))
    const [sx, sy, phase] = [wave(angle + 0.25) * perPixel, wave(angle) * perPixel, chance(2)]
    const [mx, my] = [(0.3 + 0.4 * chance(3)) * size, (0.3 + 0.4 * chance(4)) * size]
    const strength = 20 + 16 * chance(5)
    // Coarse waves of at most 1.5 periods over the picture.
    const [ax, ay, bx, by] = [6, 7, 8, 9].map((purpose) => ((chance(purpose) - 0.5) * 3) / size)
    const [base, strengthA, strengthB] = [110 + 36 * chance(10), 34 * chance(11), 34 * chance(12)]
    const [phaseA, phaseB] = [chance(13), chance(14)]
    for (let c = 0; c < channels; c++) {
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < size; x++) {
          const [dx, dy] = [(x - mx) / size, (y - my) / size]
          const fade = 1 / (1 + 12 * (dx * dx + dy * dy))
          const fine = strength * fade * wave(sx * x + sy * y + phase)
          const coarse = strengthA * wave(ax * x + ay * y + phaseA) + strengthB * wave(bx * x + by * y + phaseB)
          const noise = 80 * (chance(16 + (c * size + y) * size + x) - 0.5)
          images[at++] = Math.max(0, Math.min(255, Math.floor(base + fine + coarse + noise + 0.5)))
        }
      }
    }
  }
  return images
}

/** A sine of `turns`, to 0.1 %, of exactly rounded operations only (Math.sin may differ between engines). */
export function wave(turns: number): number {
  const u = turns - Math.floor(turns) - 0.5
  const s = 16 * u * Math.abs(u) - 8 * u
  return s * (0.775 + 0.225 * Math.abs(s))
}

/** 32 well-mixed bits of three counters. */
export function hash(a: number, b: number, c: number): number {
  let h = 0x9e3779b9
  for (const word of [a, b, c]) {
    h = Math.imul(h ^ word, 0x85ebca6b)
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
    h ^= h >>> 16
  }
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  return (h ^ (h >>> 13)) >>> 0
}
