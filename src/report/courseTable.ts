// Where every epoch was looked at: the last and the best ones, and how soon.
import { type Column, metric, percent2, type Table } from './columns.ts'
import { fixed, plusMinus, thousands } from './format.ts'
import type { Group } from './groups.ts'
import { sameLine } from './lines.ts'
import type { Curve, Results, Row } from './rows.ts'
import { type Interval, interval } from './stats.ts'

/** Nothing where no epoch was looked at. */
export function courseTable(
  { run, rows, curves = [] }: Pick<Results, 'run' | 'rows' | 'curves'>,
  of: (title: string, caption: string, columns: Column[], rows: Row[]) => Table,
): Table[] {
  const looked = rows.filter((row) => row.bestHeldOut !== undefined)
  if (looked.length === 0) return []
  const { looks } = run.config as { looks?: { test?: number } }
  const which = looks?.test === undefined ? 'some of the test images' : `the first ${thousands(looks.test)} test images`
  const caption = `On ${which}, not on the whole test set: accuracy after the last epoch, at the best epoch by images held out, and at the best by the test images themselves (which leaks). Then the first epoch with 99 % of the last one’s accuracy on images held out, and the mean of that accuracy over all epochs that were trained.`
  const columns = [
    ...(looked.some(({ epochs }) => epochs !== undefined) ? [metric('epochs', 'epochs', (x) => fixed(x, 1))] : []),
    { head: 'last %', cell: (group: Group) => plusMinus(lastLooked(curves, group), percent2) },
    metric('best held out %', 'bestHeldOut', percent2),
    metric('best on test % (leaks)', 'bestOnTest', percent2),
    metric('epochs to 99 %', 'epochsTo99', (x) => fixed(x, 1)),
    metric('mean over epochs %', 'curveArea', percent2),
  ]
  return [of('Course of training', caption, columns, looked)]
}

/** Accuracy at the last look, over seeds. */
function lastLooked(curves: readonly Curve[], group: Group): Interval | null {
  const own = curves.filter((curve) => curve.size === group.size && sameLine(curve, group))
  const last = own.flatMap(({ points }) => points[points.length - 1]?.accuracy ?? [])
  return last.length ? interval(last) : null
}
