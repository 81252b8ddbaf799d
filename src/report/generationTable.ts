// Where generations ended by saturation, a line a seed.
import { fixed, MISSING, percent, plusMinus } from './format.ts'
import type { Results, Row } from './rows.ts'
import { interval } from './stats.ts'

/** Where the generations of a seed ended. */
interface End {
  seed: number
  course: Row[]
  last: Row
  why: string
}

/** The ends by size, and by value where something varies. Nothing where a recipe has no rule of saturation. */
function endsOf({ run, rows }: Pick<Results, 'run' | 'rows'>): { title: string; ends: End[] }[] {
  if (typeof run.config.saturation !== 'number') return []
  const chain = rows.filter(({ method, generation, role, teacherWidth }) => {
    const own = method === 'trikd' || (method === 'online' && generation === 0)
    return own && role === undefined && teacherWidth === undefined
  })
  const blockOf = ({ size, axis, at }: Row) => `${size} px${at === undefined ? '' : `, ${axis} = ${at}`}`
  return [...new Set(chain.map(blockOf))].map((title) => {
    const own = chain.filter((row) => blockOf(row) === title)
    const ends = [...new Set(own.map(({ seed }) => seed))].flatMap((seed): End[] => {
      const rows = own.filter((row) => row.seed === seed).sort((a, b) => a.generation! - b.generation!)
      const course = rows.filter(({ status }) => status === 'ok')
      const next = rows.find(({ status }) => status !== 'ok')
      const why = next ? next.status : 'the last asked for'
      return course.length ? [{ seed, course, last: course[course.length - 1], why }] : []
    })
    return { title, ends }
  })
}

/** Mean ± standard deviation over seeds of a number of the last generations. */
function meanOf(ends: End[], of: (row: Row) => number | null | undefined, write: (x: number) => string): string {
  const values = ends.map(({ last }) => of(last)).filter((x) => typeof x === 'number')
  return values.length ? plusMinus(interval(values), write) : MISSING
}

/** The last generation, and how many seeds ended by the rule. */
const endText = (ends: End[]): [last: string, because: string] => [
  meanOf(
    ends,
    ({ generation }) => generation,
    (x) => fixed(x, 1),
  ),
  `${ends.filter(({ why }) => why === 'saturated').length} of ${ends.length} saturated`,
]

export function generationTable(results: Pick<Results, 'run' | 'rows'>) {
  const found = endsOf(results)
  if (found.length === 0) return []
  const { saturation: patience } = results.run.config
  const trained = found.flatMap(({ ends }) => ends.map(({ last }) => last.generation ?? 0))
  const generations = Math.max(0, ...trained) + 1
  const blocks = found.map(({ title, ends }) => {
    const lines = ends.map(({ seed, course, last, why }) => [
      String(seed),
      ...Array.from({ length: generations }, (_, g) => written(course[g]?.heldOutNll, (x) => fixed(x, 4))),
      String(last.generation),
      why,
      written(last.accuracy, percent),
      written(last.ece, percent),
    ])
    const scores = [meanOf(ends, ({ accuracy }) => accuracy, percent), meanOf(ends, ({ ece }) => ece, percent)]
    return {
      title,
      rows: [...lines, ['mean', ...new Array<string>(generations).fill(''), ...endText(ends), ...scores]],
    }
  })
  const numbered = Array.from({ length: generations }, (_, g) => (g === 0 ? 'NLL gen. 0' : String(g)))
  return [
    {
      title: 'Where generations ended',
      caption: `NLL of students on images held out, by generation; none more is trained for a seed once ${
        patience === 1 ? 'a generation has' : `${patience} generations in a row have`
      } not brought a lower one than all before. Then test accuracy and ECE of the student of the last one.`,
      head: ['seed', ...numbered, 'last', 'because', 'accuracy %', 'ECE %'],
      left: [0, generations + 2],
      blocks,
    },
  ]
}

/**
 * The mean last generation where none is better than another: of a seed the last is at least g where the NLLs of the g
 * before it fell one after the other, which chance does in 1 of g! orders. Of a longer patience it is not told.
 */
export function lastByChance({ saturation, generations }: { saturation?: unknown; generations?: unknown }) {
  if (saturation !== 1 || typeof generations !== 'number') return null
  let [sum, share] = [0, 1]
  for (let g = 1; g <= generations; g++) {
    share /= g
    sum += share
  }
  return sum
}

/**
 * '7 px: the last generation is 2.0 ± 0.7 (5 of 5 saturated)', of every block, and what chance alone would make it.
 */
export function lastGeneration(results: Pick<Results, 'run' | 'rows'>): string {
  const told = endsOf(results).map(({ title, ends }) => {
    const [last, because] = endText(ends)
    return `${title}: the last generation is ${last} (${because})`
  })
  const chance = lastByChance(results.run.config)
  const beside =
    chance === null ? [] : [`were no generation better than another, chance would make it ${fixed(chance, 1)}`]
  return [...told, ...beside].join('; ')
}

const written = (x: number | null | undefined, write: (x: number) => string) =>
  typeof x === 'number' ? write(x) : MISSING
