// Which classes are taken for which: the main method's student and its supervised baseline, all seeds together.
import type { Table } from './columns.ts'
import { confusionMatrix, mistakesOf } from './confusion.ts'
import type { Figure } from './figures.ts'
import { percent, thousands } from './format.ts'
import { fullLabel, type Group, mainGroups } from './groups.ts'
import type { Results } from './rows.ts'

/** Up to so many classes a matrix is drawn; beyond them only the most frequent mistakes are told. */
const DRAWN = 20
const TOLD = 20

/** The first that a study has is its main method. */
const MAIN = ['trikd', 'cqkd', 'cmkd']

interface Confused {
  group: Group
  title: string
  subtitle: string
  classes: string[]
  counts: number[][]
}

/**
 * Of every image size the last row of supervised training and the last of the main method (of CQKD from the calibrated
 * teacher), where their cells have counts.
 */
function confused({ rows, run }: Pick<Results, 'rows' | 'run'>): Confused[] {
  const own = mainGroups(rows).filter(({ role, teacher }) => {
    return role === undefined && (teacher === null || teacher === 'calibrated')
  })
  const main = MAIN.find((method) => own.some((group) => group.method === method))
  return [...new Set(own.map(({ size }) => size))].flatMap((size) => {
    const last = (method?: string) => own.filter((group) => group.size === size && group.method === method).at(-1)
    return [last('supervised'), last(main)].flatMap((group) => {
      const runs = group?.rows.flatMap(({ status, confusion }) => (status === 'ok' && confusion ? [confusion] : []))
      if (!group || !runs?.length) return []
      const counts = runs[0].map((row, i) => row.map((_, j) => runs.reduce((sum, one) => sum + one[i][j], 0)))
      const pictures = counts.flat().reduce((sum, count) => sum + count, 0)
      const from = runs.length === 1 ? 'one run' : `${runs.length} runs`
      const title = fullLabel(group)
      const subtitle = `${size} px, ${from}, ${thousands(pictures)} answers`
      return [{ group, title, subtitle, classes: run.classes ?? counts.map((_, i) => String(i)), counts }]
    })
  })
}

/** The matrices, where there are few enough classes. */
export function confusionFigures(results: Pick<Results, 'rows' | 'run'>, standalone = false): Figure[] {
  return confused(results)
    .filter(({ classes }) => classes.length <= DRAWN)
    .map(({ group: { method, size }, ...what }) => {
      const id = `confusion-${method}-${size}`
      return { id, title: `${what.title}, ${size} px`, svg: confusionMatrix({ id, ...what }, standalone) }
    })
}

/** The same counts; of many classes the most frequent mistakes. */
export function confusionTables(results: Pick<Results, 'rows' | 'run'>): Table[] {
  return confused(results).map(({ group, title, subtitle, classes, counts }) => {
    const whole = classes.length <= DRAWN
    const told = { title: `${title}, ${group.size} px`, caption: subtitle, left: whole ? [0] : [0, 1] }
    if (whole) {
      const rows = counts.map((row, i) => [classes[i], ...row.map(thousands)])
      return { ...told, head: ['true class \\ taken for', ...classes], blocks: [{ title: '', rows }] }
    }
    const rows = mistakesOf(counts)
      .slice(0, TOLD)
      .map(({ of, as, count, share }) => [classes[of], classes[as], thousands(count), percent(share, 1)])
    return { ...told, head: ['true class', 'taken for', 'pictures', '% of the class'], blocks: [{ title: '', rows }] }
  })
}

/** The words above them. */
export const CONFUSION_NOTE =
  'Answers on the test pictures after the last epoch, all seeds together. A row is a true class, a column the class that its pictures were taken for; right answers are framed, a cell without a number is 0. The shade follows the square root of the share of the row, so that rare mistakes are seen, too.'
