// Q1, 'why compare CQKD with CMKD?': what distillation adds, and what the extra modality or quality adds to it.
import type { Part } from './claim.ts'
import { type Cells, type Claim, difference } from './compare.ts'
import { withInterval } from './format.ts'
import type { Group } from './groups.ts'
import type { Teacher } from './rows.ts'
import { noted } from './triplet.ts'
import { having } from './varied.ts'

const views = (groups: Group[]) => [...new Set(groups.flatMap(({ at }) => (typeof at === 'string' ? [at] : [])))]
const distilled = (groups: Group[], teacher: Teacher) => groups.filter((group) => group.teacher === teacher)

/** A view at a time, from colour at full size minus what it is held against; all together decide. */
function gain(
  against: (groups: Group[]) => Group[],
  name: string,
  question: Omit<Parameters<typeof difference>[2], 'rows'>,
): (cells: Cells) => Part[] | string {
  return ({ all }) => {
    const [ours, theirs] = [distilled(all, 'calibrated'), against(all)]
    const known = views(ours).filter((view) => having(theirs, view).length > 0)
    if (known.length === 0) return `no rows to hold against ${name}`
    const kinds: [string, string[]][] = [
      ['another modality', known.filter((view) => !view.startsWith('colour'))],
      ['another quality', known.filter((view) => view.startsWith('colour'))],
    ]
    const over = (which: string[], rows: string, decides: boolean) => {
      const [a, b] = [ours, theirs].map((groups) => groups.filter(({ at }) => which.includes(String(at))))
      return difference(a, b, { ...question, rows, decides })
    }
    return [
      ...kinds.flatMap(([kind, which]) =>
        which.length ? [over(which, `${kind}: ${which.join(', ')}; minus ${name}`, true)] : [],
      ),
      ...known.map((view) => over([view], `${view}; minus ${name}`, false)),
    ]
  }
}

const accuracy = { statistic: 'accuracy', measure: 'accuracy' as const, side: 'above' as const }
const ece = { statistic: 'ECE', measure: 'ece' as const, side: 'below' as const }
const supervised = (groups: Group[]) => groups.filter(({ method, role }) => method === 'supervised' && !role)
const own = (groups: Group[]) => distilled(groups, 'sameResolution')

/** Any calibrated teacher may do that: what the extra modality or quality adds to it stands beside. */
function betterCalibrated(cells: Cells): Part[] | string {
  const parts = gain(supervised, 'supervised', ece)(cells)
  const beside = gain(own, 'a teacher of the own view', ece)(cells)
  if (typeof parts === 'string' || typeof beside === 'string') return parts
  const added = beside.filter(({ decides }) => decides).map((part) => ({ ...part, decides: false }))
  const told = (part: Part) => {
    const kind = part.rows.split(':')[0]
    const same = added.find(({ rows }) => rows.startsWith(kind))
    return same ? `minus a teacher of the own view ${withInterval(same)}` : ''
  }
  return [...parts.map((part) => (part.decides ? noted(part, told(part)) : part)), ...added]
}

export const CMKD_CLAIMS: Claim[] = [
  {
    id: 'Q1',
    text: 'A teacher that sees colour at full size makes a more accurate student than one of the student’s own view, across modalities and across qualities',
    source: "a reader's question: why compare CQKD with CMKD?",
    here: 'minus a teacher of the own view, both calibrated; mean over modalities, and mean over qualities',
    test: gain(own, 'a teacher of the own view', accuracy),
  },
  {
    id: 'Q1b',
    text: 'A teacher that sees colour at full size makes a more accurate student than labels alone, across modalities and across qualities',
    source: "a reader's question",
    here: 'calibrated teacher minus supervised; mean over modalities, and mean over qualities',
    test: gain(supervised, 'supervised', accuracy),
  },
  {
    id: 'Q1c',
    text: 'A teacher that sees colour at full size makes a better calibrated student than labels alone, across modalities and across qualities',
    source: "a reader's question",
    here: 'calibrated teacher minus supervised; mean over modalities, and mean over qualities',
    test: betterCalibrated,
  },
]
