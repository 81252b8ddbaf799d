// Axes and places: nice ticks, positions, widths of texts, labels that keep their distance.

export interface Scale {
  /** Position on the page of a value. */
  at(value: number): number
  ticks: number[]
}

/** Round steps (1, 2, 2.5 or 5 times a power of ten) that cover the values with about `count` intervals. */
export function niceTicks(low: number, high: number, count = 5): number[] {
  if (!(Number.isFinite(low) && Number.isFinite(high))) return [0, 1]
  if (!(high - low > 1e-300)) {
    const pad = Math.abs(low) > 1e-12 ? Math.abs(low) * 0.1 : 1
    return niceTicks(low - pad, low + pad, count)
  }
  const raw = (high - low) / count
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = [1, 2, 2.5, 5, 10].map((x) => x * power).find((x) => x >= raw * 0.999) ?? 10 * power
  const first = Math.floor(low / step + 1e-9)
  const last = Math.ceil(high / step - 1e-9)
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)))
}

/** Digits after the point that tell neighbouring ticks apart. */
export function tickDigits(ticks: number[]): number {
  const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : 1
  for (let digits = 0; digits < 6; digits++) {
    if (Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) < 1e-6) return digits
  }
  return 6
}

/** Linear from the first tick to the last. */
export function linear(ticks: number[], from: number, to: number): Scale {
  const [low, high] = [ticks[0], ticks[ticks.length - 1]]
  return { ticks, at: (value) => from + ((value - low) / (high - low || 1)) * (to - from) }
}

/** Logarithmic with a margin at both ends; one value alone lies in the middle. */
export function logarithmic(ticks: number[], from: number, to: number, margin: number): Scale {
  const [low, high] = [Math.log(ticks[0]), Math.log(ticks[ticks.length - 1])]
  const inner = to - from - 2 * margin
  return {
    ticks,
    at: (value) => (high === low ? (from + to) / 2 : from + margin + ((Math.log(value) - low) / (high - low)) * inner),
  }
}

const NARROW = /[ijltfrI.,:;|!'()[\] ]/
const WIDE = /[mwMW%@±−–=]/

/** An upper estimate of a text's width at a font size, for wide fonts. */
export function textWidth(text: string, size: number): number {
  let em = 0
  for (const c of text) em += NARROW.test(c) ? 0.42 : WIDE.test(c) ? 0.95 : /[A-Z]/.test(c) ? 0.72 : 0.63
  return em * size
}

/** Moves wished positions apart to at least `gap`, as little as possible, within [low, high]. Order is kept. */
export function spread(wished: number[], gap: number, low: number, high: number): number[] {
  const order = wished.map((_, i) => i).sort((a, b) => wished[a] - wished[b])
  // Neighbours that would overlap become a block centred on the mean of its members' wishes.
  const blocks: { members: number[]; start: number }[] = []
  const settle = (members: number[]) => {
    const centre = members.reduce((sum, i) => sum + wished[i], 0) / members.length
    const room = (members.length - 1) * gap
    return Math.max(low, Math.min(high - room, centre - room / 2))
  }
  for (const i of order) {
    let block = { members: [i], start: settle([i]) }
    let before = blocks[blocks.length - 1]
    while (before && before.start + before.members.length * gap > block.start + 1e-9) {
      blocks.pop()
      const members = [...before.members, ...block.members]
      block = { members, start: settle(members) }
      before = blocks[blocks.length - 1]
    }
    blocks.push(block)
  }
  const places = wished.slice()
  for (const { members, start } of blocks) for (const [k, i] of members.entries()) places[i] = start + k * gap
  return places
}
