// A line chart as SVG: title, axes with units, a line a series, error bars, and at the right end of every line its
// name.
import { fixed } from './format.ts'
import { frame, label, line, px } from './frame.ts'
import { type Markup, markup } from './markup.ts'
import { linear, logarithmic, niceTicks, type Scale, spread, textWidth, tickDigits } from './scale.ts'

export type Marker = 'circle' | 'square' | 'diamond' | 'triangle' | 'down' | 'plus'
export type Dash = 'solid' | 'dashed' | 'dotted'

export interface Point {
  x: number
  y: number
  /** Ends of the error bar. */
  low?: number
  high?: number
}

export interface Series {
  label: string
  /** A tone of the palette. */
  tone: string
  dash: Dash
  /** null: a line without markers, as for a learning curve or a level. */
  marker: Marker | null
  points: Point[]
  /** false: no line joins the points, which are runs and not a course. */
  joined?: boolean
  /** Drawn in place of straight lines from point to point: a curve fitted to them, within their range. */
  curve?: Point[]
}

export interface LineChart {
  id: string
  title: string
  description: string
  /** `names` stand at 1, 2, …, and no line joins their points. */
  x: { label: string; kind: 'log' | 'linear'; ticks?: number[] } | { label: string; kind: 'names'; names: string[] }
  /** `window` cuts the axis to these values, lines are clipped there; `include` widens it to these. */
  y: { label: string; from0?: boolean; window?: [number, number]; include?: number[] }
  series: Series[]
}

interface Box {
  left: number
  right: number
  top: number
  bottom: number
}

/** At least; long names make a chart wider. */
const WIDTH = 380
/** Of the axes, at least; and of a name under them. */
const PLOT = 215
const NAME = 78
const LINE = 15
const FONT = 13
const LABEL_GAP = 15
/** Room for the ties between lines and their names. */
const TIE = 16
const DASHES: Record<Dash, string> = { solid: 'none', dashed: '6 3', dotted: '1.5 3' }

/** The chart, or null where no series has a point. `standalone` adds the style, for a file of its own. */
export function lineChart(chart: LineChart, standalone = false): Markup | null {
  const series = chart.series
    .map((one) => {
      const points = one.points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))
      return { ...one, points: points.sort((a, b) => a.x - b.x) }
    })
    .filter(({ points }) => points.length > 0)
  if (series.length === 0) return null
  const below = LINE * (Math.max(...namesOf(chart).map((name) => wrapped(name).length), 1) - 1)
  const height = Math.max(280, 98 + series.length * LABEL_GAP) + below
  const ticks = yTicks(chart, series)
  const digits = tickDigits(ticks)
  const tickRoom = Math.max(...ticks.map((tick) => textWidth(fixed(tick, digits), FONT)))
  const nameRoom = Math.max(...series.map((one) => textWidth(one.label, FONT)))
  const plot = chart.x.kind === 'names' ? Math.max(PLOT, NAME * chart.x.names.length) : PLOT
  const width = Math.max(WIDTH, tickRoom + 10 + plot + nameRoom + TIE + 18)
  const box = { left: tickRoom + 10, right: width - nameRoom - TIE - 18, top: 54, bottom: height - below - 44 }
  const y = linear(ticks, box.bottom, box.top)
  const x = xScale(chart, series, box)
  const shift = dodge(series, x, chart.x.kind)
  const place = (i: number, point: Point) => px(x.at(point.x) + shift(i))
  const body = [
    label(0, 16, chart.title, { size: 14.5, bold: true }),
    label(0, 35, chart.y.label, { muted: true, size: FONT }),
    ...axes(chart, x, y, box, digits),
    clipped(
      chart,
      box,
      series.map((one, i) => {
        const joined = one.joined ?? chart.x.kind !== 'names'
        return drawSeries(one, (point) => place(i, point), y, joined)
      }),
    ),
    ...names(series, box, (i, point) => [place(i, point), y.at(point.y)]),
  ]
  return frame({ ...chart, width, height }, body, standalone)
}

