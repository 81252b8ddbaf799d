// Rows beside each other as a figure: a line a row, a dot with its bar.
import { fixed } from './format.ts'
import { frame, label, line, px } from './frame.ts'
import { type Markup, markup } from './markup.ts'
import { linear, niceTicks, textWidth, tickDigits } from './scale.ts'

/** At least; long names make a figure wider. */
const WIDTH = 380
const PLOT = 160
const FONT = 13
const STEP = 20
const TOP = 54

export interface Dot {
  name: string
  at: number
  /** Of the bar; null: a hollow dot. */
  ends: readonly [number, number] | null
}

export interface DotPlot {
  id: string
  title: string
  unit: string
  dots: Dot[]
  /** The axis reaches to 0, which is drawn darker. */
  zero: boolean
}

export function dotPlot({ id, title, unit, dots, zero }: DotPlot, standalone = false): Markup {
  const values = [...dots.flatMap(({ at, ends }) => [at, ...(ends ?? [])]), ...(zero ? [0] : [])]
  const ticks = niceTicks(Math.min(...values), Math.max(...values), 4)
  const digits = tickDigits(ticks)
  const left = Math.max(...dots.map(({ name }) => textWidth(name, FONT))) + 12
  const width = Math.max(WIDTH, left + PLOT)
  const bottom = TOP + STEP * dots.length
  // The outermost number may be wider than the margin.
  const beyond = textWidth(fixed(ticks[ticks.length - 1], digits), FONT) / 2 + 2
  const x = linear(ticks, left + 6, width - Math.max(12, beyond))
  const told = dots.map(({ name, at, ends }) => {
    return `${name}: ${fixed(at, 2)}${ends ? ` [${fixed(ends[0], 2)}, ${fixed(ends[1], 2)}]` : ''}`
  })
  const body = [
    label(0, 16, title, { size: 14.5, bold: true }),
    label(0, 35, unit, { muted: true, size: FONT }),
    ...ticks.map((tick) => {
      return line([x.at(tick), TOP - 6], [x.at(tick), bottom], zero && tick === 0 ? 'wd-axis' : 'wd-grid')
    }),
    ...ticks.map((tick) =>
      label(x.at(tick), bottom + 18, fixed(tick, digits), { anchor: 'middle', muted: true, size: FONT }),
    ),
    ...dots.flatMap((dot, i) => drawDot(dot, TOP + STEP * (i + 0.5), x.at, left)),
  ]
  const description = `${title}, ${unit}. ${told.join('; ')}.`
  return frame({ id, title, description, width, height: bottom + 28 }, body, standalone)
}

function drawDot({ name, at, ends }: Dot, y: number, x: (value: number) => number, left: number): Markup[] {
  const bar = ends && markup`<path d="M${px(x(ends[0]))} ${px(y)}H${px(x(ends[1]))}" stroke-width="1.8"/>`
  const dot = markup`<circle cx="${px(x(at))}" cy="${px(y)}" r="4" fill="${ends ? 'currentColor' : 'none'}" stroke-width="1.5"/>`
  return [
    label(left - 6, y + 4.5, name, { anchor: 'end', size: FONT }),
    markup`<g class="wd-blue2" stroke="currentColor">${bar}${dot}</g>`,
  ]
}
