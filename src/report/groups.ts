// Rows that differ only in seed (and member) belong together: a group is a line of the table.
import type { Kind, Metric, Row, Teacher, TeacherRow } from './rows.ts'
import { type Interval, interval } from './stats.ts'

export interface Group extends Kind {
  size: number
  /** Training images. */
  images: number | null
  rows: Row[]
}

/** A number of a row, by name or made from several. */
export type Measure = Metric | ((row: Row) => number | null | undefined)

/** What tables call a method, and what it does. */
const METHODS: Record<string, readonly [name: string, meaning: string]> = {
  supervised: ['supervised', 'learns from labels only'],
  earlyStopped: ['supervised, fewer epochs', 'learns from labels only, for fewer epochs'],
  labelSmoothing: ['label smoothing', 'learns from labels of which a part is spread evenly over all classes'],
  kd: ['KD', 'knowledge distillation: learns from labels and from the answers of a finished teacher'],
  cqkd: [
    'CQKD',
    'cross-quality knowledge distillation: the teacher sees pictures at full size, the student small ones',
  ],
  cmkd: [
    'CMKD',
    'cross-modal knowledge distillation: the teacher sees colour at full size, the student grey, edges or fewer pixels',
  ],
  dml: ['DML', 'deep mutual learning: several students train together, each learns from all others'],
  dmlE: ['DML_e', 'DML in which each student learns from the mean of the others'],
  tfkd: ['Tf-KD', 'teacher-free KD: learns from labels and from made-up answers that favour the label'],
  eskd: ['ESKD', 'KD from a teacher of fewer epochs; the last epochs are without it'],
  assistant: ["TAKD's assistant", 'a network that learns from the teacher and then teaches the student'],
  takd: ['TAKD', 'KD from an assistant'],
  sckd: ['SCKD', "KD that counts only while its gradient agrees with the labels' gradient"],
  dkd: ['DKD', 'decoupled KD: weighs the label and the other classes apart'],
  online: ['online KD', 'teacher and student train together and learn from each other, without an anchor'],
  anchor: ['anchor alone', 'learns from labels and from the anchor, without a teacher'],
  trikd: [
    'TriKD',
    'teacher and student train together, learn from each other, and both from a frozen anchor: the student of the generation before',
  ],
  labelAnchor: ['TriKD, label anchor', 'TriKD whose anchor learned from labels only'],
  ablation: [
    'ablation',
    "TriKD with some of its losses, the student's after S, the teacher's after T: CE is the labels, T, S and A are the teacher, student and anchor learned from",
  ],
  mimic: ['KL only', 'learns from the finished teacher alone, sees no labels'],
  mimicSame: ["KL only, teacher's own kind", "the same with the teacher's architecture"],
}
const ORDER = Object.keys(METHODS)
const TEACHERS: Record<Teacher, string> = { calibrated: 'calibrated', raw: 'raw', sameResolution: 'same size' }
/** Of cross-modal distillation, whose teachers differ in what they see; all are calibrated but 'raw'. */
const VIEWS: Record<Teacher, string> = {
  calibrated: 'from colour',
  raw: 'from colour, raw',
  sameResolution: 'from own view',
}
const TEACHER_ORDER = [null, ...Object.keys(TEACHERS)]

/** Of a chain of assistants, all but the first are numbered: 'assistant2'. */
const family = (method: string) => method.replace(/^assistant\d+$/, 'assistant')

export function methodName(method: string): string {
  return METHODS[method]?.[0] ?? method.replace(/^assistant(\d+)$/, `${METHODS.assistant[0]} $1`)
}

/** Name and meaning; undefined of a method that is not known here. */
export function methodMeaning(method: string): readonly [string, string] | undefined {
  return METHODS[family(method)]
}

/**
 * 'CQKD calibrated', 'TriKD, gen. 2', 'KD raw, teacher 32', 'TriKD, gen. 1, w = 2', …; the temperature stands in a
 * column of its own.
 */
export function labelOf(of: Kind): string {
  const { method, teacher, generation, teacherWidth, role, loss, peerLoss, axis, at } = of
  const words = [methodName(method), ...(teacher ? [(method === 'cmkd' ? VIEWS : TEACHERS)[teacher]] : [])]
  const [s, t] = role === 'teacher' ? [peerLoss, loss] : [loss, peerLoss]
  if (method === 'ablation') words.push(`S ${s}, T ${t}`)
  const several = generation !== undefined && (method === 'trikd' || method === 'online')
  const more = [
    ...(several ? [`gen. ${generation}`] : []),
    ...(teacherWidth === undefined ? [] : [`teacher ${teacherWidth}`]),
    ...(at === undefined ? [] : [typeof at === 'string' ? at : `${axis} = ${at}`]),
  ]
  return [words.join(' '), ...more].join(', ')
}

