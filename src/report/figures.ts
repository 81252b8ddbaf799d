// The figures of a study: accuracy, ECE, entropy and training time against image size, a line a method and temperature;
// the first three against temperature; reliability diagrams; learning curves.
import { type Bin, poolBins } from './calibration.ts'
import { fixed, percent } from './format.ts'
import { fullLabel, type Group, mainGroups, summarise } from './groups.ts'
import { type Line, linesOf, lookOf, sameLine } from './lines.ts'
import type { Markup } from './markup.ts'
import { reliabilityDiagram } from './reliability.ts'
import type { Curve, CurvePoint, Metric, Results, Row } from './rows.ts'
import { sizesOf, temperaturesOf } from './select.ts'
import { mean } from './stats.ts'
import { extent, type LineChart, lineChart, type Point, type Series } from './svg.ts'

export interface Figure {
  /** Unique; also the file name, without its ending. */
  id: string
  title: string
  svg: Markup
}

interface Measured {
  metric: Metric
  title: string
  unit: string
  factor: number
  from0: boolean
}

const MEASURED: Measured[] = [
  { metric: 'accuracy', title: 'Accuracy', unit: 'test accuracy, %', factor: 100, from0: false },
  { metric: 'ece', title: 'Calibration error', unit: 'ECE of 15 bins, %', factor: 100, from0: true },
  { metric: 'entropy', title: 'Entropy', unit: 'mean entropy of the output, nats', factor: 1, from0: false },
  { metric: 'seconds', title: 'Training time', unit: 'seconds a cell, teacher apart', factor: 1, from0: true },
]

/** More lines than this are split by teacher into two figures on the same axes. */
const CROWDED = 8

/** Accuracy, ECE, entropy and training time against image size. */
export function sizeFigures({ rows }: Pick<Results, 'rows'>, standalone = false): Figure[] {
  const groups = mainGroups(rows)
  const lines = linesOf(groups)
  const panels = panelsOf(lines)
  return MEASURED.flatMap((what) => {
    const seriesOf = (line: Line): Series => {
      const own = groups.filter((group) => sameLine(group, line))
      return { ...lookOf(line, lines), points: own.flatMap((group) => pointsOf(group, group.size, what)) }
    }
    const include = panels.length > 1 ? extent(lines.map(seriesOf)) : undefined
    const title = `${what.title} by image size`
    return panels.flatMap(({ name, members }, i) => {
      const x = { label: 'image size, px', kind: 'log' as const }
      const y = { ...what, unit: name ? `${what.unit}: ${name}` : what.unit, include }
      return draw(`${what.metric}-by-size${i ? `-${i}` : ''}`, y, title, x, members.map(seriesOf), standalone)
    })
  })
}

/** All lines together, or where they crowd the calibrated teacher apart; lines without a teacher stand in both. */
function panelsOf(lines: Line[]): { name: string; members: Line[] }[] {
  const taughtBy = (calibrated: boolean) => {
    return lines.filter(({ teacher }) => teacher === null || (teacher === 'calibrated') === calibrated)
  }
  const [calibrated, others] = [taughtBy(true), taughtBy(false)]
  const split = lines.length > CROWDED && calibrated.length < lines.length && others.length < lines.length
  if (!split) return [{ name: '', members: lines }]
  return [
    { name: 'calibrated teacher', members: calibrated },
    { name: 'other teachers', members: others },
  ]
}

/** Accuracy, ECE and entropy against temperature, a line a teacher; methods without a temperature are levels. */
export function temperatureFigures({ rows }: Pick<Results, 'rows'>, standalone = false): Figure[] {
  const groups = mainGroups(rows)
  const ticks = temperaturesOf(groups)
  if (ticks.length < 2) return []
  return sizesOf(groups).flatMap((size) => {
    const here = groups.filter((group) => group.size === size)
    const lines = linesOf(here.map((group) => ({ ...group, temperature: null })))
    return MEASURED.filter(({ metric }) => metric !== 'seconds').flatMap((what) => {
      const series = lines.map((line): Series => {
        const own = here.filter(({ method, teacher }) => method === line.method && teacher === line.teacher)
        const look = lookOf(line, lines)
        const swept = own.flatMap((group) =>
          group.temperature === null ? [] : pointsOf(group, group.temperature, what),
        )
        if (swept.length) return { ...look, points: swept }
        const level = own.flatMap((group) => pointsOf(group, 0, what)).slice(0, 1)
        const points = level.flatMap(({ y }) => [ticks[0], ticks[ticks.length - 1]].map((x) => ({ x, y })))
        return { ...look, dash: 'dotted', marker: null, points }
      })
      const id = `${what.metric}-by-temperature-${size}`
      const x = { label: 'temperature T', kind: 'log' as const, ticks }
      return draw(id, what, `${what.title} by temperature, ${size} px`, x, series, standalone)
    })
  })
}

