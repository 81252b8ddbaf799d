// The map of functions: a path a network, from its first epoch (open circle) to its last (filled); near each other is
// what answers alike.
import type { Figure } from './figures.ts'
import { fixed, percent } from './format.ts'
import { frame, label, line, px } from './frame.ts'
import { labelOf } from './groups.ts'
import { sameLine } from './lines.ts'
import { type Markup, markup } from './markup.ts'
import type { MapPoint, Results } from './rows.ts'
import { linear, niceTicks, spread, textWidth, tickDigits } from './scale.ts'

const [PLOT, FONT, GAP] = [330, 13, 15]
const TONES = ['blue2', 'orange2', 'green0', 'purple2', 'red0', 'teal0', 'gold0', 'ink0']

/** Nothing where a study kept no answers. */
export function mapFigures(
  { map, mapEnd, mapShare, mapEndShare }: Pick<Results, 'map' | 'mapEnd' | 'mapShare' | 'mapEndShare'>,
  standalone = false,
): Figure[] {
  const [all, late] = ['Where training goes', 'Where training ends: the second half of the epochs']
  return [
    ...mapFigure({ id: 'function-map', title: all, share: mapShare }, map, standalone),
    ...mapFigure({ id: 'function-map-end', title: late, share: mapEndShare }, mapEnd, standalone),
  ]
}

function mapFigure(
  { id, title, share }: { id: string; title: string; share?: number },
  map: MapPoint[] = [],
  standalone: boolean,
): Figure[] {
  if (map.length === 0) return []
  const paths: MapPoint[][] = []
  for (const point of map) {
    const path = paths.find(([first]) => sameLine(first, point))
    if (path) path.push(point)
    else paths.push([point])
  }
  for (const path of paths) path.sort((a, b) => a.epoch - b.epoch)
  const measure = 'distance: √ of the mean Jensen-Shannon divergence of test answers'
  const units = [
    measure,
    ...(share === undefined ? [] : [`of the squared distances ${percent(share, 0)} % lie in this plane`]),
  ]
  const anchors = paths.some(([{ generation }]) => generation === 1)
  // The last student of generation 0 is the anchor of the first.
  const names = paths.map(([point]) => {
    const anchor = anchors && point.generation === 0 && point.role === undefined
    return `${point.role ?? 'student'}, ${labelOf(point)}${anchor ? ': ends as anchor' : ''}`
  })
  const said = paths.map((path, i) => {
    const [first, last] = [path[0], path[path.length - 1]].map(({ x, y }) => `(${fixed(x, 2)}, ${fixed(y, 2)})`)
    return `${names[i]}: from ${first} to ${last}`
  })
  const description = `${units.join('; ')}; seed ${map[0].seed}. ${said.join('; ')}.`
  return [{ id, title, svg: draw({ id, title, description }, units, paths, names, standalone) }]
}

function draw(
  told: { id: string; title: string; description: string },
  units: string[],
  paths: MapPoint[][],
  names: string[],
  standalone: boolean,
): Markup {
  const all = paths.flat()
  const [xs, ys] = [all.map(({ x }) => x), all.map(({ y }) => y)]
  const [xTicks, yTicks] = [
    niceTicks(Math.min(...xs), Math.max(...xs), 4),
    niceTicks(Math.min(...ys), Math.max(...ys), 4),
  ]
  const extent = (ticks: number[]) => ticks[ticks.length - 1] - ticks[0]
  // One scale for both directions: distances are what is shown.
  const unitLength = Math.min(PLOT / extent(xTicks), 280 / extent(yTicks))
  const left = Math.max(...yTicks.map((tick) => textWidth(fixed(tick, tickDigits(yTicks)), FONT))) + 8
  const top = 55 + 17 * units.length
  const bottom = Math.max(top + extent(yTicks) * unitLength, top + GAP * names.length)
  const right = left + extent(xTicks) * unitLength
  const x = linear(xTicks, left, right)
  const y = linear(yTicks, bottom, bottom - extent(yTicks) * unitLength)
  const places = spread(
    paths.map((path) => y.at(path[path.length - 1].y)),
    GAP,
    top + 2,
    bottom - 2,
  )
  const start = right + 26
  const body = [
    label(0, 16, told.title, { size: 14.5, bold: true }),
    label(0, 35, 'a path a network, from its first epoch (ring) to its last (dot)', { muted: true, size: FONT }),
    ...units.map((unit, i) => label(0, 52 + 17 * i, unit, { muted: true, size: FONT })),
    ...yTicks.map((tick) => line([left, y.at(tick)], [right, y.at(tick)], 'wd-grid')),
    ...xTicks.map((tick) =>
      line([x.at(tick), y.at(yTicks[0])], [x.at(tick), y.at(yTicks[yTicks.length - 1])], 'wd-grid'),
    ),
    ...xTicks.map((tick) => {
      return label(x.at(tick), bottom + 18, fixed(tick, tickDigits(xTicks)), {
        anchor: 'middle',
        muted: true,
        size: FONT,
      })
    }),
    ...yTicks.map((tick) => {
      return label(left - 6, y.at(tick) + 4.5, fixed(tick, tickDigits(yTicks)), {
        anchor: 'end',
        muted: true,
        size: FONT,
      })
    }),
    ...paths.map((path, i) => {
      const [first, last] = [path[0], path[path.length - 1]]
      const d = path.map((point, k) => `${k ? 'L' : 'M'}${px(x.at(point.x))} ${px(y.at(point.y))}`).join('')
      const tie = `M${px(x.at(last.x) + 6)} ${px(y.at(last.y))}L${px(start - 4)} ${px(places[i])}`
      const dash = last.role === 'teacher' ? '6 3' : 'none'
      return markup`<g class="wd-${TONES[i % TONES.length]}" stroke="currentColor" fill="none"><path d="${d}" stroke-width="1.6" stroke-dasharray="${dash}" stroke-linejoin="round"/><circle cx="${px(x.at(first.x))}" cy="${px(y.at(first.y))}" r="3.2"/><circle cx="${px(x.at(last.x))}" cy="${px(y.at(last.y))}" r="4" fill="currentColor"/><path d="${tie}" class="wd-tie"/></g>`
    }),
    ...names.map((name, i) => label(start, places[i] + 4.5, name, { size: FONT })),
  ]
  const width = start + Math.max(...names.map((name) => textWidth(name, FONT))) + 6
  return frame(
    { ...told, width: Math.max(width, ...units.map((unit) => textWidth(unit, FONT))), height: bottom + 28 },
    body,
    standalone,
  )
}
