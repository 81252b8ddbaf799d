// How a method looks in every figure: hue and dash for the teacher (without one for the method), depth and marker for
// what differs under it, such as the temperature, and a name short enough to stand at the end of its line.
import { compareMethods, kindOf, labelOf } from './groups.ts'
import { toneOn } from './palette.ts'
import type { Kind, Teacher } from './rows.ts'
import type { Dash, Marker } from './svg.ts'

/** What is drawn as one line: groups that differ only in size. */
export type Line = Kind

export interface Look {
  label: string
  tone: string
  dash: Dash
  marker: Marker
}

const MARKERS: Marker[] = ['circle', 'diamond', 'triangle', 'down', 'plus']
const TEACHERS: Record<Teacher, { name: string; ramp: string; dash: Dash }> = {
  calibrated: { name: 'calibrated', ramp: 'blue', dash: 'solid' },
  raw: { name: 'raw', ramp: 'orange', dash: 'dashed' },
  sameResolution: { name: 'same size', ramp: 'purple', dash: 'dotted' },
}
const OWN: Record<string, { tone: string; marker: Marker }> = {
  supervised: { tone: 'ink0', marker: 'circle' },
  dml: { tone: 'green0', marker: 'square' },
}
const OTHERS = ['gold0', 'red0', 'teal0', 'green0', 'purple2', 'orange2', 'blue2']

/** The distinct lines among groups, in the order of the table. */
export function linesOf(groups: Line[]): Line[] {
  const lines = new Map(groups.map((group) => [keyOf(group), kindOf(group)]))
  return [...lines.values()].sort(compareMethods)
}

const keyOf = (line: Line) => JSON.stringify(kindOf(line))

export function sameLine(a: Line, b: Line): boolean {
  return keyOf(a) === keyOf(b)
}

/** The look of one of `lines`; it depends on which others there are. */
export function lookOf(line: Line, lines: Line[]): Look {
  const { method, teacher, temperature } = line
  const t = temperature === null ? '' : `T ${temperature}`
  if (teacher === null) {
    const strange = [...new Set(lines.filter((other) => !OWN[other.method] && !other.teacher).map(labelOf))]
    const place = Math.max(0, strange.indexOf(labelOf(line)))
    const fallback = { tone: OTHERS[place % OTHERS.length], marker: MARKERS[(place + 1) % MARKERS.length] }
    return { label: [labelOf(line), t].filter(Boolean).join(', '), dash: 'solid', ...(OWN[method] ?? fallback) }
  }
  const { name, ramp, dash } = TEACHERS[teacher]
  // Whatever has such a teacher shares the ramp, of any method: each line has a tone and a marker of its own.
  const family = lines.filter((other) => other.teacher === teacher)
  const place = family.findIndex((other) => sameLine(other, line))
  // CQKD is what teachers are for; whatever else has one says so.
  const taught = new Set(lines.filter((other) => other.teacher !== null).map((other) => other.method))
  const words = method === 'cqkd' && taught.size === 1 ? name : labelOf(line)
  return {
    label: [words, t].filter(Boolean).join(', '),
    tone: toneOn(ramp, place, family.length),
    dash,
    marker: MARKERS[place % MARKERS.length],
  }
}
