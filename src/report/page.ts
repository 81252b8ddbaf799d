// What every page shares: one file, no network, no script, every number and word escaped.
import type { Table } from './columns.ts'
import { Markup, markup, type Piece } from './markup.ts'
import { pageStyle } from './style.ts'

export interface Section {
  id: string
  title: string
  body: Piece
}

/** The page, whole. Sections without a body are left out. */
export function page(title: string, header: Piece, all: Section[]): string {
  const sections = all.filter(({ body }) => body)
  return `${markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${new Markup(pageStyle())}</style>
</head>
<body>
<header>
<h1>${title}</h1>
${header}
</header>
<nav aria-label="Sections">${sections.map(({ id, title: name }) => markup`<a href="#${id}">${name}</a>`)}</nav>
<main>${sections.map(section)}</main>
</body>
</html>`}\n`
}

function section({ id, title, body }: Section): Markup {
  return markup`
<section id="${id}"><h2>${title}</h2>${body}</section>`
}

/** Tables with their captions, and titles where there are several. */
export function tablesBody(list: Table[]): Piece {
  const heading = (title: string) => list.length > 1 && markup`<h3>${title}</h3>`
  return list.map((table) => [heading(table.title), markup`<p class="note">${table.caption}</p>`, tableBox(table)])
}

/** A table in a box that scrolls on its own. */
export function tableBox({ title, head, left, blocks }: Table): Markup {
  const side = (i: number) => (left.includes(i) ? markup` class="l"` : '')
  return markup`<div class="scroll" role="region" tabindex="0" aria-label="${title}"><table><thead><tr>${head.map(
    (text, i) => markup`<th scope="col"${side(i)}>${text}</th>`,
  )}</tr></thead><tbody>${blocks.map(({ title: name, rows }) => [
    name && markup`<tr><th scope="rowgroup" colspan="${head.length}">${name}</th></tr>`,
    rows.map((row) => markup`<tr>${row.map((cell, i) => markup`<td${side(i)}>${cell}</td>`)}</tr>`),
  ])}</tbody></table></div>`
}