function pointsOf(group: Group, x: number, { metric, factor }: Measured): Point[] {
  return measuredPoints(group, x, metric, factor)
}

/** The mean over seeds with its standard deviation; nothing where no run has the number. */
export function measuredPoints(group: Group, x: number, metric: Metric, factor: number): Point[] {
  const found = summarise(group.rows, metric)
  if (!found) return []
  const y = found.mean * factor
  const spread = found.sd === null ? null : found.sd * factor
  // No share lies beyond 0 or 100 %.
  const within = (end: number) => (factor === 100 ? Math.min(100, Math.max(0, end)) : end)
  return [{ x, y, ...(spread === null ? {} : { low: within(y - spread), high: within(y + spread) }) }]
}

/** A share in percent. */
export const percentOf = (metric: Metric) => (row: Row) => {
  const value = row[metric]
  return typeof value === 'number' ? 100 * value : null
}

/** A point a run: seeds that both have. */
export function runPoints(x: ReadonlyMap<number, number>, y: ReadonlyMap<number, number>): Point[] {
  return [...x].flatMap(([seed, at]) => (y.has(seed) ? [{ x: at, y: y.get(seed)! }] : []))
}

/** A chart of these series, or none where there is nothing to draw. */
export function plot(
  id: string,
  title: string,
  unit: string,
  x: LineChart['x'],
  series: Series[],
  standalone: boolean,
  window?: [number, number],
): Figure[] {
  return draw(id, { unit, from0: false, window }, title, x, series, standalone)
}

function draw(
  id: string,
  { unit, from0, window, include }: Omit<LineChart['y'], 'label'> & { unit: string },
  title: string,
  x: LineChart['x'],
  series: Series[],
  standalone: boolean,
): Figure[] {
  const told = series.map(
    ({ label, points }) => `${label}: ${points.map(({ x, y }) => `${x}, ${fixed(y, 3)}`).join('; ')}`,
  )
  const description = `${unit} against ${x.label}. ${told.join('. ')}.`
  const svg = lineChart({ id, title, description, x, y: { label: unit, from0, window, include }, series }, standalone)
  return svg ? [{ id, title, svg }] : []
}

/** A reliability diagram a group that has bins, by size; of students, or of teachers in a study that tells them apart. */
export function reliabilityFigures(
  { rows }: Pick<Results, 'rows'>,
  standalone = false,
  role?: 'teacher',
): (Figure & { size: number })[] {
  const groups = mainGroups(rows).filter((group) => group.role === role && group.method !== 'ablation')
  return groups.flatMap((group, i) => {
    const runs = seedBins(group.rows)
    const title = fullLabel(group)
    const id = [role, `reliability-${group.size}-${i}`].filter(Boolean).join('-')
    const ece = summarise(group.rows, 'ece')?.mean
    const subtitle = [role, `${group.size} px`].filter(Boolean).join(', ')
    const svg = reliabilityDiagram({ id, title, subtitle, runs, ece }, standalone)
    return svg ? [{ id, title: `${title}, ${group.size} px`, svg, size: group.size }] : []
  })
}

/** Bins a seed: members of one cohort learned from each other, so they are no runs of their own. */
export function seedBins(rows: Row[]): Bin[][] {
  const found = new Map<number, Bin[][]>()
  for (const { seed, status, bins } of rows)
    if (status === 'ok' && bins) found.set(seed, [...(found.get(seed) ?? []), bins])
  return [...found.values()].map(poolBins)
}

/** The teacher before and after τ. */
export function teacherFigures({ teachers }: Pick<Results, 'teachers'>, standalone = false): Figure[] {
  const full = teachers.filter(({ role, status }) => role === 'full' && status === 'ok')
  return (['raw', 'calibrated'] as const).flatMap((which) => {
    const runs = full.flatMap((teacher): Bin[][] => (teacher[which]?.bins ? [teacher[which].bins] : []))
    const eces = full.map((teacher) => teacher[which]?.ece).filter((x) => typeof x === 'number')
    const title = which === 'raw' ? 'Teacher, raw' : 'Teacher, divided by τ'
    const ece = eces.length ? mean(eces) : null
    const svg = reliabilityDiagram(
      { id: `teacher-${which}`, title, subtitle: `${full[0]?.size} px`, runs, ece },
      standalone,
    )
    return svg ? [{ id: `teacher-${which}`, title, svg }] : []
  })
}

