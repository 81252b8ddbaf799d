// The figure of the error curves: test error against the number of training images, and what was fitted to it.
import { curvesOf } from './errorTable.ts'
import { type Figure, measuredPoints, plot } from './figures.ts'
import { axisOf, lineOf } from './figuresAxis.ts'
import { groupRows } from './groups.ts'
import { linesOf, lookOf, sameLine } from './lines.ts'
import type { Results } from './rows.ts'
import type { Point, Series } from './svg.ts'
import { numbersIn } from './varied.ts'

const STEPS = 32

/** Students' points with the mean of their seeds' curves; nothing where there are fewer than three numbers of images. */
export function errorFigures({ rows }: Pick<Results, 'rows'>, standalone = false): Figure[] {
  const groups = groupRows(rows).filter(({ axis, role }) => axis === 'images' && role === undefined)
  const everyone = linesOf(groups.map(lineOf))
  return [...new Set(groups.map(({ size }) => size))].flatMap((size) => {
    const series = everyone.flatMap((line): Series[] => {
      const own = groups.filter((group) => group.size === size && sameLine(lineOf(group), line))
      const fits = curvesOf(own)
      if (fits.length === 0) return []
      const images = numbersIn(own)
      const at = (n: number) => {
        return (100 * fits.reduce((sum, { e, c, alpha }) => sum + e + c * n ** -alpha, 0)) / fits.length
      }
      const [first, last] = [images[0], images[images.length - 1]]
      const curve = Array.from({ length: STEPS + 1 }, (_, i): Point => {
        const x = first * (last / first) ** (i / STEPS)
        return { x, y: at(x) }
      })
      const points = own.flatMap((group) => measuredPoints(group, Number(group.at), 'accuracy', 100)).map(errorOf)
      return [{ ...lookOf(line, everyone), points, curve }]
    })
    const x = axisOf('images', numbersIn(groups))
    return plot(
      `error-curves-${size}`,
      `Error curves, ${size} px`,
      'test error, and e + c n^-α, %',
      x,
      series,
      standalone,
    )
  })
}

/** Of an accuracy in %. */
const errorOf = ({ x, y, low, high }: Point): Point => {
  return { x, y: 100 - y, ...(low === undefined || high === undefined ? {} : { low: 100 - high, high: 100 - low }) }
}
