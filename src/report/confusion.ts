// A confusion matrix: rows are true classes, columns what they were taken for; in every cell the count, as shade the
// share of its row, and a frame around the right answers.
import { percent, thousands } from './format.ts'
import { frame, label, px } from './frame.ts'
import { type Markup, markup } from './markup.ts'
import { textWidth } from './scale.ts'

export interface Confusion {
  id: string
  title: string
  subtitle: string
  /** Names of the classes. */
  classes: string[]
  /** Pictures of class i (row) that were taken for class j (column). */
  counts: number[][]
}

/** Of the shade of a whole row: dark enough to be seen, and light enough for the text on it (tested). */
export const DARKEST = 0.7
export const SHADE = 'blue0'

const CELL = 30
const FONT = 11.5
const TOP = 48
const AXIS = 'true ↑'
/** A longer name is cut. */
const LONGEST = 82

/** The matrix as a heat map. `standalone` adds the style, for a file of its own. */
export function confusionMatrix({ id, title, subtitle, classes, counts }: Confusion, standalone = false): Markup {
  const names = classes.map(short)
  const room = Math.max(...[...names, AXIS].map((name) => textWidth(name, FONT)))
  const [left, side] = [px(room + 8), CELL * classes.length]
  const bottom = TOP + side
  const cells = counts.map((row, i) => {
    const total = row.reduce((sum, count) => sum + count, 0)
    return row.map((count, j) => count > 0 && cell(count, count / total, left + CELL * j, TOP + CELL * i))
  })
  const right = classes.map((_, i) => {
    return markup`<rect x="${left + CELL * i + 0.75}" y="${TOP + CELL * i + 0.75}" width="${CELL - 1.5}" height="${CELL - 1.5}" fill="none" stroke="currentColor" stroke-width="1.2"/>`
  })
  const body = [
    label(0, 15, title, { size: 13, bold: true }),
    label(0, 32, subtitle, { muted: true }),
    markup`<rect x="${left}" y="${TOP}" width="${side}" height="${side}" fill="none" class="wd-grid"/>`,
    cells,
    right,
    ...names.map((name, i) =>
      label(left - 5, TOP + CELL * (i + 0.5) + 4, name, { size: FONT, anchor: 'end', muted: true }),
    ),
    ...names.map((name, i) => upright(name, left + CELL * (i + 0.5) + 4, bottom + 6)),
    label(left - 5, bottom + 17, AXIS, { size: FONT, anchor: 'end', muted: true }),
    label(left + side / 2, bottom + room + 22, 'taken for', { anchor: 'middle', muted: true }),
  ]
  const width = Math.max(left + side + 1, textWidth(title, 13), textWidth(subtitle, 12))
  const size = { width: Math.ceil(width), height: Math.ceil(bottom + room + 28) }
  return frame({ id, title, description: described(classes, counts), ...size }, body, standalone)
}

function cell(count: number, share: number, x: number, y: number): Markup {
  const text = String(count)
  const size = Math.min(FONT, (FONT * (CELL - 2)) / textWidth(text, FONT))
  // Its root, so that rare mistakes are seen at all.
  const shade = DARKEST * Math.sqrt(share)
  const back = markup`<rect x="${px(x)}" y="${px(y)}" width="${CELL}" height="${CELL}" fill="currentColor" fill-opacity="${px(shade)}"/>`
  return markup`<g class="wd-${SHADE}">${back}</g>${label(x + CELL / 2, y + CELL / 2 + 4, text, { size: px(size), anchor: 'middle' })}`
}

/** Reads upwards and ends at (x, y). */
function upright(name: string, x: number, y: number): Markup {
  return markup`<text transform="translate(${px(x)} ${px(y)}) rotate(-90)" font-size="${FONT}" text-anchor="end" class="wd-muted">${name}</text>`
}

function short(name: string): string {
  if (textWidth(name, FONT) <= LONGEST) return name
  let text = name
  while (textWidth(`${text}…`, FONT) > LONGEST) text = text.slice(0, -1)
  return `${text}…`
}

export interface Mistake {
  of: number
  as: number
  count: number
  /** Of the pictures of its class. */
  share: number
}

/** Wrong answers, the most frequent first. */
export function mistakesOf(counts: number[][]): Mistake[] {
  return counts
    .flatMap((row, of) => {
      const total = row.reduce((sum, count) => sum + count, 0)
      return row.flatMap((count, as) => (as === of || count === 0 ? [] : [{ of, as, count, share: count / total }]))
    })
    .sort((a, b) => b.count - a.count)
}

function described(classes: string[], counts: number[][]): string {
  const right = counts.map((row, i) => {
    const total = row.reduce((sum, count) => sum + count, 0)
    return total ? `${classes[i]} ${percent(row[i] / total, 1)} %` : `${classes[i]} none`
  })
  const wrong = mistakesOf(counts).slice(0, 5)
  const told = wrong.map(({ of, as, count }) => `${classes[of]} for ${classes[as]} ${thousands(count)}`)
  const most = told.length ? ` Most frequent mistakes: ${told.join(', ')}.` : ''
  return `Confusion matrix. Right by class: ${right.join(', ')}.${most}`
}
