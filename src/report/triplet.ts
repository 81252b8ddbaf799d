// Choosing TriKD's rows and setting them against each other: what its claims are made of.
import type { Part } from './claim.ts'
import { compare, type Question } from './compare.ts'
import { fullLabel, type Group, type Measure, perSeed } from './groups.ts'
import type { Kind } from './rows.ts'

export const ACCURACY = { measure: 'accuracy' as const, side: 'above' as const }
export const OTHER_WEIGHTS = 'they start from different initial weights'
/** What stands beside TriKD to tell the anchor from being trained together. */
export const WITHOUT_ANCHOR = 'online KD, without an anchor'

export type Which = Partial<Pick<Kind, 'method' | 'generation' | 'loss' | 'peerLoss' | 'role' | 'teacherWidth'>>

/** Groups of this kind; without a role students, without a width those of the usual teacher. */
export function pick(groups: Group[], { role, teacherWidth, ...which }: Which): Group[] {
  return groups.filter((group) => {
    if (group.role !== role || group.teacherWidth !== teacherWidth) return false
    return Object.entries(which).every(([key, value]) => group[key as keyof Which] === value)
  })
}

/** The last generation, 0 where TriKD was not run. */
export const lastOf = (groups: Group[]) =>
  Math.max(0, ...pick(groups, { method: 'trikd' }).map((group) => group.generation ?? 0))

/** The last generation of every seed and size, by both: one that has saturated ends before others. */
function endsOf(groups: Group[]): Map<string, number> {
  const ends = new Map<string, number>()
  for (const { generation = 0, rows } of pick(groups, { method: 'trikd' })) {
    for (const { seed, size } of rows)
      ends.set(`${seed} ${size}`, Math.max(generation, ends.get(`${seed} ${size}`) ?? 0))
  }
  return ends
}

/** Rows of this kind of every seed's last generation; those of a size are one group where their generations differ. */
export function atEnd(groups: Group[], which: Which): Group[] {
  const ends = endsOf(groups)
  const found = pick(groups, which).flatMap((group) => {
    const rows = group.rows.filter(({ seed, size }) => ends.get(`${seed} ${size}`) === group.generation)
    return rows.length ? [{ ...group, rows }] : []
  })
  if (new Set(found.map(({ generation }) => generation)).size < 2) return found
  return [...new Set(found.map(({ size }) => size))].map((size) => {
    const own = found.filter((group) => group.size === size)
    return { ...own[0], generation: undefined, at: 'last gen.', rows: own.flatMap(({ rows }) => rows) }
  })
}

/** By seed the last generation that it has at every size. */
export function lastBySeed(groups: Group[]): Values {
  const last: Values = new Map()
  for (const [key, end] of endsOf(groups)) {
    const seed = Number(key.split(' ')[0])
    last.set(seed, Math.min(end, last.get(seed) ?? end))
  }
  return last
}

/** Online KD from the weights of every seed's last generation; else that of generation 0, which starts from others. */
export function controlAtEnd(groups: Group[], role?: 'teacher'): { groups: Group[]; note: string } {
  const own = atEnd(groups, { method: 'online', role })
  return own.length ? { groups: own, note: '' } : fromOtherWeights(groups, role)
}

/** Online KD from generation g's weights; else that of generation 0, which starts from others. */
export function control(groups: Group[], generation: number, role?: 'teacher'): { groups: Group[]; note: string } {
  const own = pick(groups, { method: 'online', generation, role })
  return own.length ? { groups: own, note: '' } : fromOtherWeights(groups, role)
}

const fromOtherWeights = (groups: Group[], role?: 'teacher') => {
  return { groups: pick(groups, { method: 'online', generation: 0, role }), note: OTHER_WEIGHTS }
}

export const noted = (part: Part, note: string): Part => ({
  ...part,
  note: [part.note, note].filter(Boolean).join('; '),
})

/** a minus b, named after them. */
export function versus(a: Group[], b: Group[], question: Omit<Question, 'rows'>, note = ''): Part {
  const names = [a, b].map((groups) => [...new Set(groups.map((group) => fullLabel(group)))].join(' and '))
  return noted(compare(a, b, { rows: `${names[0]} minus ${names[1]}`, ...question }), note)
}

export const widthsOf = (groups: Group[]) => [
  ...new Set(groups.flatMap(({ teacherWidth }) => (teacherWidth === undefined ? [] : [teacherWidth]))),
]

export type Values = Map<number, number>

export const valuesOf = (groups: Group[], measure: Measure): Values =>
  perSeed(
    groups.flatMap(({ rows }) => rows),
    measure,
  )
/** By seed, where both have it. */
export const minus = (a: Values, b: Values): Values => {
  return new Map([...a].flatMap(([seed, x]) => (b.has(seed) ? [[seed, x - b.get(seed)!] as const] : [])))
}

/** The student's whole loss minus its others, beside each of the teacher's other losses. */
export function crossings(groups: Group[]): Part[] {
  const of = (loss: string, peerLoss: string) => {
    return pick(groups, { generation: 1, loss, peerLoss }).filter(({ method }) => method !== 'labelAnchor')
  }
  return ['CE', 'CE+S', 'CE+A'].flatMap((peer) =>
    ['CE+A', 'CE+T', 'CE'].flatMap((loss) => {
      const [a, b] = [of('CE+T+A', peer), of(loss, peer)]
      if (a.length === 0 || b.length === 0) return []
      const rows = `student CE+T+A minus ${loss}, teacher ${peer}`
      return [compare(a, b, { rows, statistic: 'accuracy', ...ACCURACY, decides: false })]
    }),
  )
}
