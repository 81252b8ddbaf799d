// TriKD's figures: accuracy, calibration and mimicry over generations; teacher accuracy against how closely it is
// followed.
import { type Figure, measuredPoints, percentOf, plot, runPoints } from './figures.ts'
import { type Group, mainGroups, methodName, perSeed } from './groups.ts'
import { lookOf } from './lines.ts'
import { toneOn } from './palette.ts'
import type { Metric, Results } from './rows.ts'
import type { Series } from './svg.ts'
import { lastOf, pick } from './triplet.ts'

/** What a figure shows of each row; without a role of students. */
export interface Measured {
  id: string
  title: string
  metric: Metric
  unit: string
  factor: number
  role?: 'teacher'
}

const accuracy = { metric: 'accuracy', unit: 'test accuracy, %', factor: 100 } as const
/** What is shown over generations, and over whatever a study varies. */
export const SHOWN = {
  students: { title: 'Accuracy of students', ...accuracy },
  teachers: { title: 'Accuracy of teachers', ...accuracy, role: 'teacher' },
  ece: { title: 'Calibration error of students', metric: 'ece', unit: 'ECE of 15 bins, %', factor: 100 },
  following: {
    title: 'How closely students follow',
    metric: 'klTeacher',
    unit: 'KL from the teacher on test images, nats',
    factor: 1,
  },
} satisfies Record<string, Omit<Measured, 'id'>>

const MEASURED: Measured[] = [
  { id: 'student', ...SHOWN.students },
  { id: 'teacher', ...SHOWN.teachers },
  { id: 'ece', ...SHOWN.ece },
  { id: 'mimicry', ...SHOWN.following },
]

/** Figures of their own show these. */
const APART = /^(ablation|mimic|mimicSame|assistant\d*)$/

/** Over generations; what has none is a level. Nothing where there are no generations. */
export function generationFigures({ rows }: Pick<Results, 'rows'>, standalone = false): Figure[] {
  const groups = mainGroups(rows)
  const last = lastOf(groups)
  if (last === 0) return []
  const reached = rows.some(({ status }) => status === 'saturated') ? '; of seeds that reached it' : ''
  const x = {
    label: 'generation (0: no anchor)',
    kind: 'linear' as const,
    ticks: Array.from({ length: last + 1 }, (_, g) => g),
  }
  return MEASURED.flatMap(({ id, title, metric, unit, factor, role }) => {
    const points = (found: Group[]) =>
      found.flatMap((group) => measuredPoints(group, group.generation ?? 0, metric, factor))
    const start = pick(groups, { method: 'online', generation: 0, role })
    const online = pick(groups, { method: 'online', role })
    const course = [...start, ...pick(groups, { method: 'trikd', role })]
    const labels = pick(groups, { method: 'labelAnchor', role })
    const series: Series[] = [
      { label: 'TriKD', tone: toneOn('blue'), dash: 'solid', marker: 'circle', points: points(course) },
      {
        label: 'online KD, same weights',
        tone: 'green0',
        dash: 'dashed',
        marker: 'square',
        points: online.length > 1 ? points(online) : [],
      },
      { label: methodName('labelAnchor'), tone: 'purple3', dash: 'solid', marker: 'diamond', points: points(labels) },
      ...levels(groups, role).map((group): Series => {
        const look = lookOf(group, levels(groups, role))
        const flat = measuredPoints(group, 0, metric, factor).flatMap(({ y }) => [0, last].map((at) => ({ x: at, y })))
        return { ...look, dash: 'dotted', marker: null, points: flat }
      }),
    ]
    return plot(`generations-${id}`, `${title} by generation`, `${unit}${reached}`, x, series, standalone)
  })
}

function levels(groups: Group[], role?: 'teacher'): Group[] {
  return ['supervised', 'kd', 'anchor'].flatMap((method) => pick(groups, { method, role }))
}

/** The network that such a student learns from, where its rows are there: in a chain of assistants the last. */
function teacherOf(groups: Group[], student: Group): Group | undefined {
  const { method, generation, teacherWidth, teacher, temperature } = student
  const finished = pick(groups, { method: 'supervised', teacherWidth, role: 'teacher' })
  const assistants = groups.filter((group) => {
    return group.method.startsWith('assistant') && group.teacher === teacher && group.temperature === temperature
  })
  const found: Record<string, () => Group[]> = {
    eskd: () => pick(groups, { method: 'earlyStopped', role: 'teacher' }),
    takd: () => assistants.reverse(),
  }
  const together = pick(groups, { method, generation, teacherWidth, role: 'teacher' })
  const known = found[method]?.() ?? (teacher === null ? together : finished)
  return known.find(({ at }) => at === student.at) ?? known.find(({ at }) => at === undefined)
}

/** A point a run, of student and teacher: good teachers are high, those that are easy to follow to the left. */
export function mimicryFigure({ rows }: Pick<Results, 'rows'>, standalone = false): Figure[] {
  const groups = mainGroups(rows)
  const students = groups.filter(({ role, method }) => role === undefined && !APART.test(method))
  const series = students.flatMap((student): Series[] => {
    const teacher = teacherOf(groups, student)
    if (!teacher) return []
    const points = runPoints(perSeed(student.rows, 'klTeacher'), perSeed(teacher.rows, percentOf('accuracy')))
    return points.length ? [{ ...lookOf(student, students), points, joined: false }] : []
  })
  const x = { label: 'KL from the teacher on test images, nats', kind: 'linear' as const }
  const title = 'Good teachers, and easy to follow: a point a run'
  const y = "teacher's test accuracy, %; best is top left"
  return series.length < 2 ? [] : plot('good-and-easy', title, y, x, series, standalone)
}