const COURSES: { key: keyof CurvePoint; title: string; unit: string; factor: number }[] = [
  { key: 'accuracy', title: 'Test accuracy', unit: 'accuracy on the test images looked at, %', factor: 100 },
  { key: 'heldOut', title: 'Held-out accuracy', unit: 'accuracy on images held out, %', factor: 100 },
  {
    key: 'trainAccuracy',
    title: 'Training accuracy',
    unit: 'accuracy on training batches, mean of the epoch, %',
    factor: 100,
  },
  { key: 'trainLoss', title: 'Training loss', unit: 'training loss, mean of the epoch', factor: 1 },
  { key: 'ece', title: 'Calibration error', unit: 'ECE on the test images looked at, %', factor: 100 },
]

/** Learning curves, the mean over seeds, by size: of students, then of teachers in a study that tells them apart. */
export function curveFigures({ curves = [] }: Pick<Results, 'curves'>, standalone = false): Figure[] {
  const known = curves.filter(({ method }) => method !== 'ablation')
  const of = (role: Curve['role']) => known.filter((curve) => curve.role === role)
  return [...coursesOf(of(undefined), '', standalone), ...coursesOf(of('teacher'), 'teachers', standalone)]
}

function coursesOf(curves: Curve[], who: string, standalone: boolean): Figure[] {
  const lines = linesOf(curves)
  return [...new Set(curves.map(({ size }) => size))].flatMap((size) =>
    COURSES.flatMap(({ key, title, unit, factor }) => {
      const series = lines.map((line): Series => {
        const own = curves.filter((curve) => curve.size === size && sameLine(curve, line))
        return { ...lookOf(line, lines), marker: null, points: averageCourse(own, key, factor) }
      })
      const x = { label: 'epoch', kind: 'linear' as const }
      return draw(
        [`curve-${key}-${size}`, who].filter(Boolean).join('-'),
        { unit, from0: false, window: afterStart(series) },
        [title, who, `${size} px`].filter(Boolean).join(', '),
        x,
        series,
        standalone,
      )
    }),
  )
}

/** The range of the values after the first fifth of the epochs: the steep start would flatten all differences. */
export function afterStart(series: Series[]): [number, number] | undefined {
  const points = series.flatMap((one) => one.points)
  const end = Math.max(...points.map(({ x }) => x))
  const later = points.filter(({ x }) => x > end / 5).map(({ y }) => y)
  return points.length > later.length && later.length > 1 ? [Math.min(...later), Math.max(...later)] : undefined
}

/** Where some seeds have ended and others go on, a mean would jump with nothing getting worse: there it ends. */
export function averageCourse(curves: Curve[], key: keyof CurvePoint, factor: number): Point[] {
  const byEpoch = new Map<number, number[]>()
  for (const point of curves.flatMap(({ points }) => points)) {
    const value = point[key]
    if (typeof value === 'number') byEpoch.set(point.epoch, [...(byEpoch.get(point.epoch) ?? []), value])
  }
  const most = Math.max(...[...byEpoch.values()].map(({ length }) => length))
  return [...byEpoch].flatMap(([x, values]) => (values.length < most ? [] : [{ x, y: factor * mean(values) }]))
}

/** The words under the figures against size and temperature. */
export function figureNote(seeds: number): string {
  return seeds > 1
    ? 'Bars are ± 1 standard deviation over seeds. Points at the same place on the axis are drawn side by side so that none hides another. The claims compare seed by seed, so two rows can differ even where their bars overlap.'
    : 'One seed: points have no bars and claims no verdict.'
}

/** The words under the reliability diagrams. */
export const RELIABILITY_NOTE = `Test pictures are sorted into 15 bins by confidence, those of all runs together. A blue bar is the accuracy in a bin; the shaded part reaches from there to the mean confidence: orange where the network is too sure, purple where it is not sure enough. Whiskers are ${percent(0.95, 0)} % bootstrap intervals over seeds and pictures. Below: the share of the pictures in each bin. Gap: mean confidence minus accuracy of all pictures.`
