// The figures of a study of one method, several sizes and several numbers of training images: a line a size. The
// calibration error against the accuracy says whether it matters which information is missing: then the lines lie
// apart.
import { type Figure, measuredPoints, plot } from './figures.ts'
import { type Group, groupRows, summarise } from './groups.ts'
import { toneOn } from './palette.ts'
import type { Metric, Results } from './rows.ts'
import { sizesOf } from './select.ts'
import type { LineChart, Marker, Series } from './svg.ts'
import { numbersIn } from './varied.ts'

const MARKERS: Marker[] = ['circle', 'square', 'diamond', 'triangle', 'down']
const ECE = 'ECE of 15 bins, %'

/** Nothing where there are several methods, one size, or the number of images is not what varies. */
export function imageFigures({ rows }: Pick<Results, 'rows'>, standalone = false): Figure[] {
  const groups = groupRows(rows)
  const [sizes, numbers] = [sizesOf(groups), numbersIn(groups)]
  const alone = new Set(groups.map(({ method }) => method)).size === 1
  const varied = groups.every(({ axis }) => axis === 'images')
  if (!alone || !varied || sizes.length < 2 || numbers.length < 2) return []
  const series = (metric: Metric, place: (group: Group) => number | undefined) =>
    sizes.map((size, i): Series => {
      const own = groups.filter((group) => group.size === size)
      const points = own.flatMap((group) => measuredPoints(group, place(group) ?? Number.NaN, metric, 100))
      const look = { tone: toneOn('blue', sizes.length - 1 - i, sizes.length), marker: MARKERS[i % MARKERS.length] }
      return { label: `${size} px`, dash: 'solid', ...look, points }
    })
  const images = (group: Group) => (typeof group.at === 'number' ? group.at : undefined)
  const accuracy = ({ rows: own }: Group) => {
    const found = summarise(own, 'accuracy')
    return found ? 100 * found.mean : undefined
  }
  const x: LineChart['x'] = { label: 'training images', kind: 'log', ticks: numbers }
  const [fewest, most] = [numbers[0], numbers[numbers.length - 1]]
  const reached: LineChart['x'] = {
    label: `test accuracy, %, with ${fewest} to ${most} training images`,
    kind: 'linear',
  }
  return [
    ...plot(
      'ece-by-accuracy',
      'Calibration error at equal accuracy',
      ECE,
      reached,
      series('ece', accuracy),
      standalone,
    ),
    ...plot('accuracy-by-images', 'Accuracy', 'test accuracy, %', x, series('accuracy', images), standalone),
    ...plot('ece-by-images', 'Calibration error', ECE, x, series('ece', images), standalone),
  ]
}