/** 'CQKD calibrated, T = 4'. */
export function fullLabel(group: Kind): string {
  return group.temperature === null ? labelOf(group) : `${labelOf(group)}, T = ${group.temperature}`
}

/** The kind of a row, or of whatever else says of what it is. */
export function kindOf(of: Kind): Kind {
  const { method, temperature, teacher, role, generation, loss, peerLoss, teacherWidth, axis, at } = of
  const more = Object.entries({ role, generation, loss, peerLoss, teacherWidth, axis, at })
  return { method, temperature, teacher, ...Object.fromEntries(more.filter(([, value]) => value !== undefined)) }
}

/** What a teacher's row of one seed is of. */
export const teacherKey = ({ role, size, axis, at }: TeacherRow): string => JSON.stringify([role, size, axis, at])

/**
 * Groups in the order of the table: size falling, students then teachers, then kind, number of images. What saturation
 * left untrained is in none.
 */
export function groupRows(rows: Row[]): Group[] {
  const groups = new Map<string, Group>()
  for (const row of rows) {
    if (row.status === 'saturated') continue
    const { size, n } = row
    const kind = kindOf(row)
    const key = JSON.stringify([kind, size, n])
    const group = groups.get(key) ?? { ...kind, size, images: n, rows: [] }
    group.rows.push(row)
    groups.set(key, group)
  }
  return [...groups.values()].sort(
    (a, b) => b.size - a.size || byRole(a) - byRole(b) || compareMethods(a, b) || (b.images ?? 0) - (a.images ?? 0),
  )
}

const byRole = ({ role }: Kind) => (role === 'teacher' ? 1 : 0)

/** The groups at the study's own, largest number of training images; others are controls. */
export function mainGroups(rows: Row[]): Group[] {
  const groups = groupRows(rows)
  const most = Math.max(...groups.map(({ images }) => images ?? 0))
  return groups.filter(({ images }) => images === null || images === most)
}

/** Order of methods, teachers and temperatures, whatever the size. */
export function compareMethods(a: Kind, b: Kind): number {
  const place = (method: string) => {
    const known = ORDER.indexOf(family(method))
    return known < 0 ? ORDER.length : known
  }
  return (
    place(a.method) - place(b.method) ||
    a.method.localeCompare(b.method) ||
    TEACHER_ORDER.indexOf(a.teacher) - TEACHER_ORDER.indexOf(b.teacher) ||
    (a.teacherWidth ?? 0) - (b.teacherWidth ?? 0) ||
    (a.generation ?? 0) - (b.generation ?? 0) ||
    (a.temperature ?? 0) - (b.temperature ?? 0) ||
    compareValues(a.at, b.at) ||
    (a.loss ?? '').length - (b.loss ?? '').length ||
    (a.loss ?? '').localeCompare(b.loss ?? '') ||
    (a.peerLoss ?? '').length - (b.peerLoss ?? '').length ||
    (a.peerLoss ?? '').localeCompare(b.peerLoss ?? '')
  )
}

/** Rising; texts in their own order, what has none first. */
export function compareValues(a: Kind['at'], b: Kind['at']): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a ?? '').localeCompare(String(b ?? ''), 'en', { numeric: true })
}

/** The measure by seed, members of a cohort averaged; seeds whose cell did not end well are absent. */
export function perSeed(rows: Row[], measure: Measure): Map<number, number> {
  const take = typeof measure === 'function' ? measure : (row: Row) => row[measure]
  const values = new Map<number, number[]>()
  for (const row of rows) {
    const value = row.status === 'ok' ? take(row) : null
    if (value === null || value === undefined || !Number.isFinite(value)) continue
    values.set(row.seed, [...(values.get(row.seed) ?? []), value])
  }
  return new Map([...values].map(([seed, all]) => [seed, all.reduce((sum, x) => sum + x, 0) / all.length]))
}

/** The seeds that all of them have, in the order of the first. */
export function sharedSeeds(all: readonly Map<number, number>[]): number[] {
  const [first, ...others] = all
  return first ? [...first.keys()].filter((seed) => others.every((values) => values.has(seed))) : []
}

/** Mean, spread and interval over the seeds of a group; null where no run has the number. */
export function summarise(rows: Row[], measure: Measure): Interval | null {
  const values = [...perSeed(rows, measure).values()]
  return values.length ? interval(values) : null
}

/** Seeds with a good row, and those whose every row failed or was stopped. */
export function seedsOf(rows: Row[]): { ok: number[]; bad: number[] } {
  const all = [...new Set(rows.map(({ seed }) => seed))].sort((a, b) => a - b)
  const ok = all.filter((seed) => rows.some((row) => row.seed === seed && row.status === 'ok'))
  return { ok, bad: all.filter((seed) => !ok.includes(seed)) }
}
