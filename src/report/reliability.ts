// A reliability diagram: accuracy of every confidence bin as a bar with its bootstrap interval, the gap to the mean
// confidence, the diagonal of perfect calibration, and below how many pictures each bin holds.
import { bootstrapBins } from './bootstrap.ts'
import { type Bin, errorsOf, poolBins } from './calibration.ts'
import { fixed, percent } from './format.ts'
import { frame, label, line, px } from './frame.ts'
import { type Markup, markup } from './markup.ts'

export interface Reliability {
  id: string
  title: string
  subtitle: string
  /** Bins of every seed: pooled for the bars, resampled for the intervals. */
  runs: Bin[][]
  /** Mean over runs of the ECE that the table gives; that of the pooled bins where absent. */
  ece?: number | null
}

const WIDTH = 240
const LEFT = 34
const RIGHT = WIDTH - 10
const TOP = 52
const BOTTOM = 250
const HEIGHT = 340
const COUNTS = { top: 262, bottom: 298 }
const X = (confidence: number) => px(LEFT + confidence * (RIGHT - LEFT))
const Y = (accuracy: number) => px(BOTTOM - accuracy * (BOTTOM - TOP))

/** The diagram, or null where no picture lies in any bin. */
export function reliabilityDiagram(figure: Reliability, standalone = false): Markup | null {
  if (figure.runs.length === 0) return null
  const bins = poolBins(figure.runs)
  const { n, ece, signedGap } = errorsOf(bins)
  if (n === 0) return null
  const intervals = bootstrapBins(figure.runs)
  const told = figure.ece ?? ece
  const gap = `${signedGap > 0 ? '+' : ''}${percent(signedGap, 1)}`
  const full = bins.map((bin, i) => ({ bin, interval: intervals[i] })).filter(({ bin }) => bin.count > 0)
  const description = `Reliability diagram. ECE ${percent(told)} %, mean confidence minus accuracy ${gap} points. ${full
    .map(
      ({ bin }) =>
        `Confidence ${fixed(bin.meanConfidence, 2)}: accuracy ${fixed(bin.accuracy, 2)}, ${bin.count} pictures`,
    )
    .join('; ')}.`
  const body = [
    label(0, 15, figure.title, { size: 13, bold: true }),
    label(0, 32, `${figure.subtitle}, gap ${gap} points`, { muted: true }),
    label(RIGHT, 32, `ECE ${percent(told)} %`, { anchor: 'end' }),
    ...grid(),
    ...full.map(({ bin }) => bar(bin)),
    line([X(0), Y(0)], [X(1), Y(1)], 'wd-axis wd-diagonal'),
    ...full.map(({ bin, interval }) => interval && whisker(bin, interval)),
    ...histogram(bins, n),
    ...[0, 0.5, 1].map((x) => tickLabel(x)),
    label((LEFT + RIGHT) / 2, COUNTS.bottom + 34, 'confidence', { anchor: 'middle', muted: true }),
  ]
  return frame({ ...figure, description, width: WIDTH, height: HEIGHT }, body, standalone)
}

function grid(): Markup[] {
  return [
    ...[0, 0.5, 1].map((y) => line([LEFT, Y(y)], [RIGHT, Y(y)], y ? 'wd-grid' : 'wd-axis')),
    ...[0, 0.5, 1].map((y) => label(LEFT - 6, Y(y) + 4, String(y), { anchor: 'end', muted: true })),
    markup`<text transform="translate(10 ${(Y(0) + Y(1)) / 2 - 34}) rotate(-90)" font-size="12" text-anchor="middle" class="wd-muted">accuracy</text>`,
  ]
}

function tickLabel(x: number): Markup {
  return label(X(x), COUNTS.bottom + 17, String(x), { anchor: 'middle', muted: true })
}

/** The accuracy, and from it to the mean confidence the gap: orange where too sure, purple where too modest. */
function bar({ lower, upper, accuracy, meanConfidence }: Bin): Markup {
  const x = X(lower) + 0.75
  const width = px(X(upper) - X(lower) - 1.5)
  const tone = meanConfidence > accuracy ? 'orange2' : 'purple2'
  const [top, bottom] = [Y(Math.max(accuracy, meanConfidence)), Y(Math.min(accuracy, meanConfidence))]
  return markup`<g class="wd-blue1"><rect x="${x}" y="${Y(accuracy)}" width="${width}" height="${px(BOTTOM - Y(accuracy))}" fill="currentColor" opacity="0.75"/></g><g class="wd-${tone}"><rect x="${x}" y="${top}" width="${width}" height="${px(bottom - top)}" fill="currentColor" fill-opacity="0.4" stroke="currentColor" stroke-width="0.75"/></g>`
}

function whisker({ lower, upper }: Bin, interval: { lower: number; upper: number }): Markup | false {
  const middle = (X(lower) + X(upper)) / 2
  const [low, high] = [Y(interval.lower), Y(interval.upper)]
  return markup`<path d="M${px(middle - 2)} ${low}h4M${px(middle)} ${low}V${high}M${px(middle - 2)} ${high}h4" stroke="currentColor" fill="none"/>`
}

/** Share of the pictures in every bin; the tallest is told in percent. */
function histogram(bins: Bin[], n: number): Markup[] {
  const most = Math.max(...bins.map(({ count }) => count))
  const tallest = bins.findIndex(({ count }) => count === most)
  const height = (count: number) => px(((COUNTS.bottom - COUNTS.top) * count) / most)
  const share = `${percent(most / n, 0)} % of pictures`
  const late = tallest >= bins.length / 2
  return [
    ...bins.map(
      ({ lower, upper, count }) =>
        markup`<rect x="${X(lower) + 0.75}" y="${px(COUNTS.bottom - height(count))}" width="${px(X(upper) - X(lower) - 1.5)}" height="${height(count)}" class="wd-muted" opacity="0.7"/>`,
    ),
    line([LEFT, COUNTS.bottom], [RIGHT, COUNTS.bottom], 'wd-axis'),
    label(late ? X(bins[tallest].lower) - 5 : X(bins[tallest].upper) + 5, COUNTS.top + 10, share, {
      anchor: late ? 'end' : 'start',
      muted: true,
      size: 11,
    }),
  ]
}
