// Where the texts of a figure lie.
import * as assert from 'uvu/assert'
import type { Figure } from '../../src/report/figures.ts'
import { textWidth } from '../../src/report/scale.ts'

interface Box {
  text: string
  left: number
  right: number
  top: number
  bottom: number
}

/** Boxes of the upright texts of an SVG, from a generous estimate of their widths. */
export function textBoxes(svg: string): Box[] {
  const found = svg.matchAll(
    /<text x="([-\d.]+)" y="([-\d.]+)" font-size="([\d.]+)" text-anchor="(\w+)"[^>]*>([^<]*)</g,
  )
  return [...found].map(([, x, y, size, anchor, text]) => {
    const width = textWidth(text.replace(/&#?\w+;/g, 'x'), Number(size))
    const left = Number(x) - { start: 0, middle: width / 2, end: width }[anchor as 'start']!
    return {
      text,
      left,
      right: left + width,
      top: Number(y) - 0.75 * Number(size),
      bottom: Number(y) + 0.1 * Number(size),
    }
  })
}

/** Every text of a figure lies inside its frame and meets no other. */
export function checkTexts({ id, svg }: Pick<Figure, 'id' | 'svg'>): void {
  const boxes = textBoxes(svg.text)
  const [, width, height] = svg.text.match(/viewBox="0 0 ([\d.]+) ([\d.]+)"/)!.map(Number)
  assert.ok(boxes.length >= 5, `${id} has ${boxes.length} texts`)
  for (const [i, a] of boxes.entries()) {
    assert.ok(a.left >= -0.5 && a.top >= 0 && a.bottom <= height, `${id}: '${a.text}' leaves the frame`)
    assert.ok(a.right <= width + 0.5, `${id}: '${a.text}' leaves the frame at the right`)
    for (const b of boxes.slice(i + 1)) {
      const apart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top
      assert.ok(apart, `${id}: '${a.text}' and '${b.text}' overlap`)
    }
  }
}
