// K3: how many generations help. Rows of one generation and seed start from the same weights.
import type { Part } from './claim.ts'
import { type Cells, judged } from './compare.ts'
import type { Group } from './groups.ts'
import type { Row } from './rows.ts'
import { paired } from './stats.ts'
import { control, lastBySeed, lastOf, minus, noted, pick, type Values, valuesOf } from './triplet.ts'

/** The gain of a generation is what TriKD adds to online KD; of generation 0 it is 0. */
export function saturates({ groups, saturated }: Cells): Part[] | string {
  const last = lastOf(groups)
  const ended = saturation(groups, saturated)
  if (last < 2) return ['fewer than two generations with an anchor', ended].filter(Boolean).join('; ')
  const notes = new Set<string>([ended])
  const gains = Array.from({ length: last + 1 }, (_, g): Values => {
    const online = control(groups, g)
    const own = valuesOf(g === 0 ? online.groups : pick(groups, { method: 'trikd', generation: g }), 'accuracy')
    notes.add(online.note)
    return minus(own, valuesOf(online.groups, 'accuracy'))
  })
  const steps = gains.slice(1).map((gain, i) => minus(gain, gains[i]))
  const part = (rows: string, a: Values, b: Values, decides: boolean): Part => {
    const question = { rows, statistic: 'gain in accuracy over online KD', side: 'above' as const, decides }
    return noted(judged(paired(a, b), question), [...notes].filter(Boolean).join('; '))
  }
  const zero = (values: Values): Values => new Map([...values.keys()].map((seed) => [seed, 0]))
  const ends = [...lastBySeed(groups)].filter(([seed, end]) => end > 1 && steps[end - 1].has(seed))
  const lastSteps: Values = new Map(ends.map(([seed, end]) => [seed, steps[end - 1].get(seed)!]))
  const which = ends.every(([, end]) => end === last)
    ? `generation ${last} adds to ${last - 1}`
    : "each seed's last adds"
  return [
    part('generation 1', gains[1], zero(gains[1]), true),
    part(`what generation 1 adds minus what ${which}`, steps[0], lastSteps, true),
    ...steps.slice(1).map((step, i) => part(`generation ${i + 2} minus ${i + 1}`, step, zero(step), false)),
  ]
}

/** Where generations ended that could; empty where none did. */
function saturation(groups: Group[], saturated: Row[]): string {
  const over = new Set(saturated.map(({ seed }) => seed))
  if (over.size === 0) return ''
  const ends = [...lastBySeed(groups)].filter(([seed]) => over.has(seed)).map(([, end]) => end)
  const counts = [...new Set(ends)]
    .sort((a, b) => a - b)
    .map((end) => {
      return `at ${end} in ${ends.filter((each) => each === end).length}`
    })
  const total = lastBySeed(groups).size
  return `generations ended by saturation on images held out: ${counts.join(', ')} of ${total} seeds`
}
