// The comparison of two studies as tables, and as terminal text.
import type { Unit } from './claim.ts'
import type { Table } from './columns.ts'
import { capital, estimateOf, fixed, intervalOf, MISSING, percent, plusMinus, significant } from './format.ts'
import { fullLabel, type Group, kindOf, labelOf } from './groups.ts'
import type { Metric, Results, TeacherRow } from './rows.ts'
import { type Change, changeOf, type Match, type SideBySide, tally, teacherChange } from './sideBySide.ts'
import { textTable, wrap } from './tableText.ts'
import { commitOf } from './titles.ts'

export interface Measured {
  title: string
  metric: Metric
  unit: Unit
  write: (x: number) => string
}

const nats = (x: number) => fixed(x, 3)
const percents = (x: number) => percent(x)

const MEASURED: Measured[] = [
  { title: 'Accuracy, %', metric: 'accuracy', unit: 'fraction', write: percents },
  { title: 'Calibration error (ECE), %', metric: 'ece', unit: 'fraction', write: percents },
  { title: 'Entropy, nats', metric: 'entropy', unit: 'nats', write: nats },
  { title: 'NLL, nats', metric: 'nll', unit: 'nats', write: nats },
  { title: 'Training time, s', metric: 'seconds', unit: 'ratio', write: significant },
]

const INTERVALS =
  'A and B: mean ± standard deviation over their own seeds. B − A with its 95 % interval: over the n seeds that both have, paired; not corrected for the number of rows.'

/** A table a measure, a line a row that both studies have. */
export function changeTables({ matched }: Pick<SideBySide, 'matched'>): Table[] {
  const told = MEASURED.filter(({ metric, unit }) => matched.some((pair) => changeOf(pair, metric, unit).a !== null))
  const roles = matched.some(({ a }) => a.role !== undefined)
  const blockOf = ({ a, b }: Match) => {
    const images = a.images === b.images ? [] : [`${a.images ?? MISSING} and ${b.images ?? MISSING} images`]
    const role = roles ? [a.role === 'teacher' ? 'teachers' : 'students'] : []
    return [...role, `${a.size} px`, ...images].join(', ')
  }
  const blocks = [...new Set(matched.map(blockOf))]
  return told.map(({ title, metric, unit, write }, i) => ({
    title,
    caption: i === 0 ? INTERVALS : '',
    head: ['row', 'T', 'A', 'B', unit === 'ratio' ? 'B / A' : 'B − A', '95 %', 'n', ...(i === 0 ? ['same bits'] : [])],
    left: [0],
    blocks: blocks.map((block) => ({
      title: block,
      rows: matched
        .filter((pair) => blockOf(pair) === block)
        .map((pair) => [
          labelOf(pair.a),
          pair.a.temperature === null ? '' : String(pair.a.temperature),
          ...changeCells(changeOf(pair, metric, unit), write),
          ...(i === 0 ? [pair.same.of ? `${pair.same.bits}/${pair.same.of}` : MISSING] : []),
        ]),
    })),
  }))
}

function changeCells(change: Change, write: (x: number) => string): string[] {
  const { a, b, n, estimate } = change
  const count = n > 0 ? String(n) : estimate === null ? MISSING : 'unpaired'
  return [plusMinus(a, write), plusMinus(b, write), estimateOf(change), intervalOf(change), count]
}

const OF_TEACHERS: { key: string; name: string; take: (row: TeacherRow) => number | null | undefined; unit: Unit }[] = [
  { key: 'accuracy', name: 'accuracy, %', take: ({ accuracy }) => accuracy, unit: 'fraction' },
  { key: 'ece', name: 'ECE, %', take: ({ raw }) => raw?.ece, unit: 'fraction' },
  { key: 'eceCalibrated', name: 'ECE at τ, %', take: ({ calibrated }) => calibrated?.ece, unit: 'fraction' },
  { key: 'tau', name: 'τ', take: ({ tau }) => tau, unit: 'ratio' },
]

export function teacherTables({ teachers }: Pick<SideBySide, 'teachers'>): Table[] {
  if (teachers.length === 0) return []
  const rows = (match: (typeof teachers)[number]) =>
    OF_TEACHERS.map(({ name, take, unit }) => [
      name,
      ...changeCells(teacherChange(match, take, unit), unit === 'ratio' ? nats : percents),
    ])
  return [
    {
      title: 'Teachers',
      caption: 'On the test set, before and after division of the logits by τ; of τ the ratio B / A.',
      head: ['', 'A', 'B', 'B − A', '95 %', 'n'],
      left: [0],
      blocks: teachers.map((match) => {
        const which = match.role === 'full' ? 'full size' : 'same size as the students'
        const varied = match.at === undefined ? '' : `, ${match.axis} ${match.at}`
        return { title: `${which}, ${match.size} px${varied}`, rows: rows(match) }
      }),
    },
  ]
}

