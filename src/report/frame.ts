// What every figure shares: the SVG element, texts, numbers of coordinates.
import { Markup, markup, type Piece } from './markup.ts'
import { figureStyle } from './palette.ts'

export interface Frame {
  /** Unique on the page. */
  id: string
  title: string
  /** What a reader who cannot see the figure should know. */
  description: string
  width: number
  height: number
}

/** Margin of a figure in a file of its own. */
const PAD = 10
/** On a narrow page a figure shrinks down to this, so that its letters can be read; then its box scrolls. */
const SMALLEST = 0.72

/** The SVG element. `standalone` adds style and background, for a file of its own. */
export function frame({ id, title, description, width, height }: Frame, body: Piece, standalone: boolean): Markup {
  const pad = standalone ? PAD : 0
  const [wide, high] = [width + 2 * pad, height + 2 * pad]
  const own = standalone && [
    markup`<style>${new Markup(figureStyle())}</style>`,
    markup`<rect class="wd-paper" x="${0 - pad}" y="${0 - pad}" width="${wide}" height="${high}"/>`,
  ]
  const least = !standalone && markup` style="min-width:${Math.floor(SMALLEST * width)}px"`
  return markup`<svg xmlns="http://www.w3.org/2000/svg" class="wd" viewBox="${0 - pad} ${0 - pad} ${wide} ${high}" width="${wide}" height="${high}"${least} role="img" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${title}</title><desc id="${id}-d">${description}</desc>${own}${body}</svg>`
}

export interface TextStyle {
  size?: number
  anchor?: 'start' | 'middle' | 'end'
  bold?: boolean
  muted?: boolean
}

/** A text whose baseline starts, is centred or ends at (x, y). */
export function label(x: number, y: number, content: string, style: TextStyle = {}): Markup {
  const { size = 12, anchor = 'start', bold, muted } = style
  const colour = muted ? markup`class="wd-muted"` : markup`fill="currentColor"`
  const weight = bold && markup` font-weight="600"`
  return markup`<text x="${px(x)}" y="${px(y)}" font-size="${size}" text-anchor="${anchor}" ${colour}${weight}>${content}</text>`
}

export function line(from: [number, number], to: [number, number], kind: string): Markup {
  return markup`<line x1="${px(from[0])}" y1="${px(from[1])}" x2="${px(to[0])}" y2="${px(to[1])}" class="${kind}"/>`
}

/** A coordinate with at most two decimals. */
export function px(x: number): number {
  return Math.round(x * 100) / 100
}
