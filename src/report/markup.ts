// Text for HTML and SVG. In a markup`…` template everything that is put in is escaped, unless it is markup itself.

export class Markup {
  constructor(readonly text: string) {}

  toString(): string {
    return this.text
  }
}

export type Piece = Markup | string | number | false | null | undefined | Piece[]

export function markup(strings: TemplateStringsArray, ...values: Piece[]): Markup {
  return new Markup(strings.reduce((text, part, i) => text + write(values[i - 1]) + part))
}

function write(piece: Piece): string {
  if (Array.isArray(piece)) return piece.map(write).join('')
  if (piece instanceof Markup) return piece.text
  return piece === null || piece === undefined || piece === false ? '' : escapeText(String(piece))
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Safe as text and in quoted attributes; characters that XML forbids become a replacement mark. */
export function escapeText(text: string): string {
  return text
    .replace(/[&<>"']/g, (c) => ENTITIES[c])
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
}