/** The lines, cut at the edges of the plot where the axis shows a window only. */
function clipped({ id, y }: LineChart, { left, right, top, bottom }: Box, lines: Markup[]): Markup | Markup[] {
  if (!y.window) return lines
  const hole = markup`<rect x="${px(left)}" y="${top}" width="${px(right - left + 2)}" height="${bottom - top}"/>`
  return markup`<clipPath id="${id}-c">${hole}</clipPath><g clip-path="url(#${id}-c)">${lines}</g>`
}

function yTicks(chart: LineChart, series: Series[]): number[] {
  if (chart.y.window) return niceTicks(...chart.y.window)
  const values = [...(chart.y.include ?? []), ...extent(series)]
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return niceTicks(chart.y.from0 ? Math.min(0, low) : low, high)
}

/** Every value with the ends of its error bar. */
export function extent(series: Series[]): number[] {
  return series.flatMap(({ points, curve = [] }) =>
    [...points, ...curve].flatMap(({ y, low = y, high = y }) => [low, high]),
  )
}

function xScale(chart: LineChart, series: Series[], { left, right }: Box): Scale {
  const values = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b)
  if (chart.x.kind === 'names') {
    const room = (right - left) / chart.x.names.length
    return { ticks: chart.x.names.map((_, i) => i + 1), at: (value) => left + (value - 0.5) * room }
  }
  if (chart.x.kind === 'log') return logarithmic(chart.x.ticks ?? values, left, right, 24)
  const ticks = chart.x.ticks ?? niceTicks(values[0], values[values.length - 1], 4)
  return linear(ticks, left, right)
}

/** Sideways shift of a series' points, so that error bars at one x stand beside each other. */
function dodge(series: Series[], x: Scale, kind: LineChart['x']['kind']): (i: number) => number {
  const marked = series.map(({ marker }, i) => (marker ? i : -1)).filter((i) => i >= 0)
  if (kind === 'linear' || marked.length < 2) return () => 0
  const places = x.ticks.map((tick) => x.at(tick))
  const spaces = places.slice(1).map((place, i) => place - places[i])
  const step = Math.min(5, (0.45 * Math.min(80, ...spaces)) / marked.length)
  return (i) => (series[i].marker ? (marked.indexOf(i) - (marked.length - 1) / 2) * step : 0)
}

function axes(chart: LineChart, x: Scale, y: Scale, { left, right, bottom }: Box, digits: number): Markup[] {
  const xDigits = tickDigits(x.ticks)
  const names = namesOf(chart).map(wrapped)
  const lines = (tick: number) => names[tick - 1] ?? [text(tick)]
  const text = (tick: number) => {
    return chart.x.kind === 'linear' && !chart.x.ticks ? fixed(tick, xDigits) : String(tick)
  }
  let free = Number.NEGATIVE_INFINITY
  const shown = x.ticks.filter((tick) => {
    const half = Math.max(...lines(tick).map((words) => textWidth(words, FONT))) / 2 + 2
    if (x.at(tick) - half < free) return false
    free = x.at(tick) + half
    return true
  })
  return [
    ...y.ticks.map((tick) => line([left, y.at(tick)], [right, y.at(tick)], 'wd-grid')),
    ...y.ticks.map((tick) =>
      label(left - 6, y.at(tick) + 4.5, fixed(tick, digits), { anchor: 'end', muted: true, size: FONT }),
    ),
    line([left, bottom], [right, bottom], 'wd-axis'),
    ...x.ticks.map((tick) => line([x.at(tick), bottom], [x.at(tick), bottom + 4], 'wd-axis')),
    ...shown.flatMap((tick) =>
      lines(tick).map((words, i) => {
        return label(x.at(tick), bottom + 19 + LINE * i, words, { anchor: 'middle', muted: true, size: FONT })
      }),
    ),
    label(
      Math.max((left + right) / 2, textWidth(chart.x.label, FONT) / 2),
      bottom + 38 + LINE * (Math.max(1, ...names.map(({ length }) => length)) - 1),
      chart.x.label,
      { anchor: 'middle', muted: true, size: FONT },
    ),
  ]
}

