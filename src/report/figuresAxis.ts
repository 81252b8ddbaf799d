// The figures of a study that varies one thing: every measure against it, a line a method; what does not depend on it
// is a level.
import { type Figure, measuredPoints, plot } from './figures.ts'
import { type Measured, SHOWN } from './figuresTrikd.ts'
import { compareValues, type Group, groupRows, summarise } from './groups.ts'
import { type Line, linesOf, lookOf, sameLine } from './lines.ts'
import type { Results } from './rows.ts'
import type { LineChart, Series } from './svg.ts'

const MEASURED: Measured[] = [
  { id: 'accuracy', ...SHOWN.students },
  { id: 'ece', ...SHOWN.ece },
  { id: 'teacher', ...SHOWN.teachers },
  { id: 'teacher-kl', ...SHOWN.following },
  {
    id: 'anchor-kl',
    title: 'How closely students follow the anchor',
    metric: 'klAnchor',
    unit: 'KL from the anchor on test images, nats',
    factor: 1,
  },
  {
    id: 'teacher-ece',
    title: 'Calibration error of the teacher',
    metric: 'teacherEce',
    unit: 'ECE of what it teaches (logits over τ), %',
    factor: 100,
  },
  {
    id: 'train',
    title: 'Fit of students',
    metric: 'trainAccuracy',
    unit: 'accuracy on training images, %',
    factor: 100,
  },
]

/** What is varied, in more words than a table has room for. */
export const AXES: Record<string, string> = {
  τ: "τ that divides the teacher's logits",
  budget: 'budget, times the usual epochs',
  images: 'training images',
  'teacher px': 'pixels that the teacher sees',
  view: 'what the student sees',
  w: "w, weight of the anchor's KL",
}

/** The kind without the value of what is varied, and without what that may change of the losses. */
export const lineOf = (group: Group): Line => {
  const losses = group.method === 'ablation' ? {} : { loss: undefined, peerLoss: undefined }
  return { ...group, axis: undefined, at: undefined, ...losses }
}

/** Nothing where the study varies nothing. */
export function axisFigures({ rows }: Pick<Results, 'rows'>, standalone = false): Figure[] {
  const groups = groupRows(rows)
  const name = groups.find(({ axis }) => axis !== undefined)?.axis
  if (name === undefined) return []
  const values = [...new Set(groups.flatMap(({ at }) => (at === undefined ? [] : [at])))].sort(compareValues)
  const place = (at: Group['at']) => (typeof at === 'number' ? at : 1 + values.indexOf(at!))
  const x = axisOf(name, values)
  // A line looks alike in every figure, whichever others a measure leaves out.
  const everyone = linesOf(groups.map(lineOf))
  // Names may be of sizes, too: all of them stand in one figure.
  const sizes = x.kind === 'names' ? [null] : [...new Set(groups.map(({ size }) => size))]
  return sizes.flatMap((size) =>
    MEASURED.flatMap(({ id, title, metric, unit, factor, role }) => {
      const own = groups.filter((group) => {
        return (size === null || group.size === size) && group.role === role && summarise(group.rows, metric) !== null
      })
      const lines = linesOf(own.map(lineOf))
      const series = lines.map((line): Series => {
        const here = own.filter((group) => sameLine(lineOf(group), line))
        const swept = here.filter(({ at }) => at !== undefined)
        const points = swept.flatMap((group) => measuredPoints(group, place(group.at), metric, factor))
        const look = lookOf(line, everyone)
        if (points.length > 0) return { ...look, points }
        const level = here.flatMap((group) => measuredPoints(group, 0, metric, factor)).slice(0, 1)
        const ends = [place(values[0]), place(values[values.length - 1])]
        return {
          ...look,
          dash: 'dotted',
          marker: null,
          points: level.flatMap(({ y }) => ends.map((at) => ({ x: at, y }))),
        }
      })
      // Levels alone tell nothing about what is varied.
      if (!own.some(({ at }) => at !== undefined)) return []
      const [file, told] = size === null ? ['', ''] : [`-${size}`, `, ${size} px`]
      return plot(`${id}-by-${slug(name)}${file}`, `${title}${told}`, unit, x, series, standalone)
    }),
  )
}

export function axisOf(name: string, values: (number | string)[]): LineChart['x'] {
  const label = AXES[name] ?? name
  if (values.some((value) => typeof value === 'string')) return { label, kind: 'names', names: values.map(String) }
  const ticks = values as number[]
  const wide = ticks[0] > 0 && ticks[ticks.length - 1] >= 8 * ticks[0]
  return { label, kind: wide ? 'log' : 'linear', ticks }
}

/** As a part of a file's name. */
const slug = (name: string) =>
  name
    .toLowerCase()
    .replace('τ', 'tau')
    .replace(/[^a-z0-9]+/g, '-')
