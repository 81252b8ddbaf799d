// Error against the number of training images, e + c n^-α: e is what no number of images takes away.
import { InputError } from '../errors.ts'

export interface ErrorCurve {
  /** Error that is left, as a fraction. */
  e: number
  c: number
  alpha: number
}

const STEP = 0.005
const [LEAST, MOST] = [0.05, 2]

/**
 * Least squares with e and c of at least 0, α on a grid from 0.05 to 2: for a given α the rest is linear. Throws
 * InputError for fewer than three numbers of images, from which three constants cannot be told.
 */
export function fitErrorCurve(images: readonly number[], errors: readonly number[]): ErrorCurve {
  if (images.length !== errors.length || new Set(images).size < 3) {
    throw new InputError(`fitErrorCurve: images ${images}, errors ${errors}; at least three numbers of images needed`)
  }
  let best: (ErrorCurve & { loss: number }) | null = null
  for (let k = 0; k <= Math.round((MOST - LEAST) / STEP); k++) {
    const alpha = LEAST + k * STEP
    const x = images.map((n) => n ** -alpha)
    for (const [e, c] of candidates(x, errors)) {
      const loss = errors.reduce((sum, y, i) => sum + (y - e - c * x[i]) ** 2, 0)
      if (!best || loss < best.loss) best = { e, c, alpha, loss }
    }
  }
  const { e, c, alpha } = best!
  return { e, c, alpha }
}

/** The free solution where it is allowed, and the best on each border. */
function candidates(x: readonly number[], y: readonly number[]): [number, number][] {
  const n = x.length
  const [sx, sy] = [x, y].map((list) => list.reduce((sum, value) => sum + value, 0))
  const sxx = x.reduce((sum, value) => sum + value * value, 0)
  const sxy = x.reduce((sum, value, i) => sum + value * y[i], 0)
  const c = (n * sxy - sx * sy) / (n * sxx - sx * sx)
  const e = (sy - c * sx) / n
  const borders: [number, number][] = [
    [0, Math.max(0, sxy / sxx)],
    [Math.max(0, sy / n), 0],
  ]
  return e >= 0 && c >= 0 ? [[e, c], ...borders] : borders
}