const namesOf = ({ x }: LineChart) => (x.kind === 'names' ? x.names : [])

/** A name under the axis in lines of its room. */
function wrapped(name: string): string[] {
  const lines: string[] = []
  for (const word of name.split(' ')) {
    const longer = [...lines.slice(-1), word].join(' ')
    if (lines.length > 0 && textWidth(longer, FONT) <= NAME - 4) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines
}

function drawSeries(
  { points, tone, dash, marker, curve = points }: Series,
  x: (point: Point) => number,
  y: Scale,
  joined: boolean,
): Markup {
  const path = curve.map((point, i) => `${i ? 'L' : 'M'}${x(point)} ${px(y.at(point.y))}`).join('')
  const bars = points.filter(({ low, high }) => low !== undefined && high !== undefined && high > low)
  return markup`<g class="wd-${tone}" stroke="currentColor" fill="none">${[
    ...bars.map((point) => errorBar(x(point), y.at(point.low!), y.at(point.high!))),
    (joined || !marker) &&
      points.length > 1 &&
      markup`<path d="${path}" stroke-width="${marker ? 1.8 : 1.5}" stroke-dasharray="${DASHES[dash]}" stroke-linejoin="round"/>`,
    ...(marker ? points.map((point) => drawMarker(marker, x(point), px(y.at(point.y)))) : []),
  ]}</g>`
}

function errorBar(x: number, low: number, high: number): Markup {
  const [a, b] = [px(low), px(high)]
  return markup`<path d="M${x - 2.5} ${a}h5M${x} ${a}V${b}M${x - 2.5} ${b}h5" stroke-width="1" opacity="0.75"/>`
}

// Paths around (0, 0), about equally heavy to the eye.
const SHAPES: Record<Marker, string> = {
  circle: 'M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z',
  square: 'M-3.6 -3.6h7.2v7.2h-7.2z',
  diamond: 'M0 -5L4.6 0L0 5L-4.6 0z',
  triangle: 'M0 -4.8L4.6 3.4H-4.6z',
  down: 'M0 4.8L4.6 -3.4H-4.6z',
  plus: 'M-1.5 -4.6h3v3.1h3.1v3h-3.1v3.1h-3v-3.1h-3.1v-3h3.1z',
}

function drawMarker(marker: Marker, x: number, y: number): Markup {
  return markup`<path d="${SHAPES[marker]}" transform="translate(${x} ${y})" fill="currentColor" class="wd-halo"/>`
}

/** Names at the right, moved apart, each with a sample of its line, tied to the line's last point. */
function names(
  series: Series[],
  { right, top, bottom }: Box,
  at: (i: number, point: Point) => [number, number],
): Markup[] {
  const ends = series.map(({ points }, i) => at(i, points[points.length - 1]))
  const places = spread(
    ends.map(([, y]) => Math.min(bottom, Math.max(top, y))),
    LABEL_GAP,
    top + 2,
    bottom - 2,
  )
  return series.map(({ label: name, tone, marker, dash }, i) => {
    const [x, y] = ends[i]
    const place = px(places[i])
    const start = right + TIE
    const tie = `M${px(x + (marker ? 6 : 3))} ${px(y)}L${px(start - 4)} ${place}`
    const sample = marker
      ? drawMarker(marker, px(start + 3), place)
      : markup`<path d="M${px(start - 3)} ${place}h13" stroke="currentColor" stroke-width="1.8" stroke-dasharray="${DASHES[dash]}"/>`
    return markup`<g class="wd-${tone}"><path d="${tie}" class="wd-tie" fill="none"/>${sample}</g>${label(start + 13, place + 4.5, name, { size: FONT })}`
  })
}
