// Two curves over one axis, as the inside of an SVG that is `width` wide and HEIGHT high.
export interface Point {
  step: number
  loss: number
  accuracy: number
}

export const HEIGHT = 300
const [left, top, bottom] = [40, 14, 262]

/** The smallest of 1, 2, 2.5, 5, 10 … that divides `range` into at most five parts. */
function tick(range: number): number {
  const power = 10 ** Math.floor(Math.log10(range / 5))
  return power * [1, 2, 2.5, 5, 10].find((factor) => range / (factor * power) <= 5)!
}

export function chart(points: readonly Point[], steps: number, width: number): string {
  const right = width - 48
  const highest = Math.max(0.5, ...points.map((p) => p.loss))
  const each = tick(highest)
  const most = each * Math.ceil(highest / each)
  const x = (step: number) => left + ((right - left) * step) / steps
  const y = (share: number) => bottom - (bottom - top) * share
  const text = (at: number, line: number, anchor: string, value: string) =>
    `<text x="${at}" y="${line}" text-anchor="${anchor}">${value}</text>`
  const parts: string[] = []
  for (let value = 0; value <= most + 1e-9; value += each) {
    parts.push(`<line class="grid" x1="${left}" x2="${right}" y1="${y(value / most)}" y2="${y(value / most)}"/>`)
    parts.push(text(left - 8, y(value / most) + 4, 'end', String(+value.toFixed(3))))
    parts.push(text(right + 8, y(value / most) + 4, 'start', `${Math.round((100 * value) / most)} %`))
  }
  const between = Math.max(1, tick(steps))
  for (let step = 0; step <= steps; step += between) parts.push(text(x(step), bottom + 20, 'middle', String(step)))
  parts.push(text((left + right) / 2, bottom + 37, 'middle', 'step'))
  const path = (of: (p: Point) => number) =>
    points.map((p, i) => `${i ? 'L' : 'M'}${x(p.step).toFixed(1)} ${y(of(p)).toFixed(1)}`).join('')
  if (points.length > 0) {
    parts.push(
      `<path class="hit" d="${path((p) => p.accuracy)}"/><path class="loss" d="${path((p) => p.loss / most)}"/>`,
    )
  }
  return parts.join('')
}
