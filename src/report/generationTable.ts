// Where generations ended by saturation, a line a seed.
import { fixed, MISSING, percent, plusMinus } from './format.ts'
import type { Results, Row } from './rows.ts'
import { interval } from './stats.ts'

/** Nothing where a recipe has no rule of saturation. */
export function generationTable({ run, rows }: Pick<Results, 'run' | 'rows'>) {
  const { saturation: patience } = run.config
  const chain = rows.filter(({ method, generation, role, teacherWidth }) => {
    const own = method === 'trikd' || (method === 'online' && generation === 0)
    return own && role === undefined && teacherWidth === undefined
  })
  if (typeof patience !== 'number' || chain.length === 0) return []
  const trained = chain.filter(({ status }) => status === 'ok')
  const generations = Math.max(0, ...trained.map(({ generation = 0 }) => generation)) + 1
  const blockOf = ({ size, axis, at }: Row) => `${size} px${at === undefined ? '' : `, ${axis} = ${at}`}`
  const blocks = [...new Set(chain.map(blockOf))].map((title) => {
    const own = chain.filter((row) => blockOf(row) === title)
    const ends = [...new Set(own.map(({ seed }) => seed))].flatMap((seed) => {
      const rows = own.filter((row) => row.seed === seed).sort((a, b) => a.generation! - b.generation!)
      const course = rows.filter(({ status }) => status === 'ok')
      const next = rows.find(({ status }) => status !== 'ok')
      const why = next ? next.status : 'the last asked for'
      return course.length ? [{ seed, course, last: course[course.length - 1], why }] : []
    })
    const lines = ends.map(({ seed, course, last, why }) => [
      String(seed),
      ...Array.from({ length: generations }, (_, g) => written(course[g]?.heldOutNll, (x) => fixed(x, 4))),
      String(last.generation),
      why,
      written(last.accuracy, percent),
      written(last.ece, percent),
    ])
    const mean = (of: (row: Row) => number | null | undefined, write: (x: number) => string) => {
      const values = ends.map(({ last }) => of(last)).filter((x) => typeof x === 'number')
      return values.length ? plusMinus(interval(values), write) : MISSING
    }
    const means = [
      mean(
        ({ generation }) => generation,
        (x) => fixed(x, 1),
      ),
      `${ends.filter(({ why }) => why === 'saturated').length} of ${ends.length} saturated`,
      mean(({ accuracy }) => accuracy, percent),
      mean(({ ece }) => ece, percent),
    ]
    return { title, rows: [...lines, ['mean', ...new Array<string>(generations).fill(''), ...means]] }
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

/** 'the last generation is 2.0 ± 0.7 (5 of 5 saturated)', mean ± standard deviation over seeds, of every block. */
export function lastGeneration(results: Pick<Results, 'run' | 'rows'>): string {
  const blocks = generationTable(results).flatMap(({ head, blocks }) => {
    return blocks.map(({ title, rows }) => {
      const mean = rows[rows.length - 1]
      return `${title}: the last generation is ${mean[head.indexOf('last')]} (${mean[head.indexOf('because')]})`
    })
  })
  return blocks.join('; ')
}

const written = (x: number | null | undefined, write: (x: number) => string) =>
  typeof x === 'number' ? write(x) : MISSING
