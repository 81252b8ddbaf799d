// How far results lie from what they should be: the one measure by which kernels are called right.

/**
 * Largest deviation at these places over the largest value expected there; Infinity where a deviation is no number, as it
 * is where a value is missing.
 */
export function deviationOf(got: ArrayLike<number>, want: (index: number) => number, places: Iterable<number>): number {
  let [worst, largest] = [0, 1e-30]
  for (const index of places) {
    const expected = want(index)
    const off = Math.abs(got[index] - expected)
    if (!(off <= worst)) worst = Number.isNaN(off) ? Number.POSITIVE_INFINITY : off
    if (Math.abs(expected) > largest) largest = Math.abs(expected)
  }
  return worst / largest
}