const shown = (value: unknown): string => {
  if (value === undefined || value === null) return MISSING
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** What recipes and run records differ in; a table without lines is left out. */
export function differenceTables({ recipe, facts }: Pick<SideBySide, 'recipe' | 'facts'>): Table[] {
  const table = (title: string, list: SideBySide['facts']): Table => ({
    title,
    caption: '',
    head: ['', 'A', 'B'],
    left: [0, 1, 2],
    blocks: [{ title: '', rows: list.map(({ path, a, b }) => [path, shown(a), shown(b)]) }],
  })
  return [table('Recipe', recipe), table('Program, adapter and data', facts)].filter(
    ({ blocks }) => blocks[0].rows.length > 0,
  )
}

const hereOf = ({ a = MISSING, b = MISSING }: SideBySide['claims'][number]['here']) => {
  return a === b ? a : `A: ${a}; B: ${b}`
}

export function claimTables({ claims }: Pick<SideBySide, 'claims'>): Table[] {
  if (claims.length === 0) return []
  return [
    {
      title: 'Claims',
      caption: 'Verdicts of the claims that at least one of the studies tested.',
      head: ['', 'claim', 'as tested', 'A', 'B'],
      left: [0, 1, 2, 3, 4],
      blocks: [{ title: '', rows: claims.map(({ id, text, here, a, b }) => [id, text, hereOf(here), a, b]) }],
    },
  ]
}

/** For `--json`: what the tables tell, with every digit. */
export function sideDocument({ matched, onlyA, onlyB, teachers, ...rest }: SideBySide) {
  return {
    ...rest,
    matched: matched.map((pair) => ({
      ...kindOf(pair.a),
      size: pair.a.size,
      images: { a: pair.a.images, b: pair.b.images },
      same: pair.same,
      changes: Object.fromEntries(MEASURED.map(({ metric, unit }) => [metric, changeOf(pair, metric, unit)])),
    })),
    teachers: teachers.map((match) => ({
      role: match.role,
      size: match.size,
      changes: Object.fromEntries(OF_TEACHERS.map(({ key, take, unit }) => [key, teacherChange(match, take, unit)])),
    })),
    onlyA: alone(onlyA),
    onlyB: alone(onlyB),
  }
}

/** 'TriKD, gen. 2, 7 px (3 seeds)', a line a row that one study alone has. */
export function alone(groups: Group[]): string[] {
  return groups.map((group) => {
    const seeds = new Set(group.rows.map(({ seed }) => seed)).size
    const who = group.role === 'teacher' ? 'teacher of ' : ''
    return `${who}${fullLabel(group)}, ${group.size} px (${seeds} ${seeds === 1 ? 'seed' : 'seeds'})`
  })
}

/** What came of it in a few sentences. */
export function sideSummary({ matched, onlyA, onlyB, recipe }: SideBySide): string {
  const rows = (n: number) => `${n} ${n === 1 ? 'row' : 'rows'}`
  const { above, below, undecided, untold } = tally(matched, 'accuracy', 'fraction')
  const bits = matched.reduce((sum, { same }) => sum + same.bits, 0)
  const of = matched.reduce((sum, { same }) => sum + same.of, 0)
  const parts = [
    `${rows(matched.length)} in both, ${onlyA.length} in A alone, ${onlyB.length} in B alone`,
    `accuracy: B above A in ${above}, below in ${below}, undecided in ${undecided}, without an interval in ${untold}`,
    `${bits} of ${of} networks of the same seed are the same bits`,
    recipe.length ? `the recipes differ in ${recipe.map(({ path }) => path).join(', ')}` : 'the recipes are the same',
  ]
  return `${parts.map(capital).join('. ')}.`
}

/** The names under which the studies were given, and where each comes from. */
export function namesOf(names: readonly [string, string], results: readonly [Results, Results]): string[] {
  return names.map((name, i) => {
    const { run } = results[i]
    const { preset, dataset, adapter, date } = run
    return `${'AB'[i]}: ${name} (${dataset}, preset ${preset}, ${adapter}, ${commitOf(run)}, ${date.slice(0, 10)})`
  })
}

const WIDTH = 80

/** For a terminal: accuracy and calibration error, what differs; the page has the rest. */
export function sideText(
  compared: SideBySide,
  names: readonly [string, string],
  results: readonly [Results, Results],
): string {
  const list = (title: string, lines: string[]) => (lines.length ? [[title, ...lines].join('\n')] : [])
  const [accuracy, ece] = changeTables(compared)
  const tables = [accuracy, ece, ...teacherTables(compared), ...claimTables(compared), ...differenceTables(compared)]
  const same = [
    ...(compared.recipe.length ? [] : ['The recipes are the same.']),
    ...(compared.facts.length ? [] : ['Program, adapter and data are the same.']),
  ]
  const parts = [
    namesOf(names, results).join('\n'),
    ...compared.notes.map((note) => wrap(note, WIDTH).join('\n')),
    wrap(sideSummary(compared), WIDTH).join('\n'),
    ...tables.filter(Boolean).map(textTable),
    ...list('ONLY IN A', alone(compared.onlyA)),
    ...list('ONLY IN B', alone(compared.onlyB)),
    ...same,
    wrap(INTERVALS, WIDTH).join('\n'),
  ]
  return `${parts.join('\n\n')}\n`
}
