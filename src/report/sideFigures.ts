// Differences between two studies as a figure: a line a row, its interval, and 0.
import type { Figure } from './figures.ts'
import { fixed } from './format.ts'
import { frame, label, line, px } from './frame.ts'
import { labelOf } from './groups.ts'
import { type Markup, markup } from './markup.ts'
import { linear, niceTicks, textWidth, tickDigits } from './scale.ts'
import { changeOf, type Match, type SideBySide } from './sideBySide.ts'

/** At least; long names make a figure wider. */
const WIDTH = 380
const PLOT = 160
const FONT = 13
const STEP = 20
const TOP = 54

const DRAWN = [
  { metric: 'accuracy', title: 'Accuracy, B minus A', unit: 'points' },
  { metric: 'ece', title: 'Calibration error, B minus A', unit: 'points of ECE' },
] as const

/** A figure a measure that at least one row has in both studies. */
export function changeFigures({ matched }: Pick<SideBySide, 'matched'>, standalone = false): Figure[] {
  const sizes = new Set(matched.map(({ a }) => a.size)).size
  return DRAWN.flatMap(({ metric, title, unit }) => {
    const entries = matched.flatMap((pair): Entry[] => {
      const { estimate, lower, upper } = changeOf(pair, metric, 'fraction')
      if (estimate === null) return []
      const ends = lower === null || upper === null ? null : ([100 * lower, 100 * upper] as const)
      return [{ name: nameOf(pair, sizes > 1), at: 100 * estimate, ends }]
    })
    if (entries.length === 0) return []
    return [{ id: `change-${metric}`, title, svg: draw(`change-${metric}`, title, unit, entries, standalone) }]
  })
}

interface Entry {
  name: string
  at: number
  ends: readonly [number, number] | null
}

function nameOf({ a }: Match, tellSize: boolean): string {
  const temperature = a.temperature === null ? [] : [`T ${a.temperature}`]
  return [
    `${labelOf(a)}${a.role === 'teacher' ? ' (teacher)' : ''}`,
    ...temperature,
    ...(tellSize ? [`${a.size} px`] : []),
  ].join(', ')
}

function draw(id: string, title: string, unit: string, entries: Entry[], standalone: boolean): Markup {
  const values = entries.flatMap(({ at, ends }) => [at, ...(ends ?? [])])
  const ticks = niceTicks(Math.min(0, ...values), Math.max(0, ...values), 4)
  const digits = tickDigits(ticks)
  const left = Math.max(...entries.map(({ name }) => textWidth(name, FONT))) + 12
  const width = Math.max(WIDTH, left + PLOT)
  const bottom = TOP + STEP * entries.length
  const x = linear(ticks, left + 6, width - 12)
  const told = entries.map(({ name, at, ends }) => {
    return `${name}: ${fixed(at, 2)}${ends ? ` [${fixed(ends[0], 2)}, ${fixed(ends[1], 2)}]` : ''}`
  })
  const body = [
    label(0, 16, title, { size: 14.5, bold: true }),
    label(0, 35, unit, { muted: true, size: FONT }),
    ...ticks.map((tick) => line([x.at(tick), TOP - 6], [x.at(tick), bottom], tick === 0 ? 'wd-axis' : 'wd-grid')),
    ...ticks.map((tick) =>
      label(x.at(tick), bottom + 18, fixed(tick, digits), { anchor: 'middle', muted: true, size: FONT }),
    ),
    ...entries.flatMap((entry, i) => drawEntry(entry, TOP + STEP * (i + 0.5), x.at, left)),
  ]
  const description = `${title}, ${unit}. ${told.join('; ')}.`
  return frame({ id, title, description, width, height: bottom + 28 }, body, standalone)
}

function drawEntry({ name, at, ends }: Entry, y: number, x: (value: number) => number, left: number): Markup[] {
  const bar = ends && markup`<path d="M${px(x(ends[0]))} ${px(y)}H${px(x(ends[1]))}" stroke-width="1.8"/>`
  const dot = markup`<circle cx="${px(x(at))}" cy="${px(y)}" r="4" fill="${ends ? 'currentColor' : 'none'}" stroke-width="1.5"/>`
  return [
    label(left - 6, y + 4.5, name, { anchor: 'end', size: FONT }),
    markup`<g class="wd-blue2" stroke="currentColor">${bar}${dot}</g>`,
  ]
}
