// K3 and K4 where every epoch is looked at, and our own question: is training with an anchor ahead all the way?
import type { Part } from './claim.ts'
import { TRIKD_CLAIMS } from './claimsTrikd.ts'
import type { Cells, Claim } from './compare.ts'
import { control, lastOf, pick, versus } from './triplet.ts'

/** Each generation against online KD from its own weights: sooner? */
function sooner({ groups }: Cells): Part[] | string {
  const last = lastOf(groups)
  const parts = Array.from({ length: last }, (_, i): Part[] => {
    const generation = i + 1
    const online = control(groups, generation)
    const ours = pick(groups, { method: 'trikd', generation })
    if (ours.length === 0 || online.groups.length === 0) return []
    const area = { statistic: 'mean accuracy over epochs on images held out', measure: 'curveArea' as const }
    return [versus(ours, online.groups, { ...area, side: 'above', decides: i === 0 }, online.note)]
  }).flat()
  return parts.length ? parts : 'no TriKD rows beside online KD'
}

export const ANCHOR_CLAIMS: Claim[] = [
  ...TRIKD_CLAIMS.filter(({ id }) => id === 'K3' || id === 'K4'),
  {
    id: 'A1',
    text: 'With an anchor training is ahead of online KD on the mean over its epochs',
    source: 'our question',
    here: 'first generation minus online KD, accuracy on images held out over all epochs',
    test: sooner,
  },
]
