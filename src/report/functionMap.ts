// Where networks stand among each other by what they answer: classical multidimensional scaling of the root of the mean
// Jensen-Shannon divergence, which is a metric.
import { softmax } from './metrics.ts'

/** Mean Jensen-Shannon divergence of two networks' probabilities over the same pictures, in nats (at most ln 2). */
export function divergence(p: Float64Array, q: Float64Array, classes: number): number {
  let sum = 0
  for (let i = 0; i < p.length; i++) {
    const m = (p[i] + q[i]) / 2
    if (p[i] > 0) sum += 0.5 * p[i] * Math.log(p[i] / m)
    if (q[i] > 0) sum += 0.5 * q[i] * Math.log(q[i] / m)
  }
  return Math.max(0, sum) / (p.length / classes)
}

/** Squared distances between all networks, from their logits on the same pictures. */
export function squaredDistances(logits: ArrayLike<number>[], classes: number): Float64Array[] {
  const probabilities = logits.map((each) => softmax(each, classes))
  return probabilities.map((p) => Float64Array.from(probabilities, (q) => divergence(p, q, classes)))
}

/**
 * Classical scaling to a plane: the two largest eigenvectors of the doubly centred squared distances. `share` is how
 * much of the sum of all distances squared the plane holds. Signs are chosen so that the last point lies to the right
 * and above.
 */
export function scaled(squared: readonly Float64Array[]): { points: [number, number][]; share: number } {
  const n = squared.length
  const means = squared.map((row) => row.reduce((sum, value) => sum + value, 0) / n)
  const all = means.reduce((sum, value) => sum + value, 0) / n
  const centred = squared.map((row, i) => row.map((value, j) => -0.5 * (value - means[i] - means[j] + all)))
  const trace = centred.reduce((sum, row, i) => sum + row[i], 0)
  const axes = [0, 1].map(() => {
    const { value, vector } = largest(centred)
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) centred[i][j] -= value * vector[i] * vector[j]
    const sign = vector[n - 1] < 0 ? -1 : 1
    const length = sign * Math.sqrt(Math.max(0, value))
    return { value: Math.max(0, value), at: vector.map((x) => x * length) }
  })
  const points = Array.from({ length: n }, (_, i): [number, number] => [axes[0].at[i], axes[1].at[i]])
  return { points, share: trace > 0 ? (axes[0].value + axes[1].value) / trace : 1 }
}

/** The eigenvector of the largest eigenvalue in magnitude, by power iteration from a fixed start. */
function largest(matrix: readonly Float64Array[]): { value: number; vector: Float64Array } {
  const n = matrix.length
  let vector = Float64Array.from({ length: n }, (_, i) => Math.cos(1 + 2.4 * i))
  let value = 0
  for (let round = 0; round < 5000; round++) {
    const next = matrix.map((row) => row.reduce((sum, x, j) => sum + x * vector[j], 0))
    const length = Math.hypot(...next)
    if (length < 1e-300) return { value: 0, vector: new Float64Array(n) }
    const unit = Float64Array.from(next, (x) => x / length)
    const before = value
    value = unit.reduce((sum, x, i) => sum + x * matrix[i].reduce((dot, y, j) => dot + y * unit[j], 0), 0)
    vector = unit
    if (round > 10 && Math.abs(value - before) < 1e-14 * Math.abs(value)) break
  }
  return { value, vector }
}
