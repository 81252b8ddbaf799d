// The fitted error curves of a study over numbers of training images, a line a method.
import { fitErrorCurve } from './errorCurve.ts'
import { fixed, MISSING, percent } from './format.ts'
import { type Group, groupRows, labelOf, perSeed, sharedSeeds } from './groups.ts'
import type { Row } from './rows.ts'
import { interval } from './stats.ts'
import { having, numbersIn } from './varied.ts'

/** Nothing where there are fewer than three numbers of images. */
export function errorTable(rows: Row[]) {
  const groups = groupRows(rows).filter(({ axis }) => axis === 'images')
  const kinds = new Map<string, Group[]>()
  for (const group of groups) {
    const name = `${group.role === 'teacher' ? 'teacher, ' : ''}${labelOf({ ...group, at: undefined })}`
    const key = `${group.size} px/${name}`
    kinds.set(key, [...(kinds.get(key) ?? []), group])
  }
  const lines = [...kinds].flatMap(([key, own]) => {
    const fits = curvesOf(own)
    if (fits.length === 0) return []
    const cells = (['e', 'c', 'alpha'] as const).map((constant) => {
      const { mean, lower, upper } = interval(fits.map((fit) => fit[constant]))
      const write = constant === 'e' ? percent : (x: number) => fixed(x, 2)
      return lower === null ? write(mean) : `${write(mean)} [${write(lower)}, ${write(upper!)}]`
    })
    return [{ size: key.split('/')[0], cells: [key.slice(key.indexOf('/') + 1), String(fits.length), ...cells] }]
  })
  if (lines.length === 0) return []
  return [
    {
      title: 'Error curves',
      caption:
        'Test error against the number n of training images, e + c n^-α, fitted to each seed, the mean over seeds with its 95 % interval: e is the error that no number of images takes away. Few points and three constants: intervals are wide, and an e of 0 is the edge of what was allowed. Epochs are equal, so steps grow with n.',
      head: ['method', 'seeds', 'e %', 'c', 'α'],
      left: [0],
      blocks: [...new Set(lines.map(({ size }) => size))].map((size) => ({
        title: size,
        rows: lines.filter((line) => line.size === size).map(({ cells }) => cells.map((cell) => cell || MISSING)),
      })),
    },
  ]
}

/** A fit a seed that has every number of images. */
export function curvesOf(groups: Group[]) {
  const images = numbersIn(groups)
  if (images.length < 3) return []
  const accuracies = images.map((n) =>
    perSeed(
      having(groups, n).flatMap(({ rows }) => rows),
      'accuracy',
    ),
  )
  return sharedSeeds(accuracies).map((seed) => ({
    seed,
    ...fitErrorCurve(
      images,
      accuracies.map((found) => 1 - found.get(seed)!),
    ),
  }))
}
